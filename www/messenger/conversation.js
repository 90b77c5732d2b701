// The open conversation: who it is with, its messages, and where one writes.
import { face } from "/shared/dom.js";
import { Thread } from "/shared/thread.js";
import { dayName, presenceOf } from "/shared/words.js";
import { showDetails } from "./details.js";
import { Find } from "./find.js";
import { messageActions } from "./message-actions.js";
import { showPicture } from "./viewer.js";
import { Writing } from "./writing.js";

export class Conversation {
  /** `app`: `api`, `typing`, `profiles()`, `open(profile)`, `close()`, `read()`. */
  constructor(app) {
    this.app = app;
    this.place = document.getElementById("talk");
    this.nothing = [...this.place.children];
    this.parts = null;
    this.profile = null;
    this.thread = null;
  }

  build() {
    const { app, place } = this;
    place.replaceChildren(document.getElementById("talk-parts").content.cloneNode(true));
    const find = (selector) => place.querySelector(selector);
    this.parts = {
      face: find(".face"),
      name: find("#talk-name"),
      presence: find(".presence"),
      log: find(".log"),
      day: find(".floating-day"),
      down: find(".down"),
      typing: find(".typing"),
      blocked: find(".blocked"),
    };
    find(".back").addEventListener("click", () => app.close());
    find(".who").addEventListener("click", () => this.details());
    find(".about-them").addEventListener("click", () => this.details());
    this.rings = [...place.querySelectorAll(".ring")];
    for (const button of this.rings) {
      const video = button.classList.contains("with-video");
      button.addEventListener("click", () => app.calls.start(this.profile, video));
    }
    find(".look").addEventListener("click", () => this.find.open());
    this.parts.down.addEventListener("click", () => this.thread.toEnd());
    this.parts.blocked.querySelector("button").addEventListener("click", () => {
      this.profile.block(false);
      this.profile.save();
      this.drawHead();
    });
    this.find = new Find(find(".find"), () => this.thread);
    find(".find").addEventListener("closed", () => this.writing.focus());
    this.writing = new Writing(place);
    this.menu = messageActions(app.api, () => this.writing, app.profiles, app.open);
    this.screen = [...place.children];
  }

  show(profile) {
    if (!this.parts) this.build();
    this.place.replaceChildren(...this.screen);
    if (profile !== this.profile) {
      this.leave();
      this.profile = profile;
      this.thread = new Thread(this.parts.log, profile, {
        menu: this.menu,
        open: showPicture,
        moved: () => this.onMoved(),
        read: this.app.read,
      });
      this.writing.writeTo(profile);
      profile.sendJoined();
    }
    this.members = 0;
    this.count();
    this.drawHead();
    // Where there is no keyboard, the one on the screen would cover what one came to read.
    if (matchMedia("(pointer: fine)").matches && !profile.isBlocked()) this.writing.focus();
    else this.parts.name.focus();
  }

  leave() {
    if (!this.profile) return;
    this.find.close(false);
    this.writing.leave();
    this.thread.close();
    this.profile.sendLeft();
    this.thread = null;
    this.profile = null;
  }

  /** Nothing is open: what comes now is not read. */
  hide() {
    this.leave();
    this.place.replaceChildren(...this.nothing);
  }

  /** True when something of the conversation was ended, so that it stays open itself. */
  escape() {
    if (!this.profile) return false;
    if (!this.find.bar.hidden) this.find.close(true);
    else return this.writing.escape();
    return true;
  }

  details() {
    const { app, profile } = this;
    showDetails(app, profile, () => this.find.open());
  }

  onMoved() {
    const { thread, parts } = this;
    // It says so while it is still being made.
    if (!thread) return;
    const away = !thread.rows.atEnd && parts.log.scrollHeight > parts.log.clientHeight;
    parts.down.hidden = !away;
    const text = thread.arrived ? `${thread.arrived} new` : "";
    if (parts.down.lastElementChild.textContent !== text) {
      parts.down.lastElementChild.textContent = text;
    }
    const ts = away && thread.rows.firstSeen?.message?.ts;
    parts.day.hidden = !ts;
    if (ts) parts.day.textContent = dayName(ts);
  }

  drawHead() {
    const { profile, parts } = this;
    if (!profile) return;
    parts.name.textContent = profile.getNameOrAddress();
    parts.face.replaceChildren(face(profile));
    const left = profile.isGroup() && !profile.isActive();
    const blocked = profile.isBlocked();
    parts.blocked.hidden = !left && !blocked;
    const callable = !profile.isGroup() && !profile.isSelfProfile() && !blocked;
    for (const button of this.rings) button.hidden = !callable;
    parts.blocked.firstElementChild.textContent = left
      ? "You are not in this group."
      : `You have blocked ${profile.getNameOrAddress()}.`;
    parts.blocked.querySelector("button").hidden = !blocked;
    this.writing.form.classList.toggle("away", left || blocked);
    this.drawPresence();
  }

  /** How many are in the group. */
  count() {
    const { profile } = this;
    if (!profile?.isGroup() || !profile.isActive()) return;
    profile.getMembers(0, true, (_group, members) => {
      if (profile !== this.profile || !members.length) return;
      this.members = members.length;
      this.drawPresence();
    });
  }

  drawPresence() {
    const { profile, parts } = this;
    if (!profile) return;
    const group = this.members > 1 ? `${this.members} members` : "Group";
    const state = profile.isGroup() ? group : presenceOf(profile);
    if (parts.presence.textContent !== state) parts.presence.textContent = state;
    const typing = this.app.typing.text(profile);
    const text = typing && !profile.isGroup() ? `${profile.getNameOrAddress()} is typing…` : typing;
    if (parts.typing.textContent !== text) parts.typing.textContent = text;
  }
}
