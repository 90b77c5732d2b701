// The open conversation: who it is with, its messages, and where one writes.
import { avatar } from "/shared/dom.js";
import { Composer } from "/shared/composer.js";
import { Thread } from "/shared/thread.js";

function presence(profile) {
  if (profile.isGroup()) return "Group";
  if (profile.isOnline()) return "Online";
  const seen = profile.getLastSeen();
  return seen ? `Last seen ${seen.getDateInNaturalLanguage()}` : "Offline";
}

export class Conversation {
  constructor(typing, close) {
    this.typing = typing;
    this.close = close;
    this.place = document.getElementById("talk");
    this.nothing = [...this.place.children];
    this.parts = null;
    this.profile = null;
    this.thread = null;
  }

  build() {
    this.place.replaceChildren(document.getElementById("talk-parts").content.cloneNode(true));
    const find = (selector) => this.place.querySelector(selector);
    this.parts = {
      face: find(".face"),
      name: find("#talk-name"),
      presence: find(".presence"),
      log: find(".log"),
      typing: find(".typing"),
    };
    find(".back").addEventListener("click", () => this.close());
    this.composer = new Composer(find(".composer"));
    this.screen = [...this.place.children];
  }

  show(profile) {
    if (!this.parts) this.build();
    this.place.replaceChildren(...this.screen);
    if (profile !== this.profile) {
      this.thread?.close();
      this.profile = profile;
      this.thread = new Thread(this.parts.log, profile);
      this.composer.writeTo(profile);
    }
    this.drawHead();
    // Where there is no keyboard, the one on the screen would cover what one came to read.
    if (matchMedia("(pointer: fine)").matches) this.composer.focus();
    else this.parts.name.focus();
  }

  /** Nothing is open: what comes now is not read. */
  hide() {
    this.thread?.close();
    this.thread = null;
    this.profile = null;
    this.place.replaceChildren(...this.nothing);
  }

  drawHead() {
    const { profile, parts } = this;
    if (!profile) return;
    const name = profile.getNameOrAddress();
    parts.name.textContent = name;
    parts.face.replaceChildren(avatar(name, profile.getAddress() || profile.getGroupId()));
    this.drawPresence();
  }

  drawPresence() {
    const { profile, parts } = this;
    if (!profile) return;
    const state = presence(profile);
    if (parts.presence.textContent !== state) parts.presence.textContent = state;
    const typing = this.typing.text(profile);
    const text = typing && !profile.isGroup() ? `${profile.getNameOrAddress()} is typing…` : typing;
    if (parts.typing.textContent !== text) parts.typing.textContent = text;
  }
}
