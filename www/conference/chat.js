// The chat of the room: the messages of its group, beside the pictures or as a sheet over them.
import { Composer } from "/shared/composer.js";
import { Thread } from "/shared/thread.js";
import { Typing } from "/shared/typing.js";

export class Chat {
  constructor(api, group) {
    this.group = group;
    this.place = document.getElementById("chat");
    this.composer = new Composer(this.place.querySelector(".composer"));
    this.composer.writeTo(group);
    this.unread = 0;
    this.thread = null;
    const line = this.place.querySelector(".typing");
    this.typing = new Typing(() => (line.textContent = this.typing.text(group)));
    document.getElementById("chat-close").addEventListener("click", () => this.toggle());
    this.place.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.toggle();
    });
    api.addListener({
      Mesibo_onPresence: (presence) => this.typing.on(presence),
      Mesibo_onMessage: (message) => this.onMessage(message),
    });
  }

  /** Open where there is room for it. */
  start() {
    this.unread = 0;
    this.open(matchMedia("(min-width: 720px)").matches);
  }

  stop() {
    this.open(false);
  }

  onMessage(message) {
    // Who has sent it types no more.
    this.typing.changed();
    if (this.thread || !message.isIncoming() || !message.isDestinedFor(this.group)) return;
    this.unread += 1;
    this.controls.drawChat(false, this.unread);
  }

  toggle() {
    this.open(this.place.hidden);
    if (this.place.hidden) document.getElementById("chat-button").focus();
    else this.composer.focus();
  }

  /** Closed, nothing counts as read. */
  open(on) {
    this.place.hidden = !on;
    if (on) {
      this.unread = 0;
      this.thread ??= new Thread(this.place.querySelector(".log"), this.group);
    } else {
      this.thread?.close();
      this.thread = null;
    }
    this.controls.drawChat(on, this.unread);
  }
}
