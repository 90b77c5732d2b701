// The chat of the room: the messages of its group.
import { Composer } from "/shared/composer.js";
import { Thread } from "/shared/thread.js";
import { Typing } from "/shared/typing.js";

export class Chat {
  constructor(api, group) {
    this.group = group;
    /** Told how many came while it was closed. */
    this.counted = () => {};
    this.place = document.getElementById("chat");
    this.composer = new Composer(this.place.querySelector(".composer"));
    this.composer.writeTo(group);
    this.unread = 0;
    this.thread = null;
    const line = this.place.querySelector(".typing");
    this.typing = new Typing(() => (line.textContent = this.typing.text(group)));
    api.addListener({
      Mesibo_onPresence: (presence) => this.typing.on(presence),
      Mesibo_onMessage: (message) => this.onMessage(message),
    });
  }

  onMessage(message) {
    // Who has sent it types no more.
    this.typing.changed();
    if (this.thread || !message.isIncoming() || !message.isDestinedFor(this.group)) return;
    this.count(this.unread + 1);
  }

  count(unread) {
    this.unread = unread;
    this.counted(unread);
  }

  /** Closed, nothing counts as read. */
  open(on) {
    if (on) {
      this.count(0);
      this.thread ??= new Thread(this.place.querySelector(".log"), this.group);
    } else {
      this.thread?.close();
      this.thread = null;
    }
  }
}
