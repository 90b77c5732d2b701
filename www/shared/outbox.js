// How many own messages wait for the network.

export class Outbox {
  /** `changed` is called when there are more or fewer. */
  constructor(changed) {
    this.changed = changed;
    this.waiting = new Set();
  }

  get count() {
    return this.waiting.size;
  }

  Mesibo_onMessage(message) {
    if (message.isOutgoing()) this.note(message);
  }
  Mesibo_onMessageStatus(message) {
    this.note(message);
  }
  Mesibo_onMessageUpdate(message) {
    this.note(message);
  }

  note(message) {
    const { mid } = message;
    const waits = message.isInOutbox();
    if (this.waiting.has(mid) === waits) return;
    if (waits) this.waiting.add(mid);
    else this.waiting.delete(mid);
    this.changed();
  }
}
