// What pages may ask of a room beyond hearing and seeing: devices, wishes, admins, the first generation.
import assert from "node:assert/strict";
import { test } from "node:test";
import { event, key } from "./harness/room.js";
import { covers } from "./harness/record.js";
import { World } from "./harness/world.js";

const world = World.forThisFile();
const [CAMERA, SCREEN] = [0, 4];
const ADMIN = { callcontrol: true, hangup: true };

/** Ada, who may control calls, and others, each in a page of the room. */
async function enter(names, settings = {}) {
  const people = await world.people(...names);
  const gid = await world.app.addGroup(
    "room",
    people.map((person) => person.address),
  );
  const members = { m: people[0].address, admin: ADMIN };
  await world.app.call("groupeditmembers", { group: { gid, members } });
  const pages = [];
  for (const person of people) {
    const own = { group: gid, ...settings[person.name] };
    pages.push(await world.visit(person, "room.html", own));
  }
  const count = people.length - 1;
  for (const page of pages) {
    await page.until(
      (count) => room.views().filter((view) => view.width > 0).length >= count,
      count,
    );
  }
  return { people, gid, pages };
}

const asked = (page, wanted) =>
  page.until(
    (wanted) => room.seen.asked.some((one) => JSON.stringify(one) === JSON.stringify(wanted)),
    wanted,
  );

// Rules: 1.4.3.
test("an admin mutes, stops, starts and sends away; who is asked hears of it first and is obeyed", async () => {
  const { people, pages } = await enter(["ada", "bob", "carol"]);
  const [ada, bob, carol] = people;
  const [a, b, c] = pages;
  const rights = await b.evaluate(
    (who) => [room.call.hasAdminPermissions(), room.call.getAdmin(), room.of(who).getAdmin()],
    key(ada),
  );
  assert.deepEqual(rights, [false, null, null]);
  const kinds = await a.evaluate((who) => {
    const [all, one] = [room.call.getAdmin(), room.of(who).getAdmin()];
    return [
      room.call.hasAdminPermissions(true),
      all instanceof MesiboGroupCallAdmin && all === room.call.getAdmin(),
      one instanceof MesiboParticipantAdmin && one === room.of(who).getAdmin(),
    ];
  }, key(bob));
  assert.deepEqual(kinds, [true, true, true]);

  await a.evaluate((who) => room.of(who).getAdmin().mute(true, false, true), key(bob));
  await asked(b, ["Mute", ada.address, true, key(bob), true, false, true]);
  await event(c, { what: "mute", who: key(bob), audio: true, video: false, remote: true });
  await event(a, { what: "mute", who: key(bob), audio: true, video: false, remote: true });
  const toggled = await a.evaluate((who) => {
    const admin = room.of(who).getAdmin();
    return [admin.toggleAudioMute(), admin.toggleVideoMute()];
  }, key(bob));
  assert.deepEqual(toggled, [false, true]);
  await event(c, { what: "mute", who: key(bob), audio: false, video: true, remote: true });
  await a.evaluate((who) => room.of(who).adminMute(false, true, false), key(bob));
  await event(c, { what: "mute", who: key(bob), audio: false, video: false, remote: true });
  await a.evaluate(() => room.call.getAdmin().muteAll(true, false, true));
  await asked(c, ["Mute", ada.address, true, key(carol), true, false, true]);
  await event(b, { what: "mute", who: key(carol), audio: true, video: false, remote: true });
  await a.evaluate(
    (who) => room.call.getAdmin().mute([room.of(who)], true, false, false),
    key(carol),
  );
  await event(b, { what: "mute", who: key(carol), audio: false, video: false, remote: true });

  await a.evaluate((who) => room.call.getAdmin().fullscreen(room.of(who)), key(bob));
  await asked(b, ["MakeFullScreen", ada.address, true, key(bob)]);
  await asked(c, ["MakeFullScreen", ada.address, true, key(bob)]);
  await a.evaluate(() => room.call.getAdmin().fullscreen(room.me()));
  await asked(b, ["MakeFullScreen", ada.address, true, key(ada)]);
  await asked(c, ["MakeFullScreen", ada.address, true, key(ada)]);
  await a.evaluate(
    ([who, whom]) => room.of(who).getAdmin().subscribe(room.of(whom), true, false),
    [key(carol), key(bob)],
  );
  await asked(c, ["Subscribe", ada.address, true, key(bob), true, false]);

  await a.evaluate((who) => room.of(who).getAdmin().hangup(), key(bob));
  await asked(b, ["StopPublishing", ada.address, true, key(bob)]);
  await event(b, { what: "hangup", who: key(bob), reason: 2 });
  await event(c, { what: "hangup", who: key(bob), reason: 2 });
  await a.evaluate((who) => room.of(who).getAdmin().publish(1, 0, 0, true, true), key(carol));
  await asked(c, ["StartPublishing", ada.address, true, 1, true, true, 0, 0]);
  await b.until((who) => room.present().includes(who), key(carol, 1));
  await a.evaluate((who) => room.call.getAdmin().hangup([room.of(who)]), key(carol, 1));
  await b.until((who) => !room.present().includes(who), key(carol, 1));

  await a.evaluate(() => room.call.getAdmin().hangupAll());
  await asked(c, ["Leave", ada.address, true]);
  await a.until(() => room.present().length === 0);
});

test("who refuses is muted and stopped all the same, and without a listener nothing is started", async () => {
  const settings = { bob: { refuses: true }, carol: { obeys: true } };
  const { people, pages } = await enter(["ada", "bob", "carol"], settings);
  const [ada, bob, carol] = people;
  const [a, b, c] = pages;
  await a.evaluate((who) => {
    const admin = room.of(who).getAdmin();
    admin.mute(true, true, true);
    admin.hangup();
  }, key(bob));
  await asked(b, ["StopPublishing", ada.address, true, key(bob)]);
  // Behind both on the same way.
  await a.evaluate((who) => {
    const admin = room.of(who).getAdmin();
    admin.publish(1, 0, 0, true, true);
    admin.mute(true, false, true);
  }, key(carol));
  await event(b, { what: "mute", who: key(carol), audio: true });
  await event(c, { what: "mute", who: key(bob), audio: true, video: true });
  await event(c, { what: "hangup", who: key(bob), reason: 2 });
  const goesOn = await b.evaluate(() => room.me().isCallInProgress());
  assert.equal(goesOn, true, "what the page does is its own");
  assert.deepEqual(await b.evaluate(() => room.present().sort()), [key(ada), key(carol)].sort());
});

test("nothing is heard or seen of whom an admin has muted, until its page unmutes itself", async () => {
  const { people, pages } = await enter(["ada", "bob"], { bob: { refuses: true } });
  const [ada, bob] = people;
  const [a, b] = pages;
  await a.evaluate((who) => room.of(who).getAdmin().mute(true, true, true), key(bob));
  await asked(b, ["Mute", ada.address, true, key(bob), true, true, true]);
  await event(a, { what: "mute", who: key(bob), audio: true, video: true });
  // Bob's page goes on sending; what was under way comes to an end.
  const packets = async (wanted) => {
    const now = (await inbound()).reduce((sum, one) => sum + one.packets, 0);
    const before = window.before;
    window.before = now;
    return wanted === "none" ? before === now : now > before;
  };
  await a.until(packets, "none");
  await b.evaluate(() => {
    room.mute(false);
    room.mute(true);
    room.mute(false);
    room.mute(true);
  });
  await event(a, { what: "mute", who: key(bob), audio: false, video: false });
  await a.until(packets, "some");
});

test("a camera becomes a screen and a camera again, and everybody is told of it in place", async () => {
  const { people, pages } = await enter(["ada", "bob"]);
  const [ada] = people;
  const [a, b] = pages;
  const before = await a.evaluate(() => [room.me().getVideoSource(), room.me().isFrontCamera()]);
  assert.equal(before[0], CAMERA);
  await a.evaluate(() => room.me().switchSource());
  await event(a, { what: "source", who: key(ada), source: SCREEN, index: 0 });
  await event(b, { what: "source", who: key(ada), source: SCREEN });
  const screen = await a.evaluate(() => [room.me().getVideoSource(), room.me().isFrontCamera()]);
  assert.deepEqual(screen, [SCREEN, false]);
  assert.equal(await b.evaluate((who) => room.of(who).getVideoSource(), key(ada)), SCREEN);
  await a.evaluate(() => room.me().changeSource(0));
  await event(a, { what: "source", who: key(ada), source: CAMERA, index: 0 });
  await a.evaluate(() => {
    room.me().switchCamera();
    room.me().changeVideoFormat(320, 240, 10);
  });
  await a.until(() => room.me().getVideoView().videoWidth === 320);
  // A stream is the same one all the time.
  const joined = await b.evaluate(
    (who) => room.seen.publishers.filter((p) => p.who === who).length,
    key(ada),
  );
  assert.equal(joined, 1);
});

test("a page of the oldest documents says as source how many lines its camera's picture may have", async () => {
  const { pages } = await enter(["ada", "bob"]);
  const [a, b] = pages;
  for (const lines of [180, 240]) {
    await a.evaluate((lines) => {
      room.me().hangup();
      room.me().call({ source: `${lines}p` }, null, null, null);
      room.me().setVideoView("me");
    }, lines);
    await a.until((lines) => room.me().getVideoView()?.videoHeight === lines, lines);
    assert.equal(await a.evaluate(() => room.me().getVideoSource()), CAMERA);
  }
  await b.until(() => room.views().some((view) => view.width > 0));
});

test("who thinks better of sharing the screen goes on with the camera", async () => {
  const { people, pages } = await enter(["ada", "bob"]);
  const [a, b] = pages;
  await a.evaluate(() => {
    navigator.mediaDevices.getDisplayMedia = () =>
      Promise.reject(new DOMException("no", "NotAllowedError"));
    window.told = [];
    room.api.addListener({ Mesibo_onError: (text) => told.push(text) });
    room.me().setVideoSource(4);
  });
  await a.until(() => told.length === 1 && room.me().getVideoSource() === 0);
  const state = await a.evaluate(() => [
    room.me().isCallInProgress(),
    room.seen.events.at(-1).what,
  ]);
  assert.equal(state[0], true);
  assert.notEqual(state[1], "hangup");
  assert.deepEqual(await b.evaluate(() => room.present()), [key(people[0])]);
});

test("a publisher suggests how it is shown, and each page says what is important to it", async () => {
  const { people, pages } = await enter(["ada", "bob"]);
  const [ada] = people;
  const [a, b] = pages;
  const said = await a.evaluate(() => {
    const me = room.me();
    const first = [me.isVisible(), me.isFullscreen(), me.getPriority()];
    return [first, me.setVisibility(true, true, 7), me.isFullscreen(), me.getPriority()];
  });
  assert.deepEqual(said, [[true, false, 0], true, true, 7]);
  await event(b, { what: "display", who: key(ada), visible: true, fullscreen: true, priority: 7 });
  await a.evaluate(() => room.me().setVisible(false));
  await event(b, { what: "display", who: key(ada), visible: false, fullscreen: true, priority: 7 });
  const here = await b.evaluate((who) => {
    const p = room.of(who);
    const done = [
      p.setVisible(true),
      p.setFullscreen(false),
      p.setPriority(3),
      p.fullScreen(false),
    ];
    return [done, p.isVisible(), p.isFullscreen(), p.getPriority()];
  }, key(ada));
  assert.deepEqual(here, [[true, true, true, true], true, false, 3]);
});

// Rules: 7.8, 7.9, 7.21.
test("a participant knows who it is, what it has, and carries what the page hangs on it", async () => {
  const { people, pages } = await enter(["ada", "bob"]);
  const [ada] = people;
  const known = await pages[1].evaluate((who) => {
    const [p, me] = [room.of(who), room.me()];
    p.setUserData({ seat: 4 });
    p.isVisible = true;
    return {
      ids: [p.getId() === p.getUid(), typeof p.getId(), p.getType(), p.getSid()],
      who: [p.getAddress() === p.getProfile().getAddress(), p.getName()],
      mine: [p.isMe(), me.isMe(), p.isLocal(), me.isLocal(), p.isPublisher(), me.isPublisher()],
      media: [p.hasAudio(), p.hasVideo(), p.isVideoCall()],
      running: [p.isCallInProgress(), p.isCallConnected(), room.api.getActiveGroupCall() !== null],
      shape: [p.isVideoLandscape(), p.getAspectRatio() > 1, p.getVideoView() === p.getPlayer()],
      data: [p.getUserData().seat, me.getUserData() ?? null, p.isVisible],
      call: p.getGroupCall() === room.call && room.call.getParticipants()[0] === p,
      muted: [p.muteStatus(false, true), p.toggleMute(true, true), p.getMuteStatus(true)],
      whose: [p.getMuteStatus(true, false), p.getMuteStatus(true, true)],
      unmuted: p.mute(true, true, false) ?? p.getMuteStatus(true),
      talk:
        typeof p.getTalkTimestamp() === "number" && p.getTalkTimstamp() === p.getTalkTimestamp(),
      again: room.call.publish(0) === me && room.call.publish(2) === room.call.createPublisher(2),
    };
  }, key(ada));
  assert.deepEqual(known, {
    ids: [true, "number", 0, 0],
    who: [true, "ada"],
    mine: [false, true, false, true, true, true],
    media: [true, true, true],
    running: [true, true, true],
    shape: [true, true, true],
    data: [4, null, true],
    call: true,
    muted: [false, true, true],
    whose: [true, false],
    unmuted: false,
    talk: true,
    again: true,
  });
  const hung = await pages[1].evaluate((who) => {
    const p = room.of(who);
    Object.assign(p, { getVideoView: "mine", isLocal: true, isTalking: {}, getGroupCall: 7 });
    Object.assign(p, { setVisibility: null, getAdmin: 2, getName: undefined });
    const done = [p.setVisible(false), p.setFullscreen(true), p.setPriority(3)];
    p.setFullscreen = 1;
    done.push(p.fullScreen(false));
    p.adminMute(true, true, true);
    const order = { orderedBySelf: true, orderedByName: true, orderedByTalking: true };
    const sorted = room.call.sortStreams(null, [p, room.me()], 100, 100, 0, 0, order);
    return [done, p.getPriority(), p.isFullscreen(), sorted[0] === room.me()];
  }, key(ada));
  assert.deepEqual(hung, [[true, true, true, true], 3, false, true]);
});

test("sound is heard to begin and end, comes from where the page wants, and can be the page's own", async () => {
  const { people, pages } = await enter(["ada", "bob"]);
  const [ada] = people;
  const [a, b] = pages;
  // The fake microphone beeps too shortly for somebody who talks.
  await a.evaluate(() => {
    const context = new AudioContext();
    const [voice, out] = [context.createOscillator(), context.createMediaStreamDestination()];
    voice.connect(out);
    voice.start();
    window.hush = () => voice.stop();
    navigator.mediaDevices.getUserMedia = async () => out.stream;
    room.call.createPublisher(2).call(true, false, room.calls);
  });
  await event(b, { what: "talking", who: key(ada, 2), talking: true });
  const talks = (who) => [room.of(who).isTalking(), room.of(who).getTalkTimestamp() > 0];
  assert.deepEqual(await b.evaluate(talks, key(ada, 2)), [true, true]);
  await a.evaluate(() => hush());
  await event(b, { what: "talking", who: key(ada, 2), talking: false });
  const done = await b.evaluate(() => {
    room.listener.MesiboGroupcall_OnAudioDeviceChanged = (now, before) =>
      (room.heard = [now, before]);
    const chosen = [
      room.call.setAudioDevice(MESIBO_AUDIODEVICE_DEFAULT, true),
      room.call.setAudioDevice("no such device"),
    ];
    const silence =
      "data:audio/wav;base64,UklGRiQAAABXQVZFZm10IBAAAAABAAEAESsAACJWAAACABAAZGF0YQAAAAA=";
    room.call.playInCallSound(silence, 0.5, -1);
    room.call.stopInCallSound();
    return chosen;
  });
  assert.deepEqual(done, [true, true]);
  await b.until(() => lines.some((line) => line.text.includes("sound stays where it is")));
  // Another device is the default from now on.
  await b.evaluate(() => {
    const headset = { kind: "audiooutput", deviceId: "default", label: "USB Headset" };
    navigator.mediaDevices.enumerateDevices = async () => [headset];
    navigator.mediaDevices.dispatchEvent(new Event("devicechange"));
  });
  await b.until(() => room.heard?.[0] === MESIBO_AUDIODEVICE_HEADSET);
  covers("MesiboGroupcall_OnAudioDeviceChanged");
});

test("a page that asks for its room again, as a component that is mounted anew, is told by its new listener", async () => {
  const { people, gid, pages } = await enter(["ada", "bob"]);
  const [a, b] = pages;
  await a.evaluate((gid) => {
    window.gone = [];
    const said = (who, here) => !here && gone.push(who.getAddress());
    const again = room.api.groupCall({ MesiboGroupcall_OnPublisher: said }, gid);
    if (again !== room.call) gone.push("another room");
  }, gid);
  await b.evaluate(() => room.leave());
  await a.until(() => gone.length > 0);
  assert.deepEqual(await a.evaluate(() => gone), [people[1].address]);
});

test("participants are put in order and into a grid that fills the place", async () => {
  const { pages } = await enter(["ada", "bob", "carol"]);
  const placed = await pages[0].evaluate(() => {
    const places = [];
    const listener = {
      ParticipantSort_onGetParticipant: (view) => view.of,
      ParticipantSort_onSetCoordinates: (view, ...place) =>
        places.push([view.of.getName(), ...place]),
    };
    const views = [...room.call.getParticipants(), room.me()].map((of) => ({ of }));
    const params = { orderedBySelf: true, orderedByName: true };
    const page = room.call.sortStreams(listener, views, 1600, 900, 0, 3, params);
    return { places, page: page.map((view) => view.of.getName()) };
  });
  assert.deepEqual(placed.page, ["ada", "bob", "carol"]);
  assert.deepEqual(placed.places, [
    ["ada", 0, 0, 0, 800, 450],
    ["bob", 1, 800, 0, 800, 450],
    ["carol", 2, 400, 450, 800, 450],
  ]);
});

test("the server says who has the word, and streams stand in that order", async () => {
  const { people, pages } = await enter(["ada", "bob", "carol"]);
  const [ada, bob, carol] = people.map((person) => key(person));
  const [a, b, c] = pages;
  // The microphones of the tests beep without end.
  const first = (page, who) =>
    page.until((who) => {
      const [speaker] = room.call.getSpeakers();
      const name = speaker && `${speaker.getAddress()}/${speaker.getSid()}`;
      return name === who && room.seen.speakers.at(-1)?.[0] === who;
    }, who);
  const toggle = (page) => page.evaluate(() => room.mute(false));
  for (const page of [a, c]) await toggle(page);
  for (const page of [a, c]) await first(page, bob);
  // They beep out of step: that he has ended after her is sure once he has had the word again.
  for (const [speaker, who] of [
    [c, carol],
    [b, bob],
    [c, carol],
  ]) {
    for (const page of [b, c]) await toggle(page);
    for (const page of [a, speaker === b ? c : b]) await first(page, who);
  }
  const sorted = await a.evaluate(() => {
    const views = [room.me(), ...room.call.getParticipants()];
    const params = { orderedByTalking: true };
    const inOrder = room.call.sortStreams(null, views, 640, 480, 0, 0, params);
    return inOrder.map((p) => `${p.getAddress()}/${p.getSid()}`);
  });
  assert.deepEqual(sorted.slice(0, 2), [carol, bob]);
  assert.equal(sorted.length, 3, ada);
});

test("statistics say how each stream does, both ways", async () => {
  const { people, pages } = await enter(["ada", "bob"]);
  const [, b] = pages;
  const told = await b.evaluate(async (who) => {
    const [theirs, mine] = [room.of(who), room.me()];
    // Rates need two looks, and something that flows in between.
    const good = (stats) =>
      stats?.audio?.bitrate > 0 && stats.video?.bitrate > 0 && stats.roundTrip !== null;
    const look = () => Promise.all([theirs, mine].map((p) => p.getStats()));
    let found = await look();
    while (!found.every(good)) {
      await new Promise(requestAnimationFrame);
      found = await look();
    }
    return found;
  }, key(people[0]));
  for (const { audio, video, roundTrip, timestamp } of told) {
    assert.equal(audio.codec, "opus");
    assert.match(video.codec, /^(VP8|VP9|H264)$/);
    assert.ok(video.width >= 320 && video.height >= 180, JSON.stringify(video));
    assert.ok(audio.packets > 0 && video.packets > 0);
    assert.ok(roundTrip >= 0 && Math.abs(timestamp - Date.now()) < 60_000);
    for (const { loss, lost, jitter } of [audio, video]) {
      assert.ok(loss >= 0 && loss <= 1 && Number.isInteger(lost), `${loss} ${lost}`);
      assert.ok(jitter === null || jitter >= 0);
    }
  }
  const [theirs, mine] = told.map(({ video }) => video);
  assert.deepEqual([theirs.layers, theirs.limitedBy], [1, "none"]);
  assert.ok(mine.layers >= 1);
  await b.evaluate((who) => void room.of(who).hangup(), key(people[0]));
  // Nothing is received any more.
  await b.until(async (who) => (await room.of(who).getStats()) === null, key(people[0]));
});

// Rules: 1.5.14, 7.10, 7.23.
test("a page of the first generation hears of everybody in one list, of changes and of who watches", async () => {
  const { people, pages } = await enter(["ada", "bob"]);
  const [ada, bob] = people;
  const [a, b] = pages;
  await b.evaluate(() => {
    window.first = { all: [], one: [], updated: [], updates: [], watchers: [] };
    const name = (p) => p.getName?.() ?? p.name;
    room.api.addListener({
      Mesibo_OnParticipants: (all, latest) => first.all.push([all.length, latest.map(name)]),
      Mesibo_onParticipant: (p) => first.one.push(name(p)),
      Mesibo_OnParticipantUpdated: (all, p) => first.updated.push([all.length, name(p)]),
      Mesibo_OnParticipantsUpdated: (all, p) => first.updates.push([all.length, name(p)]),
      Mesibo_OnSubscriber: (s) => first.watchers.push(s.name),
    });
  });
  await a.evaluate(() => {
    const second = room.call.createPublisher(1);
    second.setName("ada's second");
    // The second call takes the place of the first: another listener, no second stream.
    second.call();
    second.call(true, true, room.calls);
    room.mute(false);
  });
  await event(a, { what: "connected", who: key(ada, 1), connected: true });
  const heard = (updates) => updates.some(([all, who]) => all > 0 && who === "ada");
  await b.until(`(${heard})(first.updated) && (${heard})(first.updates)`);
  const first = await b.evaluate(() => window.first);
  assert.deepEqual(first.all, [[2, ["ada's second"]]]);
  assert.deepEqual(first.one, ["ada's second"]);
  await a.evaluate((who) => room.of(who).hangup(), key(bob));
  await b.until(() => first.watchers.includes("ada"));
  const ended = await a.evaluate(() => room.seen.events.some((event) => event.what === "hangup"));
  assert.equal(ended, false, "who ends it is not told that it has ended");

  // 2 is a screen in this call, 1 a camera; present-day numbers are 4 and 0.
  const view = await a.evaluate(async () => {
    const third = room.call.getLocalParticipant(3, "ada's third", "ignored");
    const view = document.createElement("video");
    document.body.append(view);
    await new Promise((there) => third.call({ source: 2, audio: false }, view, there));
    const screen = third.getVideoSource();
    await new Promise((there) => third.call({ source: 1, audio: false }, null, there));
    third.setListener(room.calls);
    third.attach(null);
    await new Promise((there) => third.attach(view, there, 50, 10));
    return [screen, third.getVideoSource(), third.getVideoView() === view, third.getName()];
  });
  assert.deepEqual(view, [SCREEN, CAMERA, true, "ada's third"]);
});
