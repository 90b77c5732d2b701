// The connection: signs in, opens the database, and shows in a banner when something is wrong.
import { forget } from "./account.js";
import { element } from "./dom.js";
import { Outbox } from "./outbox.js";

const again = (api, account) => ({
  text: "Use here",
  act() {
    api.setAccessToken(account.token);
    api.start();
  },
});
const other = { text: "Use another token", act: forget };

/** Text, look and remedy of a state; nothing while all is well. */
function describe(status, api, account) {
  switch (status) {
    case MESIBO_STATUS_ONLINE:
      return null;
    case MESIBO_STATUS_NONETWORK:
      return {
        text: "This device is offline. What you write is sent when it is back.",
        waits: true,
      };
    case MESIBO_STATUS_OFFLINE:
    case MESIBO_STATUS_SHUTDOWN:
      return { text: "Connection lost. Reconnecting…", waits: true };
    case MESIBO_STATUS_CONNECTFAILURE:
      return {
        text: "The server cannot be reached. Trying again…",
        waits: true,
        remedy: { text: "Try now", act: () => api.reconnect() },
      };
    case MESIBO_STATUS_SIGNOUT:
      return {
        text: "Signed out: this account was opened somewhere else.",
        bad: true,
        remedy: again(api, account),
      };
    case MESIBO_STATUS_AUTHFAIL:
      return {
        text: "The server refused the token: it is wrong, expired, or made for another app.",
        bad: true,
        remedy: other,
      };
    case MESIBO_STATUS_SUSPEND:
    case MESIBO_STATUS_ONPREMISEERROR:
      return {
        text: "The server does not serve this app at the moment.",
        bad: true,
      };
    case MESIBO_STATUS_STOPPED:
      return { text: "Stopped.", remedy: again(api, account) };
    default:
      return { text: "Connecting…", waits: true };
  }
}

/** Shows the state of the connection in the element `connection`. */
class Banner {
  constructor(api, account) {
    this.api = api;
    this.account = account;
    this.place = document.getElementById("connection");
    this.outbox = new Outbox(() => this.draw());
    api.addListener(this.outbox);
  }

  Mesibo_onConnectionStatus(status) {
    this.state = describe(status, this.api, this.account);
    this.draw();
  }

  /** What waits is said only while it cannot go. */
  queued() {
    const { count } = this.outbox;
    if (!this.state.waits || !count) return "";
    return count === 1 ? " 1 message is waiting." : ` ${count} messages are waiting.`;
  }

  draw() {
    const { state } = this;
    this.place.hidden = !state;
    if (!state) return void this.place.replaceChildren();
    this.place.classList.toggle("bad", Boolean(state.bad));
    const { remedy } = state;
    const text = state.text + this.queued();
    const button =
      remedy &&
      element("button", { type: "button", class: "button", onclick: remedy.act }, remedy.text);
    this.place.replaceChildren(element("span", {}, text), ...(button ? [button] : []));
  }
}

/** Names the page was told, for those who have none of their own. */
function names({ peers, group }) {
  const byAddress = new Map(peers.map(({ key, name }) => [key, name]));
  return {
    Mesibo_onGetProfileName(profile) {
      const gid = profile.getGroupId();
      if (gid) return group?.gid === gid ? group.name || null : null;
      return byAddress.get(profile.getAddress()) || null;
    },
  };
}

/** Starts; resolves with the API object when history can be read. */
export function connect(account) {
  const api = Mesibo.getInstance();
  api.setAppId(account.app);
  api.setAccessToken(account.token);
  api.addListener(new Banner(api, account));
  api.addListener(names(account));
  return new Promise((resolve) => {
    api.setDatabase("openrtc", () => resolve(api));
    api.start();
  });
}
