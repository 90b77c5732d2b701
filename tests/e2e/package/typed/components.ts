// Components of an application: a class that listens, functions and objects as listeners, callbacks that return things.
import {
  init,
  type Api,
  type Mesibo,
  type MesiboMessage,
  type MesiboProfile,
  type MesiboListener,
  type MesiboReadSession,
  type MesiboPresence,
  type MesiboGroupProfile,
  type MesiboParticipant,
  type MesiboGroupCallListener,
} from "mesibo";

interface Row {
  mid: number;
  text: string;
  mine: boolean;
  time: string;
  state: "queued" | "sent" | "delivered" | "read" | "failed";
  image?: string | null;
}
function row(m: MesiboMessage): Row {
  const state = m.isFailed()
    ? "failed"
    : m.isReadByPeer()
      ? "read"
      : m.isDelivered()
        ? "delivered"
        : m.isSent()
          ? "sent"
          : "queued";
  return {
    mid: m.mid,
    text: m.message ?? "",
    mine: m.isOutgoing(),
    time: m.getTimestamp().getTime(),
    state,
    image: m.getThumbnail(),
  };
}
class Chat implements MesiboListener {
  private session: MesiboReadSession | null = null;
  rows: Row[] = [];
  constructor(
    private api: Mesibo,
    private profile: MesiboProfile,
  ) {}
  open(): void {
    this.session = this.profile.createReadSession(this);
    this.session.enableReadReceipt(true);
    const n: number = this.session.read(20);
    if (!n)
      this.session.sync(20, {
        Mesibo_onSync: (session, count) => {
          if (count > 0) session.read(count);
        },
      });
    this.session.getUnreadCount((n) => console.log(n.toFixed()));
  }
  Mesibo_onMessage(m: MesiboMessage | null): void {
    if (m === null) return;
    this.rows = (this.session?.getMessages() ?? []).map(row);
  }
  Mesibo_onMessageStatus(m: MesiboMessage): void {
    console.log(m.mid, m.status, m.getCurrentStatusSender()?.getAddress());
  }
  Mesibo_onMessageUpdate(m: MesiboMessage): void {
    if (m.isDeleted()) this.rows = this.rows.filter((r) => r.mid !== m.mid);
  }
  async Mesibo_onPresence(p: MesiboPresence): Promise<void> {
    if (p.isTyping()) console.log(p.profile?.getNameOrAddress("+"));
  }
  async send(text: string, file?: File): Promise<number> {
    const m = this.profile.newMessage();
    m.message = text;
    m.title = "t";
    m.expiry = 3600;
    m.type = 3;
    if (file && !m.setContent(file)) throw new Error("no content");
    const rc = m.send();
    if (rc !== 0) throw new Error(`rc ${rc}`);
    m.getReadTimestamp(null, (at) => at?.getDate(true, "Today", "Yesterday"));
    const reply = m.reply();
    reply.message = "x";
    reply.send();
    const fwd: MesiboMessage = m.forward(this.api.getSelfProfile());
    fwd.send();
    const ok: boolean = await m.wipeAndRecall();
    await m.delete();
    return ok ? m.mid : 0;
  }
  close(): void {
    this.session?.stop();
    this.profile.sendLeft();
  }
}
function group(api: Mesibo, g: MesiboGroupProfile) {
  api.createGroup(
    { name: "n", flags: 0 },
    {
      Mesibo_onGroupCreated(p) {
        p.addMembers(["a", "b"], { flags: 31, adminFlags: 0 });
        p.addPin(
          { flags: 31 },
          {
            Mesibo_onGroupSettings(_p, s, perms, pins) {
              console.log(s.name, perms.flags, pins[0]?.pin);
            },
          },
        );
      },
      Mesibo_onGroupError(p, e: number) {
        console.log(p?.getGroupId(), e);
      },
    },
  );
  api.createGroup("n", 0, (p) => p.getName());
  g.getMembers(0, true, (p, members) =>
    members.map((m) => [m.getProfile().getName(), m.isOwner(), m.getAddress()]),
  );
  g.join("123", {
    Mesibo_onGroupJoined(p) {
      p.leave();
    },
  });
  g.setProperties({ name: "x" });
  g.removeMembers(["a"]);
  const gone: boolean = g.deleteGroup();
  return gone;
}
function room(api: Mesibo, gid: number) {
  const call = api.groupCall(null, gid);
  if (!call) return;
  const l: MesiboGroupCallListener = {
    MesiboGroupcall_OnPublisher(p: MesiboParticipant, joined: boolean) {
      if (joined) p.call(true, true, l);
    },
    MesiboGroupcall_OnVideo(p, ratio, landscape) {
      p.setVideoView(
        p.isLocal() ? "me" : document.createElement("video"),
        (ok) => console.log(ok),
        100,
        20,
      );
    },
    MesiboGroupcall_OnMute(p, a, v, remote) {},
    MesiboGroupcall_OnHangup(p, reason) {},
    MesiboGroupcall_OnConnected(p, c) {},
    MesiboGroupcall_OnTalking(p, t) {},
  };
  call.join(l);
  const me = call.createPublisher(0);
  me?.setVideoSource(0);
  me?.setName("me");
  me?.call(true, true, l);
  call.leave();
}
function oneToOne(api: Mesibo) {
  api.addListener({
    Mesibo_onCall(id: number, from: string, video: boolean) {
      api.setupVideoCall("l", "r", video);
      api.answer(true);
    },
    Mesibo_onCallStatus(id, status) {
      if (status & 0x40) api.hangup(0);
    },
    Mesibo_onConnectionStatus(status, value) {
      console.log(status + value);
    },
    Mesibo_onProfileUpdated(p) {
      p.getImage().getImageOrThumbnail();
    },
  });
  api.setupVoiceCall("a");
  const rc: number = api.call("x");
  api.toggleAudioMute();
  return rc;
}
export async function main(): Promise<void> {
  const {
    Mesibo,
    MesiboReadSession,
    MesiboContactSynchronizer,
    MESIBO_STATUS_ONLINE,
    MESIBO_FILETYPE_IMAGE,
  }: Api = await init();
  const api = Mesibo.getInstance();
  api.setAppId("x");
  if (!api.setAccessToken("t")) throw new Error();
  api.setDatabase("d", (ok: boolean) => {
    const s = MesiboReadSession.createReadSummarySession({
      Mesibo_onMessage(m) {
        console.log(m?.groupProfile?.getName(), m?.profile?.getName());
      },
    });
    s.read(10);
  });
  api.start();
  const p = api.getProfile("123", 0);
  if (p) new Chat(api, p).open();
  const g = api.getGroupProfile(5);
  if (g) group(api, g as MesiboGroupProfile);
  const sync = new MesiboContactSynchronizer();
  sync.setContact(true);
  sync.sync(["1", "2"]);
  api.sendMessage({ peer: "1", flag: 3 }, api.random(), "old");
  api.sendFile({ peer: "1" }, 5, {
    fileurl: "u",
    filetype: MESIBO_FILETYPE_IMAGE,
    message: "m",
  });
  const s = api.readDbSession("1", 0, null, function (count) {
    console.log(count, this.getMessages().length);
    this.sync(5, (n: number) => n);
  });
  s.enableSummary(true);
  s.read(10);
  const h = api.createhttpRequest();
  h.setUrl("u");
  h.setPostData({ a: 1 }, true);
  h.send(null, (_cb, text) => {
    if (text) JSON.parse(text);
  });
  if (api.getConnectionStatus() === MESIBO_STATUS_ONLINE) room(api, 3);
  oneToOne(api);
}
