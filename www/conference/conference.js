// The conference: a lobby, then a room with everybody in it, and its chat.
import "/shared/product.js";
import { account, forget } from "/shared/account.js";
import { connect } from "/shared/connection.js";
import { Chat } from "./chat.js";
import { Lobby } from "./lobby.js";
import { Room } from "./room.js";

const me = await account();
// A token that came without a room: the form asks for both.
if (!me.group?.gid) forget();
const api = await connect(me);
const group = api.getProfile(null, me.group.gid);
const title = () => me.group.name || group.getNameOrAddress();

const chat = new Chat(api, group);
const room = new Room(api, group, chat, (reason) => lobby.show(reason));
const lobby = new Lobby(me, title, (chosen) => {
  if (chosen.pin) return joinWithPin(chosen);
  lobby.hide();
  room.enter(chosen, title());
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
  });
}
lookAtRights();

/** Why a room cannot be entered, in plain words. */
const REFUSALS = new Map([
  [MESIBO_GROUPERROR_PERMISSION, "Your rights in this room do not allow that."],
  [MESIBO_GROUPERROR_ACCESSDENIED, "This room does not let you in."],
  [MESIBO_GROUPERROR_DELETED, "This room does not exist any more."],
]);
const LET_IN =
  "You are not in yet. If this room has a waiting room, stay here: you come in as soon as a host agrees.";
const NOT_MEMBER =
  "You are not a member of this room. Enter its PIN, or ask whoever runs it to add you.";

/** What was chosen by somebody who is not let in yet. */
let waiting = null;

/** Becomes a member first; a room with a waiting room refuses now and lets in later. */
function joinWithPin(chosen) {
  lobby.say("Joining…");
  waiting = chosen;
  group.join(chosen.pin, {
    Mesibo_onGroupError(_group, error) {
      if (error === MESIBO_GROUPERROR_ACCESSDENIED) return lobby.say(LET_IN);
      waiting = null;
      const wrong = "This PIN does not open the room.";
      lobby.askForPin(error === MESIBO_GROUPERROR_BADPIN ? wrong : (REFUSALS.get(error) ?? wrong));
    },
  });
}

api.addListener({
  Mesibo_onGroupJoined(profile) {
    if (profile !== group || !waiting) return;
    lobby.forgetPin();
    lobby.hide();
    room.enter(waiting, title());
    waiting = null;
  },
  Mesibo_onProfileUpdated(profile) {
    if (profile === group) lookAtRights();
  },
  Mesibo_onGroupError(profile, error) {
    if (profile?.getGroupId() !== me.group.gid || !room.entered) return;
    const reason = REFUSALS.get(error) ?? "The server refused the room.";
    // Who may not publish may still watch.
    if (error === MESIBO_GROUPERROR_PERMISSION) return room.tell(reason);
    if (error !== MESIBO_GROUPERROR_NOTMEMBER) return room.leave(reason);
    room.leave(null);
    lobby.askForPin(NOT_MEMBER);
  },
});
