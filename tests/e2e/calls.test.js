// One-to-one calls in real browsers: who calls whom, who is really heard and seen, and what each is told.
import assert from "node:assert/strict";
import { test } from "node:test";
import { World } from "./harness/world.js";
import { until } from "./harness/until.js";

const world = World.forThisFile();

const [INPROGRESS, RINGING, ANSWER, UPDATE, CONNECTED] = [2, 3, 5, 6, 0x30];
const [MUTE, UNMUTE, HOLD, UNHOLD] = [9, 0x0a, 0x0b, 0x0c];
const [COMPLETE, CANCEL, NOANSWER, BUSY, OFFLINE, INVALIDDEST] = [
  0x40, 0x41, 0x42, 0x43, 0x45, 0x46,
];
const [BLOCKED, SWITCHED, NETWORKERROR] = [0x4b, 0x4d, 0x62];
const FAIL = 0x80;
const [CALLINCOMING, CALLOUTGOING] = [0x16, 0x17];
const TALKS = [INPROGRESS, RINGING, ANSWER, CONNECTED];

const online = (page) => page.until(() => phone.seen.connection.at(-1) === 1);

/** People with a page each, all online: `{ ada, bob, pages }`. */
async function two({ kinds = {}, settings = {}, from } = {}) {
  const people = await world.people("ada", "bob");
  const pages = await Promise.all(
    people.map(async (person) => {
      const browser = await world[kinds[person.name] ?? "chromium"]();
      const own = settings[person.name] ?? {};
      const origin = from?.[person.name];
      return world.visit(person, "call.html", own, { browser, from: origin });
    }),
  );
  await Promise.all(pages.map(online));
  return { ada: people[0], bob: people[1], pages };
}

const told = (page) => page.evaluate(() => phone.statuses());
const tellsLast = (page, status) =>
  page.until((status) => phone.statuses().at(-1) === status, status);
const rings = (page) => page.until(() => phone.seen.calls.length > 0);

/** Ada calls Bob, who answers; media flows. */
async function talking(options = {}) {
  const { video = true, ...rest } = options;
  const settings = {
    ...rest.settings,
    bob: { answers: true, ...rest.settings?.bob },
  };
  const all = await two({ ...rest, settings });
  const [a, b] = all.pages;
  const rc = await a.evaluate(([to, video]) => phone.dial(to, video), [all.bob.address, video]);
  assert.equal(rc, 0);
  await tellsLast(a, CONNECTED);
  await tellsLast(b, CONNECTED);
  return all;
}

/** Waits until what is decoded rises: not only received, and on from now. */
async function flows(page, kinds = ["video", "audio"]) {
  for (const kind of kinds) {
    const value = kind === "video" ? "frames" : "energy";
    const sum = async () => {
      const all = await page.evaluate(() => inbound());
      return all.filter((it) => it.kind === kind).reduce((sum, it) => sum + it[value], 0);
    };
    const first = await sum();
    await until(`${kind} that rises`, async () => (await sum()) > first);
  }
}

for (const [title, kinds] of [
  ["two Chromium pages", {}],
  ["Chromium and Firefox", { bob: "firefox" }],
  ["Firefox and Chromium", { ada: "firefox" }],
]) {
  test(`${title} hear and see one another, hang up, and both have it in their history`, async () => {
    const database = { database: true };
    const { ada, bob, pages } = await talking({
      kinds,
      settings: { ada: database, bob: database },
    });
    const [a, b] = pages;
    await Promise.all([flows(a), flows(b)]);
    await a.until(() => phone.playing().width > 0);
    await b.until(() => phone.playing().width > 0);
    assert.equal(await a.evaluate(() => phone.api.getActiveCall().getAddress()), bob.address);
    assert.ok(
      await b.evaluate((who) => phone.api.getProfile(who, 0).isVideoCallInProgress(), ada.address),
    );

    await b.evaluate(() => phone.api.hangup(0));
    await tellsLast(a, COMPLETE);
    await tellsLast(b, COMPLETE);
    assert.deepEqual(await told(a), [...TALKS, COMPLETE]);
    assert.deepEqual(await told(b), [ANSWER, CONNECTED, COMPLETE]);
    for (const page of pages) {
      assert.equal((await page.evaluate(() => phone.ids())).length, 1, "one number all through");
      assert.ok((await page.evaluate(() => phone.last())).released, "let go of before the end");
      assert.equal(
        await page.evaluate(() => phone.atEnd()),
        FAIL,
        "hangup inside the last callback",
      );
      assert.ok(!(await page.evaluate(() => phone.playing().shown)));
      await page.until(() => phone.seen.records.length > 0);
      assert.equal(await page.evaluate(() => phone.api.getActiveCall()), null);
    }
    const seen = await a.evaluate(() => phone.seen);
    assert.deepEqual(seen.permissions, [true, false]);
    assert.equal(typeof seen.media[0], "string");
    assert.deepEqual(
      await b.evaluate(() => phone.seen.calls.map(({ from, video }) => [from, video])),
      [[ada.address, true]],
    );
    const [own] = seen.records;
    assert.deepEqual(
      [own.peer, own.outgoing, own.missed, own.video, own.message],
      [bob.address, true, false, true, false],
    );
    assert.ok(own.seconds >= 0 && own.seconds < 120);

    for (const [page, status] of [
      [a, CALLOUTGOING],
      [b, CALLINCOMING],
    ]) {
      await page.reload();
      await online(page);
      assert.deepEqual(await page.evaluate(() => phone.history()), [status]);
    }
  });
}

test("a voice call needs no element, a video call waits for its elements", async () => {
  const { pages } = await talking({
    video: false,
    settings: { ada: { lateViews: true } },
  });
  await Promise.all(pages.map((page) => flows(page, ["audio"])));
  assert.ok(await pages[1].evaluate(() => phone.playing().audio));
  const video = await pages[0].evaluate(() => inbound());
  assert.ok(video.every((stream) => stream.kind === "audio"));

  const late = await talking({ settings: { bob: { lateViews: true } } });
  await late.pages[1].evaluate(() => phone.elements());
  await late.pages[1].until(() => phone.playing().width > 0);
});

for (const [title, kinds] of [
  ["two Chromium pages", {}],
  ["Chromium and Firefox", { bob: "firefox" }],
]) {
  test(`${title} talk, then one shows itself, then the other one`, async () => {
    const { pages } = await talking({ kinds, video: false });
    const [a, b] = pages;
    await Promise.all(pages.map((page) => flows(page, ["audio"])));
    // Of a page that has set up for voice this is about later calls.
    await b.evaluate(() => phone.api.setVideoSource(MESIBOCALL_VIDEOSOURCE_CAMERADEFAULT));
    await b.evaluate(() => {
      phone.setup(true);
      phone.api.setVideoSource(MESIBOCALL_VIDEOSOURCE_CAMERADEFAULT);
    });
    await a.until(() => phone.playing().width > 0);
    assert.equal(await b.evaluate(() => phone.playing().width), 0);
    await Promise.all([flows(a), flows(b, ["audio"])]);
    assert.deepEqual(await told(a), [...TALKS, UPDATE]);
    assert.deepEqual(await told(b), [ANSWER, CONNECTED, UPDATE]);
    assert.equal(await a.evaluate(() => document.getElementById("audioPlayer").srcObject), null);
    await a.evaluate(() => phone.api.setVideoSource(MESIBOCALL_VIDEOSOURCE_CAMERADEFAULT));
    await b.until(() => phone.playing().width > 0);
    await Promise.all([flows(a), flows(b)]);
    await a.until(() => document.getElementById("localVideo").videoWidth > 0);
    await a.evaluate(() => phone.api.hangup());
    await tellsLast(b, COMPLETE);
    assert.deepEqual(await told(a), [...TALKS, UPDATE, COMPLETE]);
    for (const page of pages) {
      await page.until(() => phone.seen.records[0]?.video);
      assert.ok((await page.evaluate(() => phone.last())).released);
    }
  });
}

// Rules: 7.29.
test("a call is declined, cancelled, never answered, or cannot be made", async () => {
  const { ada, bob, pages } = await two();
  const [a, b] = pages;
  const dial = (to) => a.evaluate((to) => phone.dial(to), to);
  const forget = () =>
    Promise.all(
      pages.map((page) =>
        page.evaluate(() => Object.assign(phone.seen, { statuses: [], calls: [], records: [] })),
      ),
    );
  const record = (page, kind) => page.until((kind) => phone.seen.records[0]?.[kind], kind);

  assert.equal(await a.evaluate((to) => phone.api.call(to), bob.address), FAIL, "no set-up yet");
  assert.equal(await a.evaluate(() => phone.api.hangup(0)), FAIL);
  assert.equal(await a.evaluate(() => phone.api.answer(true)), FAIL);

  await dial(bob.address);
  await rings(b);
  await b.evaluate(() => phone.api.hangup(phone.callid()));
  await tellsLast(a, BUSY);
  assert.deepEqual(await told(a), [INPROGRESS, RINGING, BUSY]);
  assert.deepEqual(await told(b), [CANCEL]);
  await Promise.all([record(a, "outgoing"), record(b, "missed")]);
  await forget();

  await dial(bob.address);
  await rings(b);
  await a.evaluate(() => phone.api.hangup());
  await tellsLast(b, CANCEL);
  assert.deepEqual(await told(a), [INPROGRESS, RINGING, CANCEL]);
  await Promise.all([record(a, "outgoing"), record(b, "missed")]);
  await forget();

  await a.evaluate(() => phone.api.setConfiguration(MESIBO_CONFIGTYPE_CALLREQTO, 1));
  await dial(bob.address);
  await tellsLast(a, NOANSWER);
  await tellsLast(b, NOANSWER);
  await Promise.all([record(a, "outgoing"), record(b, "missed")]);
  await forget();

  await dial("nobody-at-all");
  await tellsLast(a, INVALIDDEST);
  await forget();
  const [zoe] = await world.people("zoe");
  await dial(zoe.address);
  await tellsLast(a, OFFLINE);
  await forget();
  assert.equal(await dial(""), FAIL);
  await tellsLast(a, INVALIDDEST);
  await forget();

  await b.evaluate((who) => {
    const profile = phone.api.getProfile(who, 0);
    profile.blockCalls(true);
    profile.save();
  }, ada.address);
  await until("the block to hold", async () => {
    await dial(bob.address);
    await a.until(() => phone.statuses().at(-1) & 0x40);
    return (await told(a)).at(-1) === BLOCKED;
  });
  await forget();
});

test("who talks is busy for a third one, and one page makes one call", async () => {
  const { bob, pages } = await talking();
  const [eve] = await world.people("eve");
  const third = await world.visit(eve, "call.html");
  await online(third);
  await third.evaluate((to) => phone.dial(to), bob.address);
  await tellsLast(third, BUSY);
  assert.deepEqual(await told(third), [INPROGRESS, BUSY]);
  await pages[1].until(() => phone.seen.records.some((record) => record.missed));
  assert.equal((await pages[1].evaluate(() => phone.seen.calls)).length, 1, "nothing rang");

  const rc = await pages[0].evaluate((to) => phone.api.call(to), eve.address);
  assert.equal(rc, 0xb3, "another call is running");
  await pages[0].until(() => phone.statuses().at(-1) === 0x43);
  await flows(pages[0]);
});

test("another device that answers takes the call over from those that ring", async () => {
  const { bob, pages } = await two();
  const [a, b] = pages;
  const second = await world.app.addUser(bob.address, { appid: "second" });
  const other = await world.visit(second, "call.html", { app: "second" });
  await online(other);
  await a.evaluate((to) => phone.dial(to), bob.address);
  await Promise.all([rings(b), rings(other)]);
  await other.evaluate(() => phone.api.answer(true));
  await tellsLast(other, CONNECTED);
  await tellsLast(b, SWITCHED);
  await Promise.all([flows(a), flows(other)]);
  await a.evaluate(() => phone.api.hangup());
  await tellsLast(other, COMPLETE);
  for (const page of [b, other]) await page.until(() => phone.seen.records[0]?.incoming);
});

// Rules: 7.7.
test("mute, both readings of it, and hold are told and heard", async () => {
  const { pages } = await talking();
  const [a, b] = pages;
  const enabled = () =>
    a.evaluate(() =>
      peers
        .at(-1)
        .getSenders()
        .map(({ track }) => [track.kind, track.enabled]),
    );
  const mask = () => a.evaluate(() => phone.api.getMuteStatus());
  const mute = (values) => a.evaluate((values) => phone.api.mute(...values), values);

  assert.equal(await mute([true, false, true]), 0);
  assert.equal(await mask(), 1);
  assert.deepEqual(await enabled(), [
    ["audio", false],
    ["video", true],
  ]);
  await tellsLast(b, MUTE);
  assert.equal(await mute([true, false, false]), 0);
  await tellsLast(b, UNMUTE);
  assert.equal(await mask(), 0);

  // A page that mutes by (channel, false) and takes it back by (nothing, true).
  await mute([false, true, false]);
  assert.equal(await mask(), 2);
  await mute([false, false, true]);
  assert.equal(await mask(), 0);

  const active = await a.evaluate(() => {
    const { api } = phone;
    const peer = api.getActiveP2PCall();
    return [peer === api.getActiveCall(), peer.isVideoCallInProgress(), api.getActiveGroupCall()];
  });
  assert.deepEqual(active, [true, true, null]);
  assert.equal(await a.evaluate(() => phone.api.toggleAudioMute()), true);
  assert.equal(await a.evaluate(() => phone.api.toggleAudioMute()), false);
  assert.equal(await a.evaluate(() => phone.api.toggleVideoMute()), true);
  assert.equal(await a.evaluate(() => phone.api.toggleVideoMute()), false);
  assert.equal(await a.evaluate(() => phone.api.hold(true)), 0);
  await tellsLast(b, HOLD);
  assert.equal(await a.evaluate(() => phone.api.hold(false)), 0);
  await tellsLast(b, UNHOLD);
  assert.equal(await a.evaluate(() => phone.api.dtmf("5")), 0);
  assert.equal(await a.evaluate(() => phone.api.dtmf("x")), FAIL);
  await flows(b);
});

test("a call goes on when the connection to the server is cut, and when the server is killed", async () => {
  const front = await world.front();
  const { pages } = await talking({ from: { ada: front.url, bob: front.url } });
  const [a, b] = pages;
  const isOnline = () => phone.seen.connection.at(-1) === 1;
  front.cut();
  await a.until(() => phone.seen.connection.at(-1) !== 1);
  await Promise.all([flows(a), flows(b)]);
  front.restore();
  await Promise.all([a.until(isOnline), b.until(isOnline)]);

  await world.server.kill();
  await a.until(() => phone.seen.connection.at(-1) !== 1);
  await Promise.all([flows(a), flows(b)]);
  await world.server.start();
  await Promise.all([a.until(isOnline), b.until(isOnline)]);
  await a.evaluate(() => phone.api.mute(true, false, true));
  await tellsLast(b, MUTE);
  await flows(a);

  await b.evaluate(() => phone.api.hangup(0));
  await tellsLast(a, COMPLETE);
  assert.deepEqual(await told(a), [...TALKS, COMPLETE]);
  for (const page of pages) await page.until(() => phone.seen.records.length === 1);
});

test("a page that is closed is gone for the other side at once", async () => {
  const { pages } = await talking();
  await pages[1].close();
  await tellsLast(pages[0], COMPLETE);
  assert.deepEqual(await told(pages[0]), [...TALKS, COMPLETE]);
});

test("without a microphone and a camera there is no call", async () => {
  const { bob, pages } = await two();
  await pages[0].evaluate(() => {
    navigator.mediaDevices.getUserMedia = () =>
      Promise.reject(new DOMException("", "NotFoundError"));
  });
  await pages[0].evaluate((to) => phone.dial(to), bob.address);
  await tellsLast(pages[0], 0x61);
  assert.deepEqual(await pages[0].evaluate(() => phone.seen.media), [null]);
  assert.deepEqual(await pages[1].evaluate(() => phone.seen.calls), []);
  // With the one that there is, it goes on.
  await pages[1].evaluate(() => {
    const { mediaDevices } = navigator;
    const real = mediaDevices.getUserMedia.bind(mediaDevices);
    mediaDevices.getUserMedia = (wanted) =>
      wanted.video ? Promise.reject(new DOMException("", "NotAllowedError")) : real(wanted);
  });
  await pages[1].evaluate(
    (to) => phone.dial(to),
    await pages[0].evaluate(() => phone.api.getAddress()),
  );
  await rings(pages[0]);
  await pages[1].evaluate(() => phone.api.hangup());
  await tellsLast(pages[0], CANCEL);
});

test("nobody is called without a connection", async () => {
  const front = await world.front();
  const { bob, pages } = await two({ from: { ada: front.url } });
  front.cut();
  await pages[0].until(() => phone.seen.connection.at(-1) !== 1);
  assert.equal(await pages[0].evaluate((to) => phone.dial(to), bob.address), 0xb2);
  await tellsLast(pages[0], NETWORKERROR);
});
