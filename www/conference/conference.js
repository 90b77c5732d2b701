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
const lobby = new Lobby(me, title, (name) => {
  lobby.hide();
  chat.start();
  room.enter(name, title());
});
const room = new Room(api, me.group.gid, chat, (reason) => {
  chat.stop();
  lobby.show(reason);
});
// Not before it can be used: a button pressed too early would do nothing, or reload the page.
document.getElementById("app-screen").hidden = false;
lobby.show();

/** Why a room cannot be entered, in plain words. */
const REFUSALS = new Map([
  [
    MESIBO_GROUPERROR_NOTMEMBER,
    "You are not a member of this room. Ask whoever runs it to add you.",
  ],
  [MESIBO_GROUPERROR_PERMISSION, "Your rights in this room do not allow that."],
  [MESIBO_GROUPERROR_ACCESSDENIED, "This room does not let you in."],
  [MESIBO_GROUPERROR_DELETED, "This room does not exist any more."],
]);

api.addListener({
  Mesibo_onGroupError(profile, error) {
    if (profile?.getGroupId() !== me.group.gid) return;
    const reason = REFUSALS.get(error) ?? "The server refused the room.";
    // Who may not publish may still watch.
    if (error === MESIBO_GROUPERROR_PERMISSION && room.entered) room.tell(reason);
    else if (room.entered) room.leave(reason);
  },
});
