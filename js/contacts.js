// A set of addresses that become contacts: what to make of each, and the looking up.

import { levelBits } from "./profile.js";
import { textOf } from "./values.js";

const CONTACT = 1;
const SUBSCRIBED = 2;
const LEVELS = 0xfffe0000;
// Of the page's small values: what is looked up again at each start.
const KEY = "mesibo.sync";

/** `defaultEngine` gives the instance it works for. */
export function makeContactSynchronizer(defaultEngine) {
  return class MesiboContactSynchronizer {
    static _auto = false;
    _bits = 0;
    _waiting = [];

    setContact(on = true) {
      this._bits = on ? this._bits | CONTACT : this._bits & ~CONTACT;
    }
    subscribe(on = true) {
      this._bits = on ? this._bits | SUBSCRIBED : this._bits & ~SUBSCRIBED;
    }
    setProfileAccessLevels(levels) {
      this._bits = (this._bits & ~LEVELS) | levelBits(levels);
    }
    /** `now` is true when it is missing. */
    sync(addresses, now = true) {
      const list = Array.isArray(addresses) ? addresses : [addresses];
      this._waiting.push(...list.map((address) => textOf(address).trim()).filter(Boolean));
      if (now) this.syncNow();
    }
    syncAsUpdate(addresses, now = true) {
      this.sync(addresses, now);
    }
    syncNow() {
      const addresses = this._waiting;
      this._waiting = [];
      if (!addresses.length) return;
      const engine = defaultEngine();
      engine._syncContacts(addresses, this._bits >>> 0);
      if (!MesiboContactSynchronizer._auto) return;
      const known = JSON.parse(engine.readKey(KEY) ?? "{}");
      for (const address of addresses) known[address] = this._bits >>> 0;
      engine.setKey(KEY, JSON.stringify(known));
    }
    /** What is synchronised from now on is looked up again at each start: who was nobody may be there. */
    static enableAutoSync(on = true) {
      MesiboContactSynchronizer._auto = Boolean(on);
      if (!on) defaultEngine().deleteKey(KEY);
    }
    static isAutoSyncEnabled() {
      return MesiboContactSynchronizer._auto;
    }
    /** A start: what was synchronised before is looked up again. */
    static _again(engine) {
      if (!MesiboContactSynchronizer._auto) return;
      for (const [address, bits] of Object.entries(JSON.parse(engine.readKey(KEY) ?? "{}"))) {
        engine._syncContacts([address], bits);
      }
    }
  };
}
