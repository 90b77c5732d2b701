// The messenger: the list of conversations beside the one that is open.
import "/shared/product.js";
import { account } from "/shared/account.js";
import { connect } from "/shared/connection.js";
import { Typing } from "/shared/typing.js";
import { Conversation } from "./conversation.js";
import { Conversations } from "./conversations.js";

const me = await account();
document.getElementById("self").textContent = me.name;
const api = await connect(me);

const panes = document.getElementById("panes");
const typing = new Typing(() => {
  conversations.draw();
  conversation.drawPresence();
});
const conversation = new Conversation(typing, close);
const conversations = new Conversations(api, me, typing, open);

function open(profile) {
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
  panes.classList.remove("open");
  conversation.hide();
  conversations.select(null);
}

addEventListener("popstate", () => {
  if (history.state !== "conversation") showList();
});
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && panes.classList.contains("open")) close();
});
// A reload comes back to the list; the entry of the conversation it had open means nothing now.
history.replaceState(null, "");

api.addListener({
  // Who has sent it types no more.
  Mesibo_onMessage: () => typing.changed(),
  Mesibo_onMessageStatus: () => conversations.draw(),
  Mesibo_onPresence(presence) {
    if (typing.on(presence)) return;
    conversations.draw();
    conversation.drawPresence();
  },
  Mesibo_onProfileUpdated() {
    conversations.draw();
    conversation.drawHead();
  },
  Mesibo_onGroupJoined: () => conversations.draw(),
  Mesibo_onGroupLeft: () => conversations.draw(),
});

// Not before it can be used.
document.getElementById("app-screen").hidden = false;

const newButton = document.getElementById("new");
const newForm = document.getElementById("new-form");
newButton.addEventListener("click", () => {
  newForm.hidden = !newForm.hidden;
  newButton.setAttribute("aria-expanded", String(!newForm.hidden));
  if (!newForm.hidden) newForm.address.focus();
});
newForm.addEventListener("submit", (event) => {
  event.preventDefault();
  const address = newForm.address.value.trim();
  if (!address) return;
  newForm.reset();
  newButton.click();
  const profile = api.getProfile(address, 0);
  conversations.add(profile);
  open(profile);
});
