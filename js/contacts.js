// A set of addresses that become contacts: what to make of each, and the looking up.

const CONTACT = 1;
const SUBSCRIBED = 2;

/** `defaultEngine` gives the instance it works for. */
export function makeContactSynchronizer(defaultEngine) {
  let autoSync = false;
  return class MesiboContactSynchronizer {
    #bits = 0;
    #waiting = [];

    setContact(on = true) {
      this.#bits = on ? this.#bits | CONTACT : this.#bits & ~CONTACT;
    }
    subscribe(on = true) {
      this.#bits = on ? this.#bits | SUBSCRIBED : this.#bits & ~SUBSCRIBED;
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
      if (addresses.length) defaultEngine()._syncContacts(addresses, this.#bits);
    }
    /** Contacts are looked up again at every sign-in; this says that the page counts on it. */
    static enableAutoSync(on = true) {
      autoSync = Boolean(on);
    }
    static isAutoSyncEnabled() {
      return autoSync;
    }
  };
}
