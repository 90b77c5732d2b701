// A set of addresses that become contacts: what to make of each, and the looking up.

import { levelBits } from "./profile.js";

const CONTACT = 1;
const SUBSCRIBED = 2;
const LEVELS = 0xfffe0000;
// Of the page's small values: what is looked up again at each start.
const KEY = "mesibo.sync";

/** `defaultEngine` gives the instance it works for. */
export function makeContactSynchronizer(defaultEngine) {
  return class MesiboContactSynchronizer {
    static #auto = false;
    #bits = 0;
    #waiting = [];

    setContact(on = true) {
      this.#bits = on ? this.#bits | CONTACT : this.#bits & ~CONTACT;
    }
    subscribe(on = true) {
      this.#bits = on ? this.#bits | SUBSCRIBED : this.#bits & ~SUBSCRIBED;
    }
    setProfileAccessLevels(levels) {
      this.#bits = (this.#bits & ~LEVELS) | levelBits(levels);
    }
    /** `now` is true when it is missing. */
    sync(addresses, now = true) {
      const list = Array.isArray(addresses) ? addresses : [addresses];
      this.#waiting.push(...list.map((address) => String(address ?? "").trim()).filter(Boolean));
      if (now) this.syncNow();
    }
    syncAsUpdate(addresses, now = true) {
      this.sync(addresses, now);
    }
    syncNow() {
      const addresses = this.#waiting;
      this.#waiting = [];
      if (!addresses.length) return;
      const engine = defaultEngine();
      engine._syncContacts(addresses, this.#bits >>> 0);
      if (!MesiboContactSynchronizer.#auto) return;
      const known = JSON.parse(engine.readKey(KEY) ?? "{}");
      for (const address of addresses) known[address] = this.#bits >>> 0;
      engine.setKey(KEY, JSON.stringify(known));
    }
    /** What is synchronised from now on is looked up again at each start: who was nobody may be there. */
    static enableAutoSync(on = true) {
      MesiboContactSynchronizer.#auto = Boolean(on);
      if (!on) defaultEngine().deleteKey(KEY);
    }
    static isAutoSyncEnabled() {
      return MesiboContactSynchronizer.#auto;
    }
    /** A start: what was synchronised before is looked up again. */
    static _again(engine) {
      if (!MesiboContactSynchronizer.#auto) return;
      for (const [address, bits] of Object.entries(JSON.parse(engine.readKey(KEY) ?? "{}"))) {
        engine._syncContacts([address], bits);
      }
    }
  };
}
