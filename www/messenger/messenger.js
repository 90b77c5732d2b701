// The messenger: the list of conversations beside the one that is open.
import "/shared/product.js";
import { account } from "/shared/account.js";
import { connect } from "/shared/connection.js";
import { announce, face } from "/shared/dom.js";
import { Typing } from "/shared/typing.js";
import { Calls } from "./call.js";
import { Conversation } from "./conversation.js";
import { Conversations, keyOf } from "./conversations.js";
import { showMe } from "./me.js";
import { invitation, join, startMenu } from "./new-conversation.js";
import { Notifications } from "./notifications.js";
import { Search } from "./search.js";

/** How often times like "5 minutes ago" are looked at, ms. */
const CLOCK = 30_000;

// An invitation is kept over signing in.
const invited = invitation(location.href) ?? invitation(sessionStorage.getItem("invited") ?? "");
if (invited) sessionStorage.setItem("invited", `#join=${invited.gid}-${invited.pin}`);

const me = await account();
const api = await connect(me);

const panes = document.getElementById("panes");
const typing = new Typing(() => {
  conversations.draw();
  conversation.drawPresence();
});
const app = {
  api,
  typing,
  open,
  close,
  profiles: () => conversations.profiles(),
  changed,
  forget,
  read() {
    conversations.draw();
    app.notifications.count();
  },
};
const conversation = new Conversation(app);
const conversations = new Conversations(api, me, typing, open);
const search = new Search(api, app.profiles, (profile, mid) => {
  open(profile);
  if (mid) conversation.thread.jumpTo(mid);
});
app.calls = new Calls(api);
app.notifications = new Notifications(api, open);

function open(profile) {
  conversations.add(profile);
  conversations.select(profile);
  conversation.show(profile);
  if (!panes.classList.contains("open")) history.pushState("conversation", "");
  panes.classList.add("open");
}

/** On a phone: back to the list, to where one came from. */
function close() {
  if (history.state === "conversation") history.back();
  else showList();
}

function showList() {
  const { selected } = conversations;
  panes.classList.remove("open");
  conversation.hide();
  conversations.select(null);
  // The row one came from, so that arrows go on from there.
  if (selected) conversations.rows.elementOf(keyOf(selected))?.firstElementChild.focus();
}

/** A conversation that was deleted. */
function forget(profile) {
  conversations.remove(profile);
  if (conversation.profile === profile) close();
}

/** A profile looks different. */
function changed() {
  drawSelf();
  conversations.draw();
  conversation.drawHead();
}

function drawSelf() {
  const self = api.getSelfProfile();
  const name = self.getName() || me.name || api.getAddress();
  document.getElementById("self").textContent = name;
  document.getElementById("me-face").replaceChildren(face(self));
}

addEventListener("popstate", () => {
  if (history.state !== "conversation") showList();
});
addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
    if (document.querySelector("dialog[open]")) return;
    event.preventDefault();
    // On a phone the list is seen only once one is back there.
    const covered = panes.classList.contains("open") && matchMedia("(max-width: 719px)").matches;
    if (covered) addEventListener("popstate", () => search.focus(), { once: true });
    if (covered) close();
    else search.focus();
  }
  if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open]")) {
    return;
  }
  if (!conversation.escape() && panes.classList.contains("open")) close();
});
// A reload comes back to the list; the entry of the conversation it had open means nothing now.
history.replaceState(null, "", location.pathname + location.search);

api.addListener({
  // Who has sent it types no more.
  Mesibo_onMessage: () => typing.changed(),
  Mesibo_onMessageStatus: () => conversations.draw(),
  Mesibo_onPresence(presence) {
    if (typing.on(presence)) return;
    conversations.draw();
    conversation.drawPresence();
  },
  Mesibo_onProfileUpdated: changed,
  Mesibo_onGroupJoined: changed,
  Mesibo_onGroupMembersJoined: (group) => group === conversation.profile && conversation.count(),
  Mesibo_onGroupMembersRemoved: (group) => group === conversation.profile && conversation.count(),
  Mesibo_onGroupLeft: changed,
});
setInterval(() => conversation.drawPresence(), CLOCK);

document.getElementById("new").addEventListener("click", (event) => {
  startMenu(app, event.currentTarget);
});
document.getElementById("me").addEventListener("click", () => showMe(app));
drawSelf();

// Not before it can be used.
document.getElementById("app-screen").hidden = false;

if (invited) {
  sessionStorage.removeItem("invited");
  join(app, invited, (text) => text && announce(text));
}
