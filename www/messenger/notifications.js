// Who is elsewhere is told: the number of unread messages in the title, and notifications.
//
// The browser is asked only when a switch was pressed; notifications are shown only while the page
// is hidden, and none for what is muted. While no page is open, push messages wake `worker.js`.
import { inOneLine, senderOf } from "/shared/words.js";

const KEY = "openrtc.notifications";
/** Between two counts of what is unread, ms: each takes as long as there are unread messages. */
const COUNT_PACE = 250;

export class Notifications {
  /** `open(profile)` goes to a conversation. */
  constructor(api, open) {
    this.api = api;
    this.open = open;
    this.title = document.title;
    this.shown = new Map();
    this.all = MesiboReadSession.createReadSession(null);
    this.wanted = localStorage.getItem(KEY) === "on";
    api.addListener({
      Mesibo_onMessage: (message) => this.onMessage(message),
      Mesibo_onMessageUpdate: () => this.count(),
    });
    document.addEventListener("visibilitychange", () => this.onVisible());
    this.startWorker();
    this.count();
  }

  get possible() {
    return "Notification" in globalThis;
  }

  get on() {
    return this.wanted && this.possible && Notification.permission === "granted";
  }

  startWorker() {
    if (this.on) this.api.startServiceWorker("worker.js");
  }

  describe() {
    if (!this.possible) return "This browser has no notifications.";
    if (Notification.permission === "denied") {
      return "The browser blocks notifications of this page. Allow them in its settings.";
    }
    return "Shown for new messages while this page is in the background.";
  }

  /** Resolves with how it is then. */
  async turn(on) {
    if (on && this.possible) await Notification.requestPermission();
    const before = this.on;
    this.wanted = on;
    this.startWorker();
    // Without push messages the page notifies while it is open.
    if (this.on !== before) void this.api.enablePush(this.on);
    localStorage.setItem(KEY, on ? "on" : "off");
    return this.on;
  }

  onMessage(message) {
    this.count();
    if (!message.isIncoming() || !document.hidden || !this.on) return;
    const profile = message.groupProfile ?? message.profile;
    if (profile.isMuted() || profile.isBlocked()) return;
    const name = profile.getNameOrAddress();
    const text = inOneLine(message);
    const body = profile.isGroup() ? `${senderOf(message)}: ${text}` : text;
    const look = { body, tag: name, renotify: true, icon: "/style/logo.svg" };
    const picture = profile.getImage().getImageOrThumbnail();
    if (picture) look.icon = picture;
    this.show(profile, name, look);
  }

  show(profile, name, look) {
    try {
      const shown = new Notification(name, look);
      shown.onclick = () => {
        window.focus();
        this.open(profile);
        shown.close();
      };
      this.shown.get(profile)?.close();
      this.shown.set(profile, shown);
    } catch {
      // Some phones show none without a service worker; the title still counts.
    }
  }

  onVisible() {
    if (document.hidden) return;
    for (const shown of this.shown.values()) shown.close();
    this.shown.clear();
    this.count();
  }

  /** The number of unread messages before the title: now, or soon after the last time. */
  count() {
    if (this.pause) return void (this.again = true);
    this.again = false;
    this.all.getUnreadCount((count) => {
      const title = count ? `(${count > 99 ? "99+" : count}) ${this.title}` : this.title;
      if (document.title !== title) document.title = title;
    });
    this.pause = setTimeout(() => {
      this.pause = undefined;
      if (this.again) this.count();
    }, COUNT_PACE);
  }
}
