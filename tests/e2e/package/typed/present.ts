// The present: the package as a module, messages and sessions as objects.
import init from "mesibo";
import type { MesiboGroupMember, MesiboMessage, MesiboProfile } from "mesibo";

const { Mesibo, MesiboReadSession, MESIBO_MEMBERFLAG_ALL } = await init();
const api = Mesibo.getInstance();
api.setAppName("app");
if (false === api.setAccessToken("token")) throw new Error();
api.addListener({
  Mesibo_onConnectionStatus(status, value) {
    const both: number = status + value;
    console.log(both);
  },
  Mesibo_onMessage(m) {
    if (m) console.log(m.message, m.peer, m.isIncoming(), m.profile?.getNameOrAddress());
  },
  Mesibo_onMessageStatus: (m) => console.log(m.getCurrentStatusSender()?.getAddress()),
  Mesibo_onGroupMembers: (group, members: MesiboGroupMember[]) =>
    console.log(
      group.getGroupId(),
      members.map((member) => member.isAdmin()),
    ),
  Mesibo_onGetProfileName: (profile: MesiboProfile) => profile.getAddress(),
});
api.start();
const profile = api.getProfile("bob", 0)!;
const m: MesiboMessage = profile.newMessage();
m.message = "hello";
m.setInt("own", 7);
const result: number = m.send();
console.log(result);
const history = profile.createReadSession({ Mesibo_onMessage: (m) => console.log(m?.message) });
history.enableReadReceipt(true);
history.read(20);
MesiboReadSession.createReadSummarySession(null).read(100);
api.createGroup({ name: "team" }, (group: MesiboProfile) => {
  group.addMembers(["bob"], { flags: MESIBO_MEMBERFLAG_ALL });
});
if (await m.wipeAndRecall()) console.log(m.isDeleted());
