// Messages as objects: their fields, what they say of themselves, and what a page does with them.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { covers } from "../harness/record.js";
import { World } from "../harness/world.js";
import {
  arrived,
  numbered,
  online,
  reached,
  received,
  seen,
  send,
  twoOnline,
} from "../harness/chat.js";

const world = World.forThisFile();
let still;
before(async () => {
  await world.open();
  const nobody = { app: "world", name: "nobody", token: "" };
  still = await world.visit(nobody, "chat.html", { start: false });
});

/** Two people online; `m` in their pages are the message objects they were told of. */
async function two(settings = { database: "surface" }) {
  const { ada, bob, a, b } = await twoOnline(world, settings);
  for (const page of [a, b]) {
    await page.evaluate(() => {
      window.all = [];
      chat.api.addListener({ Mesibo_onMessage: (m, data) => data && all.push(m) });
    });
  }
  return { ada, bob, a, b };
}
const named = (owner, names) => names.split(" ").map((name) => `${owner}.${name}`);

test("every field is the message's own, enumerable and writable, and arrives as it was sent", async () => {
  const { ada, bob, a, b } = await two();
  await a.evaluate((peer) => {
    window.m = chat.api.getProfile(peer, 0).newMessage();
    Object.assign(m, {
      message: "grüße",
      title: "a title",
      subtitle: "a subtitle",
      footer: "a footer",
      type: 4711,
      expiry: 86400,
      mine: { kept: true },
    });
    m.send();
  }, bob.address);
  await b.until(() => all.length === 1);
  const describe = () => {
    const [m] = all;
    const fields = Object.entries(Object.getOwnPropertyDescriptors(m));
    return {
      own: fields.filter(([, f]) => f.enumerable && f.writable).map(([name]) => name),
      others: fields.filter(([, f]) => !f.enumerable || !f.writable).map(([name]) => name),
      cloned: structuredClone(m).message,
      json: Object.keys(JSON.parse(JSON.stringify(m))).includes("profile"),
      values: {
        ...Object.fromEntries(fields.map(([name, { value }]) => [name, value])),
        data: m.data && [...m.data],
        date: [typeof m.date.date, typeof m.date.time, m.date.yd, m.date.ts === m.ts],
      },
      links: [m.profile === chat.api.getProfile(m.peer, 0), m.groupProfile, m.presence],
      half: m.id === m.mid % 2 ** 32,
    };
  };
  const properties =
    "mid id refid rsid ts date peer groupid type expiry status statusFlags flag origin rcount rc";
  const content =
    "message data title subtitle footer latitude longitude filetype fileurl launchurl size tn";
  const there = await b.evaluate(describe);
  const missing = `${properties} ${content}`.split(" ").filter((name) => !there.own.includes(name));
  assert.deepEqual(missing, []);
  assert.deepEqual(there.others, []);
  assert.equal(there.cloned, "grüße");
  assert.equal(there.json, false);
  assert.deepEqual(there.links, [true, null, undefined]);
  assert.ok(there.half);
  const { values } = there;
  const expected = {
    message: "grüße",
    data: [...new TextEncoder().encode("grüße")],
    title: "a title",
    subtitle: "a subtitle",
    footer: "a footer",
    type: 4711,
    launchurl: undefined,
    latitude: -720,
    longitude: -720,
    filetype: undefined,
    fileurl: undefined,
    size: undefined,
    tn: undefined,
    peer: ada.address,
    groupid: 0,
    refid: 0,
    status: 0x12,
    statusFlags: 0,
    flag: 3,
    origin: 0,
    rcount: 0,
    rc: 0,
    date: ["string", "string", 0, true],
  };
  for (const [name, value] of Object.entries(expected)) assert.deepEqual(values[name], value, name);
  assert.ok(Math.abs(values.ts - Date.now()) < 60_000);
  const here = await a.evaluate(describe);
  assert.equal(here.values.peer, bob.address);
  assert.equal(here.values.mid, values.mid);
  assert.deepEqual(here.values.mine, { kept: true });
  // As an entry of a list it is a contact; the page may write over it.
  const entry = await b.evaluate(() => {
    const [m] = all;
    const before = [m.address, m.name, m.picture, m.lastMessage === m, m.file];
    Object.assign(m, { address: "x", name: "y", picture: "z.png", lastMessage: null });
    return [before, [m.address, m.name, m.picture, m.lastMessage]];
  });
  assert.deepEqual(entry[0], [ada.address, "ada", undefined, true, undefined]);
  assert.deepEqual(entry[1], ["x", "y", "z.png", null]);
  covers(
    ...named("MesiboMessageProperties", `${properties} presence`),
    ...named("MesiboMessage", `${content} address name picture lastMessage`),
  );
});

test("what is set on an unsent message is what it says", async () => {
  const said = await still.evaluate(() => {
    const m = new MesiboMessage("somebody");
    const other = new MesiboMessage(77);
    m.setMessageId(0);
    m.setMessageId(4711);
    m.setType(12);
    m.setExpiry(60);
    m.setStatus(MESIBO_MSGSTATUS_HEADER);
    m.setInReplyTo("123456");
    m.setThreadId(9);
    m.setFlag(MESIBO_FLAG_DEFAULT);
    const flags = [m.getFlags()];
    for (const [name, bit] of Object.entries({
      enableReadReceipt: MESIBO_FLAG_READRECEIPT,
      enableDeliveryReceipt: MESIBO_FLAG_DELIVERYRECEIPT,
      enableTransient: MESIBO_FLAG_TRANSIENT,
      enablePresence: MESIBO_FLAG_PRESENCE,
      enableCustom: MESIBO_FLAG_SAVECUSTOM,
      enableBroadcast: MESIBO_FLAG_BROADCAST,
    })) {
      m[name](true);
      const on = (m.getFlags() & bit) !== 0;
      m[name](false);
      flags.push(on && (m.getFlags() & bit) === 0);
    }
    m.enableModify(true);
    const answer = new MesiboMessage("somebody");
    answer.setInReplyToMessage({ mid: 99 });
    const moved = new MesiboMessage();
    moved.setPeer("elsewhere");
    const before = [moved.peer, moved.groupid];
    moved.setGroup(5);
    return {
      id: [m.id, m.getMessageId()],
      type: m.getType(),
      expiry: m.getExpiry(),
      status: m.getStatus(),
      current: m.getCurrentStatus(),
      sender: m.getCurrentStatusSender(),
      reply: [m.getInReplyTo(), m.isReply(), answer.getInReplyTo()],
      thread: [m.getThreadId(), other.getThreadId()],
      origin: m.getOrigin(),
      flags,
      moved: [...before, moved.groupid],
      profile: m.getProfile() === m.getPeerProfile() && m.getProfile().getAddress(),
      group: [m.getGroupProfile(), other.getGroupProfile().getGroupId()],
      same: [
        m.compare("somebody", 0),
        m.compare("else", 0),
        m.compare("", 77),
        other.compare("", 77),
        m.compare(answer),
        m.isFromSamePeer(answer),
        m.isFromSamePeer(other),
        m.isDestinedFor(Mesibo.getInstance().getProfile("somebody", 0)),
        m.isDestinedFor(null),
        other.isDestinedFor(Mesibo.getInstance().getProfile(null, 77)),
      ],
    };
  });
  assert.deepEqual(said, {
    id: [4711, 0],
    type: 12,
    expiry: 60,
    status: 0x25,
    current: 0x25,
    sender: null,
    reply: [123456, true, 99],
    thread: [9, 0],
    origin: 0,
    flags: [3, true, true, true, true, true, true],
    moved: ["elsewhere", 0, 5],
    profile: "somebody",
    group: [null, 77],
    same: [true, false, false, true, true, true, false, true, false, true],
  });
});

test("each status is what the predicates say, and nothing else", async () => {
  const predicates =
    "isOutgoing isIncoming isMessage isInOutbox isPending isMessageStatusInProgress isSent isDelivered " +
    "isReadByPeer isUnread isReadByUs isFailed isDate isHeader isInvisible isCustom isSavedMessage isCall " +
    "isMissedCall isIncomingCall isOutgoingCall isDeleted isWiped isDeletedOrExpired";
  const table = await still.evaluate((predicates) => {
    const of = (status) => {
      const m = new MesiboMessage("somebody");
      m.setStatus(status);
      return predicates.split(" ").filter((name) => m[name]() === true);
    };
    const statuses = Object.getOwnPropertyNames(window).filter((n) => /^MESIBO_MSGSTATUS_/.test(n));
    return Object.fromEntries(statuses.map((n) => [n.slice(17), of(window[n])]));
  }, predicates);
  const failed = ["isOutgoing", "isMessage", "isFailed"];
  const expected = {
    OUTBOX: ["isOutgoing", "isMessage", "isInOutbox", "isPending", "isMessageStatusInProgress"],
    SENT: ["isOutgoing", "isMessage", "isSent"],
    DELIVERED: ["isOutgoing", "isMessage", "isDelivered"],
    READ: ["isOutgoing", "isMessage", "isReadByPeer"],
    RECEIVEDNEW: ["isIncoming", "isMessage", "isUnread"],
    RECEIVEDREAD: ["isIncoming", "isMessage", "isReadByUs"],
    CALLMISSED: ["isCall", "isMissedCall"],
    CALLINCOMING: ["isCall", "isIncomingCall"],
    CALLOUTGOING: ["isCall", "isOutgoingCall"],
    CUSTOM: ["isCustom", "isSavedMessage"],
    DELETED: ["isMessage", "isDeleted", "isDeletedOrExpired"],
    WIPED: ["isMessage", "isWiped", "isDeletedOrExpired"],
    E2E: [],
    DATETIME: ["isDate"],
    HEADER: ["isHeader"],
    INVISIBLE: ["isInvisible"],
    EMPTY: [],
    TIMESTAMP: [],
    FAIL: failed,
    USEROFFLINE: failed,
    INBOXFULL: failed,
    INVALIDDEST: failed,
    EXPIRED: [...failed, "isDeletedOrExpired"],
    BLOCKED: failed,
    GROUPPAUSED: failed,
    NOTMEMBER: failed,
  };
  assert.deepEqual(table, expected);
  const origins = await still.evaluate(() => {
    const all = ["isRealtimeMessage", "isDbMessage", "isDbSummaryMessage", "isPendingMessage"];
    return [0, 1, 2, 3].map((origin) => {
      const m = Object.assign(new MesiboMessage("somebody"), { origin });
      return [...all, "isDbPendingMessage"].filter((name) => m[name]());
    });
  });
  assert.deepEqual(origins, [
    ["isRealtimeMessage"],
    ["isDbMessage"],
    ["isDbSummaryMessage"],
    ["isPendingMessage", "isDbPendingMessage"],
  ]);
});

test("an edited message says who changed it, on both sides", async () => {
  const { bob, a, b } = await two();
  await send(a, bob, ["frist"]);
  await b.until(() => all.length === 1);
  const say = () => [all[0].message, all[0].isModified(), all[0].isModifiedByPeer()];
  assert.deepEqual(await b.evaluate(say), ["frist", false, false]);
  assert.equal(await b.evaluate(() => all[0].isUpdated()), false);
  await a.until(() => all[0].status >= 1);
  await a.evaluate(() => {
    all[0].message = "first";
    all[0].sendUpdate();
  });
  await b.until(() => all[0].message === "first");
  assert.deepEqual(await b.evaluate(say), ["first", true, true]);
  assert.equal(await b.evaluate(() => all[0].isUpdated()), true);
  await a.until(() => all[0].isModified());
  assert.deepEqual(await a.evaluate(say), ["first", true, false]);
});

// Rules: 5.4.3, 5.11.3.
test("a sent message is told to its session, then to all, before any of its statuses", async () => {
  const { bob, a } = await two();
  await a.evaluate((peer) => {
    window.order = [];
    const say = (who) => ({
      Mesibo_onMessage(m, data) {
        if (m) order.push([who, m.isOutgoing(), m.isRealtimeMessage(), m.status, data?.length]);
      },
      Mesibo_onMessageStatus: (m) => order.push([who, m.status]),
    });
    chat.api.addListener(say("all"));
    const session = chat.api.getProfile(peer, 0).createReadSession(say("session"));
    session.start();
    window.m = chat.api.getProfile(peer, 0).newMessage();
    m.message = "hello";
    window.result = [m.send(), m.status, m.mid > 0, m.ts > 0, order.length, m.canSend()];
    window.inside = session.getMessages().includes(m);
  }, bob.address);
  assert.deepEqual(await a.evaluate(() => [...result, inside]), [0, 0, true, true, 0, true, true]);
  await a.until(() => m.status >= 2);
  const order = await a.evaluate(() => window.order.slice(0, 4));
  assert.deepEqual(order, [
    ["session", true, true, 0, 5],
    ["all", true, true, 0, 5],
    ["session", 1],
    ["all", 1],
  ]);
});

// Rules: 5.11.5, 5.11.2.
test("a message to oneself is one that goes and one that comes; clocks do not change the order", async () => {
  const { ada, bob, a, b } = await two();
  await send(a, ada, ["to myself"]);
  await a.until(() => all.length === 2);
  const both = await a.evaluate(() => all.map((m) => [m.isOutgoing(), m.isIncoming(), m.message]));
  assert.deepEqual(both, [
    [true, false, "to myself"],
    [false, true, "to myself"],
  ]);
  await a.evaluate((peer) => {
    const now = Date.now;
    for (const shift of [0, -7200e3, 3600e3, -86400e3]) {
      Date.now = () => now() + shift;
      chat.send(peer, [`shift ${shift}`]);
    }
    Date.now = now;
  }, bob.address);
  await arrived(b, 4);
  assert.deepEqual(
    await received(b),
    [0, -7200e3, 3600e3, -86400e3].map((shift) => `shift ${shift}`),
  );
});

// Rules: 7.15, 7.19.
test("in a group each member's receipt is told, and when each of them got it and read it", async () => {
  const [ada, bob, cleo] = await world.people("ada", "bob", "cleo");
  const gid = await world.app.addGroup("team", [ada.address, bob.address, cleo.address]);
  const [a, b, c] = await Promise.all(
    [ada, bob, cleo].map((person) => world.visit(person, "chat.html", { database: "group" })),
  );
  await Promise.all([a, b, c].map(online));
  await b.evaluate((gid) => chat.read(gid, 10), gid);
  await a.evaluate((gid) => {
    window.told = [];
    chat.api.addListener({
      Mesibo_onMessageStatus(m) {
        const who = m.getCurrentStatusSender()?.getAddress();
        told.push([who, m.getCurrentStatus(), m.rcount, m.profile !== null]);
      },
    });
    window.m = chat.api.getProfile(null, gid).newMessage();
    m.message = "to all";
    m.send();
  }, gid);
  await a.until(() => told.filter(([who]) => who).length >= 3);
  const told = await a.evaluate(() => window.told);
  assert.ok(told.some(([who, status]) => who === bob.address && status === 3));
  assert.ok(told.some(([who, status]) => who === cleo.address && status === 2));
  assert.ok(told.filter(([who]) => who).every(([, , rcount]) => rcount === 2));
  assert.ok(told.every(([, , , profile]) => profile));
  const facts = await a.evaluate(
    async ([bob, cleo]) => {
      const ask = (name, who) => new Promise((resolve) => m[name](who, resolve));
      const of = async (name, who) => (await ask(name, who))?.ts > 0;
      return [
        m.peer,
        m.profile === chat.api.getSelfProfile(),
        m.getSenderProfile() === chat.api.getSelfProfile() && m.getTimestamp().ts === m.ts,
        m.groupProfile === m.getGroupProfile(),
        m.isGroupMessage(),
        await of("getDeliveryTimestamp", bob),
        await of("getDeliveryTimestamp", cleo),
        await of("getReadTimestamp", bob),
        await of("getReadTimestamp", cleo),
        m.getReadTimestamp(bob).ts > 0,
        await of("getReadTimestamp", null),
      ];
    },
    [bob.address, cleo.address],
  );
  assert.deepEqual(facts.slice(0, 5), ["", true, true, true, true]);
  assert.deepEqual(facts.slice(5, 10), [true, true, true, false, true]);
  const incoming = await b.evaluate(() => {
    const [{ mid }] = chat.seen.received;
    const m = chat.api.getMessage(mid);
    return [m.peer, m.getSenderProfile().getAddress(), m.isGroupMessage()];
  });
  assert.deepEqual(incoming, [ada.address, ada.address, true]);
});

test("a page finds, resends, cancels, forwards and deletes messages by their ids", async () => {
  const { ada, bob, a, b } = await two();
  await a.evaluate(() => chat.stop());
  await a.until(() => chat.api.getConnectionStatus() === 5);
  const offline = await a.evaluate((peer) => {
    const [first, second] = chat.send(peer, ["kept", "cancelled"]);
    const { api } = chat;
    return [
      api.getMessage(first).isInOutbox(),
      api.getMessage(first) === api.getMessage(String(first)),
      api.getMessage(api.getSenderMessageId(first)) === api.getMessage(first),
      api.getMessage(12345),
      api.cancel(0, second),
      api.cancel(0, 12345) !== 0,
      api.resendMessage({ peer }, first),
      api.resendMessage({ peer }, 12345) !== 0,
    ];
  }, bob.address);
  assert.deepEqual(offline, [true, true, true, null, 0, true, 0, true]);
  await a.evaluate(() => chat.start());
  await arrived(b, 1);
  await send(a, bob, numbered("n", 6));
  await arrived(b, 7);
  assert.deepEqual(await received(b), ["kept", ...numbered("n", 6)]);
  await a.evaluate((peer) => {
    chat.read(peer, 20);
    window.texts = () => chat.shown(peer);
    window.mid = (text) => all.find((m) => m.message === text).mid;
  }, bob.address);
  await a.until(() => texts().length === 7);
  const results = await a.evaluate(async (peer) => {
    const { api } = chat;
    const known = await new Promise((resolve) => api.getMessage(mid("n 1"), resolve));
    const nothing = await new Promise((resolve) => api.getMessage(999, resolve));
    return [
      known === api.getMessage(mid("n 1")),
      nothing,
      api.isReading(known),
      await api.deleteMessage(mid("n 1")),
      await api.deleteMessages([mid("n 2"), mid("n 3")]),
      await api.wipeMessage(mid("n 4")),
      await api.wipeMessages([mid("n 5")]),
      api.forwardMessage({ peer }, api.random(), mid("kept")),
      api.forwardMessage({ peer }, api.random(), 999) !== 0,
    ];
  }, bob.address);
  assert.deepEqual(results, [true, null, true, true, true, true, true, 0, true]);
  await arrived(b, 8);
  const places = await a.evaluate(() => all.filter((m) => m.isWiped()).length);
  assert.equal(places, 2);
  assert.deepEqual(
    (await a.evaluate(() => texts())).filter((text) => /n [123]/.test(text)),
    [],
  );
  // Recalled: gone from both sides.
  await send(a, bob, ["r 1", "r 2", "r 3"]);
  await arrived(b, 11);
  await reached(a, 2, 3);
  const recalled = await a.evaluate(async () => [
    await chat.api.wipeAndRecallMessage(mid("r 1")),
    await chat.api.wipeAndRecallMessages([mid("r 2")]),
    await chat.api.getMessage(mid("r 3")).recall(),
    await chat.api.wipeMessages([], true),
  ]);
  assert.deepEqual(recalled, [true, true, true, false]);
  await b.until(() => all.filter((m) => m.isDeleted()).length === 3);
  // All of the conversation, then whatever is older than nothing.
  await a.evaluate(async (peer) => {
    await chat.api.deleteMessages({ peer, groupid: 0 });
  }, bob.address);
  await a.until(() => texts().length === 0);
  const ends = await b.evaluate(
    async (peer) => [
      await chat.api.getProfile(peer, 0).deleteMessagesOlderThan(3600),
      await chat.api.deleteMessagesOlderThan(3600),
      await chat.api.deleteMessagesOlderThan(0),
    ],
    ada.address,
  );
  assert.deepEqual(ends, [true, true, true]);
});

test("a message is wiped here, answered in private, and its fields are numbers and objects", async () => {
  const { ada, bob, a, b } = await two();
  await a.evaluate((peer) => {
    window.m = chat.api.getProfile(peer, 0).newMessage();
    m.message = "numbers";
    m.setInt("int", 7);
    m.setLong("long", 2 ** 40);
    m.setDouble("double", 1.5);
    m.setBoolean("yes", true);
    m.setString("text", "words");
    m.setObject({ local: 1 });
    m.setUiContext("row 4");
    m.send();
  }, bob.address);
  await b.until(() => all.length === 1);
  const there = await b.evaluate(() => {
    const [m] = all;
    return [
      [m.getInt("int", 0), m.getLong("long", 0), m.getDouble("double", 0), m.getBoolean("yes")],
      [m.getString("text"), m.getString("none", "otherwise"), m.getInt("text", -1)],
      [m.getObject(), m.getUiContext()],
      [m.isPlainMessage(), m.isRichMessage(), m.hasLocation(), m.isPresence()],
    ];
  });
  assert.deepEqual(there, [
    [7, 2 ** 40, 1.5, true],
    ["words", "otherwise", -1],
    [undefined, undefined],
    [true, false, false, false],
  ]);
  const here = await a.evaluate(() => [m.getObject(), m.getUiContext()]);
  assert.deepEqual(here, [{ local: 1 }, "row 4"]);
  const answer = await b.evaluate(() => {
    const answer = all[0].replyToPeer();
    answer.message = "in private";
    return [answer.send(), answer.refid === all[0].mid, answer.peer];
  });
  assert.deepEqual(answer, [0, true, ada.address]);
  await arrived(a, 1);
  const made = await b.evaluate(() => {
    const forwarded = new MesiboMessage("somebody");
    forwarded.setForwarded([all[0].mid]);
    const other = new MesiboMessage("somebody");
    other.setForwardedMid(all[0].mid);
    const date = all[0].cloneDate();
    return [
      forwarded.isForwarded(),
      other.isForwarded(),
      [date.isDate(), date.ts === all[0].ts, date.mid, date.filetype, date.isMessage()],
    ];
  });
  assert.deepEqual(made, [true, true, [true, true, 0, undefined, false]]);
  assert.equal(await a.evaluate(() => m.wipe()), true);
  const wiped = await a.evaluate(() => [
    m.isWiped(),
    m.isOutgoing(),
    m.message,
    m.isDeletedOrExpired(),
  ]);
  assert.deepEqual(wiped, [true, true, "", true]);
  assert.equal(await b.evaluate(() => all[0].isWiped()), false);
});

// Rules: 5.13.1, 5.13.3, 5.13.4.
test("limits: what is too long is refused at once, what is just short enough arrives whole", async () => {
  const { bob, a, b } = await two();
  const results = await a.evaluate((peer) => {
    const make = (to, text, type) => {
      const m = new MesiboMessage(to);
      m.message = text;
      if (type !== undefined) m.type = type;
      return [m.send(), m.status];
    };
    return [
      make(peer, "x".repeat(64 * 1024), 2 ** 32 - 1),
      make(peer, "x".repeat(64 * 1024 + 1)),
      make(peer, "✓".repeat(22 * 1024)),
      make(peer, ""),
      make("", "to nobody"),
      make("a".repeat(63), "to an address that nobody has"),
    ];
  }, bob.address);
  assert.deepEqual(results, [
    [0, 0],
    [133, 0],
    [133, 0],
    [133, 0],
    [133, 0],
    [0, 0],
  ]);
  // An address longer than any is nobody's; what goes there fails.
  const [mid] = await send(a, "a".repeat(64), ["to an address that is too long"]);
  await a.until((mid) => chat.api.getMessage(mid).status === MESIBO_MSGSTATUS_INVALIDDEST, mid);
  await arrived(b, 1);
  const [{ text }] = (await seen(b)).received;
  assert.equal(text.length, 64 * 1024);
  assert.equal(await b.evaluate(() => all[0].type), 2 ** 32 - 1);
});

test("a message says what file it has, before and after it is somewhere", async () => {
  const { bob, a, b } = await two();
  await a.evaluate(async (peer) => {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 40;
    const blob = await new Promise((resolve) => canvas.toBlob(resolve));
    window.m = chat.api.getProfile(peer, 0).newMessage();
    window.empty = chat.api.getProfile(peer, 0).newMessage();
    m.message = "a picture";
    m.setContent(new File([blob], "forty.png", { type: "image/png" }));
    m.send();
  }, bob.address);
  const methods =
    "hasFile isFileReady isFilePending getFileType getMimeType getFileName getFileSize isImage isVideo isAudio " +
    "isDocument hasImage hasVideo hasAudio hasDocument isRichMessage isFileTransferFailed isDownloadRequired";
  const say = ([name, methods]) => methods.split(" ").map((method) => window[name][method]());
  await b.until(() => all.length === 1);
  await b.evaluate(() => (window.m = all[0]));
  const size = await a.evaluate(() => m.size);
  const image = [true, true, false, 1, "image/png", "forty.png", size, true, false, false];
  const rest = [false, true, false, false, false, true, false, false];
  assert.deepEqual(await b.evaluate(say, ["m", methods]), [...image, ...rest]);
  assert.deepEqual(await a.evaluate(say, ["m", methods]), [...image, ...rest]);
  const nothing = [false, false, false, null, null, null, null, false, false, false];
  assert.deepEqual(await a.evaluate(say, ["empty", methods]), [
    ...nothing,
    ...Array(8).fill(false),
  ]);
  const file = await b.evaluate(async () => {
    const { file } = m;
    const image = document.createElement("img");
    image.id = "picture";
    document.documentElement.append(image);
    const loads = new Promise((resolve) => (image.onload = () => resolve(image.naturalWidth)));
    file.loadImageFromCache("picture");
    return {
      same: [m.getFile() === file, m.getFilePath() === file.url, file.path === file.url],
      fields: [file.type, file.subtype, file.name, file.mimeType, file.size === m.size],
      more: [file.progress, file.source, file.object],
      shown: await loads,
      picture: [m.hasThumbnail(), /^(blob|data):/.test(m.getThumbnail())],
      going: [m.isFileTransferInProgress(), m.isFileTransferRequired(), m.isUploadRequired()],
      progress: m.getProgress(),
      none: [empty(), new MesiboMessage("x").getFile()],
    };
    function empty() {
      return new MesiboMessage("x").file;
    }
  });
  assert.deepEqual(file, {
    same: [true, true, true],
    fields: [1, 0, "forty.png", "image/png", true],
    more: [100, 0, undefined],
    shown: 40,
    picture: [true, true],
    going: [false, false, false],
    progress: 100,
    none: [undefined, null],
  });
  covers(
    ...named("MesiboFile", "type subtype url name mimeType size path progress source object"),
    "MesiboMessage.file",
  );
  // A transfer, as the page's own handler sees it; stopped before it is there.
  const transfer = await a.evaluate(async (peer) => {
    const started = new Promise((resolve) =>
      chat.api.addListener({
        Mesibo_onStartFileTransfer(ft) {
          resolve(ft);
          return true;
        },
        Mesibo_onStopFileTransfer: (ft) => Boolean((window.stopped = ft)),
      }),
    );
    const mine = chat.api.getProfile(peer, 0).newMessage();
    window.mine = mine;
    mine.setContent(new Blob(["by the page"], { type: "text/plain" }));
    mine.send();
    const ft = await started;
    const { upload, priority, progress, mid, ts, origin, source, imageIndex } = ft;
    const { secure, externalLink, result, inProgress, notifyProgress } = ft;
    window.ft = ft;
    return [
      [upload, priority, progress, mid === mine.mid, ts === mine.ts, origin, source, imageIndex],
      [secure, externalLink, result, inProgress, notifyProgress],
      [ft.getUserObject() === mine, ft.getPath() instanceof Blob, ft.getUrl()],
      mine.stopFileTransfer(),
    ];
  }, bob.address);
  assert.deepEqual(transfer, [
    [true, 0, 0, true, true, 0, 0, 0],
    [false, false, false, true, true],
    [true, true, ""],
    true,
  ]);
  await a.until(() => window.stopped === ft);
  const parts =
    "upload priority progress mid ts origin source imageIndex secure externalLink result inProgress notifyProgress";
  covers(...named("MesiboFileTransfer", parts));
  const sent = await a.evaluate((peer) => {
    const link = chat.api.getProfile(peer, 0).newMessage();
    link.launchurl = "https://example.com/";
    return link.sendFileURL(`${location.origin}/somewhere.pdf`, MESIBO_FILETYPE_OTHER);
  }, bob.address);
  assert.equal(sent, 0);
  await b.until(() => all.length === 2);
  const link = await b.evaluate(() => [
    all[1].filetype,
    all[1].isDocument(),
    all[1].hasDocument(),
    all[1].fileurl.endsWith("/somewhere.pdf"),
    all[1].launchurl,
  ]);
  assert.deepEqual(link, [10, true, true, true, "https://example.com/"]);
});
