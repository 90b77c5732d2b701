// A search for people and groups that want to be found: its settings, and the pages of its answer.

import { fieldOf } from "./hidden.js";
import { isPlace } from "./location.js";
import { tellListener } from "./told.js";
import { asNumber } from "./values.js";

/** `defaultEngine` gives the instance it works for. */
export function makeProfileSearch(defaultEngine) {
  let requests = 0;
  return class MesiboProfileSearch {
    #listener;
    #wanted = { text: "", contacts: false, groups: false };
    #subscribe = false;
    #age = 0;
    #distance = 0;
    #place = null;
    #more = null;
    #found = [];
    #request = 0;

    setListener(listener) {
      this.#listener = listener;
    }
    setQuery(text) {
      this.#wanted.text = String(text ?? "").trim();
      this.#more = null;
    }
    /** Who is found is subscribed to. */
    subscribe(on = true) {
      this.#subscribe = Boolean(on);
    }
    enableGroupSearch(on = true) {
      this.#wanted.groups = Boolean(on);
    }
    /** Contacts are found whatever they want: one knows them already. */
    enableContactSearch(on = true) {
      this.#wanted.contacts = Boolean(on);
    }
    /** Only who was online within these seconds. */
    setMaxAge(seconds) {
      this.#age = Math.max(0, asNumber(seconds) ?? 0);
    }
    /** Only who is within these metres, is online, and has `setSearchableDistance`; 0 = all. */
    setDistance(metres) {
      this.#distance = Math.max(0, asNumber(metres) ?? 0);
      this.#more = null;
    }
    /** Around this place. */
    setLocation(latitude, longitude) {
      this.#place = { latitude: asNumber(latitude), longitude: asNumber(longitude) };
      this.#more = null;
    }
    /** Around where the location manager says that one is, which is how it begins. */
    setCurrentLocation() {
      this.#place = null;
    }
    search() {
      this.#more = null;
      this.#found = [];
      return this.#ask("ProfileSearchResults", {});
    }
    /** What follows the last answer; `false` when there is no more. */
    searchMore() {
      if (!this.#more) return false;
      const [uid, gid] = this.#more;
      this.#more = null;
      return this.#ask("ProfileSearchUpdate", { uid, gid });
    }
    getLastSearchResult() {
      return [...this.#found];
    }
    clearSearchResult() {
      this.#found = [];
      this.#more = null;
    }
    getRequestId() {
      return this.#request;
    }

    #ask(name, after) {
      const engine = defaultEngine();
      const within = this.#distance;
      if (!this.#wanted.text && !within) return false;
      const place = (within && (this.#place ?? engine.getLocationManager().getLocation())) || {};
      const { latitude, longitude } = place;
      if (within && !isPlace(place)) {
        console.warn("mesibo: searching by distance needs a place: call `setLocation` before");
        return false;
      }
      const since = this.#age ? engine.getTimestamp() - this.#age * 1000 : 0;
      const request = ++requests;
      const wanted = { ...this.#wanted, ...after, since, latitude, longitude, within };
      const taken = engine._search(wanted, (found, more, limited) => {
        // A search that was begun anew has replaced this one.
        if (request !== this.#request) return;
        if (limited) console.warn("mesibo: too many searches in a minute: try again later");
        if (this.#subscribe) for (const profile of found) subscribe(profile);
        this.#more = more;
        this.#found.push(...found);
        tellListener(this.#listener, name, [...found], this);
      });
      if (taken) this.#request = request;
      return taken;
    }
  };
}

function subscribe(profile) {
  if (profile._isGroup() || fieldOf(profile).subscribed) return;
  fieldOf(profile).subscribed = true;
  profile._markContact(2, true);
  profile._save("");
}
