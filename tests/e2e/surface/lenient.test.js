// What pages pass in other forms than expected means what they mean; what means nothing does nothing.
import assert from "node:assert/strict";
import { test } from "node:test";
import { World } from "../harness/world.js";
import { arrived, numbered, reached, received, send, twoOnline } from "../harness/chat.js";

const world = World.forThisFile();
// `client-api.md` 2.3.3
const BAD_REQUEST = 0x85;

/** Two people online. */
const two = (settings = { database: "lenient" }) => twoOnline(world, settings);

// Rules: 0.1.11.
test("a place and a lifetime may be texts; half a place is none", async () => {
  const { bob, a, b } = await two();
  const said = await a.evaluate((peer) => {
    const write = (fields) => Object.assign(chat.api.getProfile(peer, 0).newMessage(), fields);
    const place = write({ latitude: "52.5", longitude: " 13.4 ", expiry: "3600" });
    const half = write({ latitude: "north", longitude: 1 });
    const none = write({ latitude: null, longitude: null, tn: new Uint8Array() });
    return [
      [place.hasLocation(), place.send(), place.latitude, place.filetype, place.expiry],
      [half.hasLocation(), half.send()],
      [none.hasLocation(), none.isRichMessage(), none.canSend(), none.send()],
    ];
  }, bob.address);
  const refused = BAD_REQUEST;
  assert.deepEqual(said, [
    [true, 0, 52.5, 4, 3600],
    [false, refused],
    [false, false, false, refused],
  ]);
  await b.evaluate(() => chat.api.addListener({ Mesibo_onMessage: (m) => (window.m = m) }));
  await a.evaluate((peer) => {
    const m = chat.api.getProfile(peer, 0).newMessage();
    Object.assign(m, { latitude: "-33.9", longitude: "18.4" }).send();
  }, bob.address);
  // The one from before may come only now.
  await b.until(() => window.m?.latitude < 0);
  assert.deepEqual(await b.evaluate(() => [m.hasLocation(), m.longitude]), [true, 18.4]);
});

test("a moment that is none removes nothing; none at all removes a whole conversation", async () => {
  const { bob, a } = await two();
  await send(a, bob, numbered("kept", 3));
  await reached(a, 1, 3);
  const said = await a.evaluate(async (peer) => {
    const { api } = chat;
    const of = api.getProfile(peer, 0);
    const session = of.createReadSession({ Mesibo_onMessage: (m) => m ?? (window.read = true) });
    session.read(10);
    window.session = session;
    return [
      [await of.deleteMessages("soon"), await of.deleteMessages(NaN), await of.clearMessages({})],
      [await of.deleteMessagesOlderThan(), await api.deleteMessagesOlderThan(null)],
      [await api.deleteMessages(NaN), await api.deleteMessages({}), await api.deleteMessages()],
    ];
  }, bob.address);
  assert.deepEqual(said.flat(), Array(8).fill(false));
  await a.until(() => window.read);
  assert.equal(await a.evaluate(() => session.getMessages().length), 3);
  const gone = (peer) => chat.api.getProfile(peer, 0).deleteMessages(null);
  assert.equal(await a.evaluate(gone, bob.address), true);
  assert.equal(await a.evaluate(() => session.getMessages().length), 0);
});

test("who forwards as in 2020 shows the message by itself; a frozen destination is one, too", async () => {
  const { bob, a, b } = await two();
  await send(a, bob, ["to be passed on"]);
  await reached(a, 1, 1);
  const rcs = await a.evaluate((peer) => {
    const [{ mid }] = chat.seen.own;
    const to = Object.freeze({ peer });
    return [
      chat.api.forwardMessage(to, 77, mid),
      chat.api.sendMessage(to, 78, "frozen"),
      chat.api.sendFile(to, 79, { fileurl: "https://x.test/y.png", tn: "data:,%E0%A4%A" }),
    ];
  }, bob.address);
  assert.deepEqual(rcs, [0, 0, 0]);
  await arrived(b, 4);
  assert.equal(await a.evaluate(() => chat.seen.own.length), 1);
});

test("what is deleted as soon as it was sent is shown first, and then gone", async () => {
  const { bob, a } = await two();
  const told = await a.evaluate(async (peer) => {
    const told = [];
    const note = (what) => (m) => told.push([what, m?.message, m?.isDeleted()]);
    const listener = { Mesibo_onMessage: note("message"), Mesibo_onMessageUpdate: note("update") };
    chat.api.addListener(listener);
    const session = chat.api.getProfile(peer, 0).createReadSession(listener);
    session.start();
    const m = chat.api.getProfile(peer, 0).newMessage();
    m.message = "a slip";
    m.send();
    const held = session.getMessages().length;
    await m.delete();
    await new Promise((done) => chat.api.getMessage(m.mid, done));
    return [held, session.getMessages().length, told];
  }, bob.address);
  assert.deepEqual(told, [
    1,
    0,
    [
      ["message", "a slip", false],
      ["update", "a slip", true],
    ],
  ]);
});

test("objects of the SDK go through JSON, cloning and loops without showing how they are made", async () => {
  const { bob, a } = await two();
  await send(a, bob, ["one"]);
  await reached(a, 1, 1);
  const said = await a.evaluate((peer) => {
    const profile = chat.api.getProfile(peer, 0);
    profile.mine = 1;
    const m = profile.newMessage();
    m.message = "dated";
    m.send();
    const { date } = structuredClone(m);
    const again = JSON.parse(JSON.stringify(m.date));
    const keys = [];
    for (const key in profile) if (Object.hasOwn(profile, key)) keys.push(key);
    return {
      json: JSON.stringify([profile, chat.api, profile.createReadSession({})]),
      cloned: structuredClone(profile),
      keys,
      dates: [date, again].map(({ date, time, yd }) => [typeof date, typeof time, yd]),
      same: date.date === m.date.date && again.time === m.date.getTime(),
    };
  }, bob.address);
  assert.deepEqual(said, {
    json: '[{"mine":1},{},{"messages":[]}]',
    cloned: { mine: 1 },
    keys: ["mine"],
    dates: [
      ["string", "string", 0],
      ["string", "string", 0],
    ],
    same: true,
  });
});

test("a small picture is the part of a buffer that was given", async () => {
  const { bob, a } = await two({ start: true });
  const said = await a.evaluate(async (peer) => {
    const buffer = new Uint8Array([9, 9, 1, 2, 3, 9]).buffer;
    const m = chat.api.getProfile(peer, 0).newMessage();
    const view = m.setThumbnail(new Uint8Array(buffer, 2, 3)) && [...m.tn];
    const whole = m.setThumbnail(buffer) && m.tn.length;
    return [view, whole, m.setThumbnail("data:image/png;base64,@@@"), [...m.tn].length];
  }, bob.address);
  assert.deepEqual(said, [[1, 2, 3], 6, false, 6]);
});

test("lists have whom the page knows, not everybody it asked about", async () => {
  const { bob, a } = await two();
  const said = await a.evaluate((peer) => {
    const { api } = chat;
    const listed = () => api.getSortedProfiles().map((profile) => profile.getAddress());
    api.getProfile("a-typo", 0);
    const stranger = api.getProfile(peer, 0);
    const asked = listed();
    stranger.subscribe(true);
    stranger.save();
    const active = stranger.isActive();
    api.setContact({ address: "of-the-page", name: "Aaron" });
    const known = listed();
    const found = MesiboProfile.get(api.getProfile("a-typo", 0).getHashCode());
    stranger.setDeleted();
    return [asked, known, found.getAddress(), active, stranger.isActive()];
  }, bob.address);
  const [asked, known, found, ...active] = said;
  assert.deepEqual(asked, []);
  assert.deepEqual(known, ["of-the-page", bob.address]);
  assert.equal(found, "a-typo");
  assert.deepEqual(active, [true, false]);
});

test("switches without a word are on, and a message says the session it was read through", async () => {
  const { ada, bob, a, b } = await two();
  await send(b, ada, numbered("early", 2));
  await arrived(a, 2);
  const told = await a.evaluate(
    (peer) =>
      new Promise((done) => {
        const session = chat.api.getProfile(peer, 0).createReadSession({
          Mesibo_onMessage: (m) => m?.isLastMessage() && done([m.rsid, session.getSession()]),
        });
        session.enableReadReceipt();
        session.enableFifo();
        session.read(2);
        window.session = session;
      }),
    bob.address,
  );
  assert.equal(told[0], told[1]);
  assert.ok(told[0] > 0);
  await reached(b, 3, 2);
  assert.deepEqual(await a.evaluate(() => session.getMessages().map((m) => m.message)), [
    "early 1",
    "early 2",
  ]);
});

test("a group's entry has the members that the page has said; a date has its conversation", async () => {
  const { ada, bob, a } = await two();
  const gid = await world.app.addGroup("crew", [ada.address, bob.address]);
  await a.until((gid) => chat.api.getProfile(null, gid).isActive(), gid);
  const said = await a.evaluate((gid) => {
    chat.api.setContact({ groupid: gid, members: "ada,bob" });
    const m = chat.api.getProfile(null, gid).newMessage();
    m.message = "hello";
    m.send();
    const date = m.cloneDate();
    return [m.members, date.groupProfile === m.groupProfile, date.isDate(), date.mid, date.refid];
  }, gid);
  assert.deepEqual(said, ["ada,bob", true, true, 0, 0]);
});

test("classes have their names, and objects are of the class that pages know", async () => {
  const { bob, a } = await two();
  const said = await a.evaluate((peer) => {
    const of = chat.api.getProfile(peer, 0);
    const objects = [chat.api, of, of.newMessage(), of.createReadSession(null), of.getImage()];
    objects.push(chat.api.getSelfProfile(), new MesiboDateTime(5));
    return [
      objects.map((object) => object.constructor.name),
      chat.api.constructor === Mesibo,
      of.getValues(),
    ];
  }, bob.address);
  const names = "Mesibo MesiboProfile MesiboMessage MesiboReadSession MesiboProfileImage";
  assert.deepEqual(said[0], [...names.split(" "), "MesiboSelfProfile", "MesiboDateTime"]);
  assert.equal(said[1], true);
});

// Rules: 5.11.1.
test("a bot that answers, reads and deletes in its listener hears each message once", async () => {
  const { ada, bob, a, b } = await two();
  await a.evaluate(() => {
    window.heard = [];
    chat.api.addListener({
      Mesibo_onMessage(m) {
        if (!m.isIncoming()) return;
        heard.push(m.message);
        const answer = m.reply();
        answer.message = `echo ${m.message}`;
        answer.send();
        m.profile.sendTyping();
        chat.api.sendReadReceipt(m.peer, 0, m.mid);
        m.delete();
      },
    });
  });
  await send(b, ada, numbered("said", 60));
  await arrived(b, 60);
  await reached(b, 3, 60);
  assert.deepEqual(await a.evaluate(() => heard), numbered("said", 60));
  assert.deepEqual(
    await received(b),
    numbered("said", 60).map((text) => `echo ${text}`),
  );
});
