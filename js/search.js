// A search for people and groups that want to be found: its settings, and the pages of its answer.

import { fieldOf } from "./hidden.js";
import { isPlace } from "./location.js";
import { tellListener } from "./told.js";
import { asNumber, textOf } from "./values.js";

/** `defaultEngine` gives the instance it works for. */
export function makeProfileSearch(defaultEngine) {
  let requests = 0;
  return class MesiboProfileSearch {
    _listener;
    _wanted = { text: "", contacts: false, groups: false };
    _subscribe = false;
    _age = 0;
    _distance = 0;
    _place = null;
    _more = null;
    _found = [];
    _request = 0;

    setListener(listener) {
      this._listener = listener;
    }
    setQuery(text) {
      this._wanted.text = textOf(text).trim();
      this._more = null;
    }
    /** Who is found is subscribed to. */
    subscribe(on = true) {
      this._subscribe = Boolean(on);
    }
    enableGroupSearch(on = true) {
      this._wanted.groups = Boolean(on);
    }
    /** Contacts are found whatever they want: one knows them already. */
    enableContactSearch(on = true) {
      this._wanted.contacts = Boolean(on);
    }
    /** Only who was online within these seconds. */
    setMaxAge(seconds) {
      this._age = Math.max(0, asNumber(seconds) ?? 0);
    }
    /** Only who is within these metres, is online, and has `setSearchableDistance`; 0 = all. */
    setDistance(metres) {
      this._distance = Math.max(0, asNumber(metres) ?? 0);
      this._more = null;
    }
    /** Around this place. */
    setLocation(latitude, longitude) {
      this._place = { latitude: asNumber(latitude), longitude: asNumber(longitude) };
      this._more = null;
    }
    /** Around where the location manager says that one is, which is how it begins. */
    setCurrentLocation() {
      this._place = null;
    }
    search() {
      this._more = null;
      this._found = [];
      return this._ask("ProfileSearchResults", {});
    }
    /** What follows the last answer; `false` when there is no more. */
    searchMore() {
      if (!this._more) return false;
      const [uid, gid] = this._more;
      this._more = null;
      return this._ask("ProfileSearchUpdate", { uid, gid });
    }
    getLastSearchResult() {
      return [...this._found];
    }
    clearSearchResult() {
      this._found = [];
      this._more = null;
    }
    getRequestId() {
      return this._request;
    }

    _ask(name, after) {
      const engine = defaultEngine();
      const within = this._distance;
      if (!this._wanted.text && !within) return false;
      const place = (within && (this._place ?? engine.getLocationManager().getLocation())) || {};
      const { latitude, longitude } = place;
      if (within && !isPlace(place)) {
        console.warn("mesibo: searching by distance needs a place: call `setLocation` before");
        return false;
      }
      const since = this._age ? engine.getTimestamp() - this._age * 1000 : 0;
      const request = ++requests;
      const wanted = { ...this._wanted, ...after, since, latitude, longitude, within };
      const taken = engine._search(wanted, (found, more, limited) => {
        // A search that was begun anew has replaced this one.
        if (request !== this._request) return;
        if (limited) console.warn("mesibo: too many searches in a minute: try again later");
        if (this._subscribe) for (const profile of found) subscribe(profile);
        this._more = more;
        this._found.push(...found);
        tellListener(this._listener, name, [...found], this);
      });
      if (taken) this._request = request;
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
