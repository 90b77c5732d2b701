// Raised hands: a presence of a number of its own, told to the group, and again to who comes later.

/** Numbers from 256 on are free for pages. */
const HAND = 300;

export class Hands {
  /** `changed(address, up)` is called for others. */
  constructor(api, group, changed) {
    this.group = group;
    this.up = false;
    this.raised = new Set();
    api.addListener({
      Mesibo_onPresence: (presence) => {
        if (presence.presence !== HAND || presence.groupid !== group.getGroupId()) return;
        this.set(presence.peer, presence.value === 1);
        changed(presence.peer, presence.value === 1);
      },
    });
  }

  set(address, up) {
    if (up) this.raised.add(address);
    else this.raised.delete(address);
  }

  raise(up) {
    this.up = up;
    this.tell();
  }

  /** For somebody who has just come. */
  tell() {
    this.group.newPresence().send(HAND, this.up ? 1 : 0);
  }

  clear() {
    if (this.up) this.raise(false);
    this.raised.clear();
  }
}
