// The conference: a lobby, then a room with everybody in it, and its chat.
import "/shared/product.js";
import { account, forget } from "/shared/account.js";
import { connect } from "/shared/connection.js";
import { Chat } from "./chat.js";
import { Lobby } from "./lobby.js";
import { Recordings } from "./recordings.js";
import { Room } from "./room.js";

const me = await account();
// A token that came without a room: the form asks for both.
if (!me.group?.gid) forget();
const api = await connect(me);
const group = api.getProfile(null, me.group.gid);
const title = () => me.group.name || group.getNameOrAddress();

const chat = new Chat(api, group);
const recordings = new Recordings(me.token, me.group.gid);
const room = new Room(api, group, chat, recordings, (reason) => lobby.show(reason));
const lobby = new Lobby(me, title, (choice) => {
  chosen = choice;
  if (choice.pin) joinWithPin();
  else enter();
});
// Not before it can be used: a button pressed too early would do nothing, or reload the page.
document.getElementById("app-screen").hidden = false;
lobby.show();

/** What one may do here decides what the page offers; it may change at any time. */
function lookAtRights() {
  group.getSettings({
    Mesibo_onGroupSettings(_group, _settings, own) {
      const mayPublish = (own.flags & MESIBO_MEMBERFLAG_PUBL) !== 0;
      lobby.setWatching(!mayPublish);
      room.setRights(mayPublish);
    },
    // Who is no member may come in all the same: an open room lets in, or has one wait.
    Mesibo_onGroupError() {
      onlyRights = true;
    },
  });
}
/** The error that all listeners hear next is an answer to that question, and not about the room. */
let onlyRights = false;
lookAtRights();

/** Why a room cannot be entered, in plain words. */
const REFUSALS = new Map([
  [MESIBO_GROUPERROR_PERMISSION, "Your rights in this room do not allow that."],
  [MESIBO_GROUPERROR_ACCESSDENIED, "This room does not let you in."],
  [MESIBO_GROUPERROR_DELETED, "This room does not exist any more."],
]);
const WAIT = "This room has a waiting room. Stay here: you come in as soon as a host lets you in.";
const NOT_MEMBER =
  "You are not a member of this room. Enter its PIN, or ask whoever runs it to add you.";

/** What was chosen in the lobby, and whether its owner waits to become a member. */
let chosen = null;
let waits = false;

function enter() {
  waits = false;
  lobby.hide();
  room.enter(chosen, title());
}

/** Becomes a member first; a room with a waiting room refuses now and lets in later. */
function joinWithPin() {
  lobby.say("Joining…");
  waits = true;
  group.join(chosen.pin, {
    Mesibo_onGroupError(_group, error, waiting) {
      if (waiting) return lobby.say(WAIT);
      waits = false;
      const wrong = "This PIN does not open the room.";
      lobby.askForPin(error === MESIBO_GROUPERROR_BADPIN ? wrong : (REFUSALS.get(error) ?? wrong));
    },
  });
}

api.addListener({
  Mesibo_onGroupJoined(profile) {
    if (profile !== group || !waits) return;
    lobby.forgetPin();
    enter();
  },
  Mesibo_onProfileUpdated(profile) {
    if (profile === group) lookAtRights();
  },
  Mesibo_onGroupError(profile, error, waiting) {
    const isOfRoom = !onlyRights;
    onlyRights = false;
    if (!isOfRoom || profile?.getGroupId() !== me.group.gid || !room.entered) return;
    if (waiting) {
      room.leave(WAIT);
      waits = true;
      return;
    }
    const reason = REFUSALS.get(error) ?? "The server refused the room.";
    // Who may not publish may still watch.
    if (error === MESIBO_GROUPERROR_PERMISSION) return room.tell(reason);
    if (error !== MESIBO_GROUPERROR_NOTMEMBER) return room.leave(reason);
    room.leave(null);
    lobby.askForPin(NOT_MEMBER);
  },
});
