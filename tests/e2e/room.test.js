// Three people and more in a room: everybody is really heard and seen, and told who comes, mutes and goes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { event, key } from "./harness/room.js";
import { World } from "./harness/world.js";
import { covers } from "./harness/record.js";
import { until } from "./harness/until.js";

const world = World.forThisFile();

/** A room with these members, each in a browser of the kind named for them. */
async function enter(names, kinds = {}) {
  const people = await world.people(...names);
  const gid = await world.app.addGroup(
    "room",
    people.map((person) => person.address),
  );
  const pages = await Promise.all(
    people.map(async (person) => {
      const browser = await world[kinds[person.name] ?? "chromium"]();
      return world.visit(person, "room.html", { group: gid }, { browser });
    }),
  );
  return { people, gid, pages };
}

/** Waits until sound and pictures of this many others rise in a page: decoded, not only received. */
async function hearsAndSees(page, count) {
  const rising = async (kind, value) => {
    const first = new Map();
    await until(`${count} rising ${kind} streams`, async () => {
      const all = await page.evaluate(() => inbound());
      const risen = all.filter((stream) => {
        if (stream.kind !== kind) return false;
        if (!first.has(stream.id)) first.set(stream.id, stream[value]);
        return stream[value] > first.get(stream.id);
      });
      return risen.length >= count;
    });
  };
  await rising("video", "frames");
  await rising("audio", "energy");
  await page.until((count) => room.views().filter((v) => v.width > 0).length >= count, count);
}

const gone = (page, person, deadline) =>
  page.until(
    (who) => room.seen.publishers.some((p) => p.who === who && !p.here),
    key(person),
    deadline,
  );

for (const browser of ["chromium", "firefox"]) {
  test(`camera and screen of ${browser} begin and end together, over and over, on the same media lines`, async () => {
    const { pages } = await enter(["ada", "bob"], { ada: browser });
    const [a, b] = pages;
    const lines = () => a.evaluate(() => peers.at(-1).getTransceivers().length);
    const counts = new Set();
    for (let time = 0; time < 4; time++) {
      await a.evaluate(() => {
        window.shared = room.call.createPublisher(1);
        // Firefox has no picture to give when nobody chooses a window.
        navigator.mediaDevices.getDisplayMedia = () =>
          navigator.mediaDevices.getUserMedia({ video: { width: 1280 }, audio: true });
        shared.setVideoSource(MESIBOCALL_VIDEOSOURCE_SCREEN);
        for (const stream of [room.me(), shared]) stream.call(true, true, room.calls);
      });
      await b.until(() => room.views().filter((view) => view.width > 0).length === 2);
      counts.add(await lines());
      await a.evaluate(() => [room.me(), shared].map((stream) => stream.hangup()));
      await b.until(() => room.present().length === 0);
      await b.evaluate(() => document.querySelectorAll("video").forEach((video) => video.remove()));
    }
    assert.equal(counts.size, 1, `${[...counts]} lines`);
  });
}

for (const [title, kinds] of [
  ["three Chromium pages", {}],
  ["two Chromium pages and Firefox", { carol: "firefox" }],
]) {
  // Rules: 1.4.2, 1.2.7.
  test(`${title} in a room hear and see one another, mute, leave and vanish`, async () => {
    const { people, pages } = await enter(["ada", "bob", "carol"], kinds);
    const [ada, bob, carol] = people;
    await Promise.all(pages.map((page) => hearsAndSees(page, 2)));

    for (const [at, page] of pages.entries()) {
      const events = await page.evaluate(() => room.seen.events);
      for (const other of people.filter((_, index) => index !== at)) {
        const what = events.filter((e) => e.who === key(other)).map((e) => e.what);
        assert.equal(what[0], "connected", `${other.name} connects before anything else`);
        assert.ok(what.includes("video") && what.includes("audio"));
      }
    }

    await pages[0].evaluate(() => room.mute(false));
    for (const page of pages.slice(1)) {
      await event(page, { what: "mute", who: key(ada), audio: true, video: false, remote: true });
    }
    await pages[0].evaluate(() => room.mute(true));
    for (const page of pages.slice(1)) {
      await event(page, { what: "mute", who: key(ada), audio: true, video: true, remote: true });
      const muted = await page.evaluate((who) => room.muted(who), key(ada));
      assert.deepEqual(muted, { audio: true, video: true });
    }

    // Leaving is told at once, a browser that dies within ten seconds.
    await pages[1].evaluate(() => room.leave());
    await Promise.all([gone(pages[0], bob), gone(pages[2], bob)]);
    await event(pages[0], { what: "hangup", who: key(bob) });
    await pages[2].crash();
    await gone(pages[0], carol, 10_000);
  });
}

test("who may not publish only watches, and who is no member gets nothing", async () => {
  const { people, gid, pages } = await enter(["ada", "bob", "carol"]);
  const [watcher, stranger] = await world.people("watcher", "stranger");
  await world.app.editMembers(gid, [watcher.address], { pub: false });

  const watching = await world.visit(watcher, "room.html", { group: gid });
  await hearsAndSees(watching, 3);
  const outside = await world.visit(stranger, "room.html", { group: gid });
  await outside.until(() => room.seen.errors.length > 0);

  for (const page of pages) {
    const publishers = await page.evaluate(() => room.seen.publishers.map((p) => p.who));
    assert.ok(!publishers.includes(key(watcher)), "nobody is shown the watcher's camera");
    assert.ok(!publishers.includes(key(stranger)));
  }
  const { errors, publishers } = await outside.evaluate(() => room.seen);
  assert.deepEqual(errors, [{ group: gid, error: 1 }], "not a member");
  assert.deepEqual(publishers, []);
  assert.deepEqual(await outside.evaluate(() => inbound()), []);
  assert.equal(people.length, 3);
});

test("a member removed during the call is out of it at once, and the others are told", async () => {
  const { people, gid, pages } = await enter(["ada", "bob"]);
  await Promise.all(pages.map((page) => hearsAndSees(page, 1)));
  await world.app.removeMembers(gid, [people[1].address]);
  await gone(pages[0], people[1]);
  await pages[1].until(() => room.present().length === 0);
});

test("a member sends nothing larger, no other kind and no longer than its admin lets it", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const gid = await world.app.addGroup("room", [ada.address, bob.address]);
  const call = { duration: 600, resolution: 3 };
  await world.app.call("groupset", { group: { gid, owner: ada.address, call } });
  const a = await world.visit(ada, "room.html", { group: gid });
  const lets = (permissions) =>
    a.evaluate(
      ({ gid, peer, permissions }) => {
        const profile = Mesibo.getInstance().getGroupProfile(gid);
        profile.addMembers([peer], new MesiboMemberPermissions(permissions));
      },
      { gid, peer: bob.address, permissions },
    );
  const told = (page) =>
    page.evaluate(
      (gid) =>
        new Promise((resolve) => {
          const profile = Mesibo.getInstance().getGroupProfile(gid);
          profile.getSettings((_profile, settings, own) =>
            resolve([settings.callDuration, own.videoResolution, own.callFlags, own.callDuration]),
          );
        }),
      gid,
    );
  await lets({ videoResolution: 10 });
  await until("the smaller size is stored", async () => {
    const { members } = await world.app.call("groupgetmembers", { gid });
    return members.some(({ address, call }) => address === bob.address && call.resolution === 10);
  });

  const b = await world.visit(bob, "room.html", { group: gid });
  await hearsAndSees(a, 1);
  await hearsAndSees(b, 1);
  const height = () =>
    document.getElementById("me").srcObject.getVideoTracks()[0].getSettings().height;
  await until("the smaller picture", async () => (await b.evaluate(height)) <= 360);
  assert.ok((await a.evaluate(height)) > 360);
  const everything = 0x8107;
  assert.deepEqual(await told(b), [600, 10, everything, 600]);

  await lets({ videoResolution: 10, callFlags: 0x3 });
  await event(b, { what: "hangup", who: key(bob), reason: 3 });
  await gone(a, bob);
  assert.deepEqual(await told(b), [600, 10, 0x8003, 600]);

  await lets({ callDuration: 1 });
  await event(b, { what: "hangup", who: key(ada), reason: 5 });
  await b.until(() => room.present().length === 0);
  assert.deepEqual(await told(b), [600, 3, everything, 1]);
  covers(
    "MesiboGroupSettings.callDuration",
    "MesiboMemberPermissions.callFlags",
    "MesiboMemberPermissions.callDuration",
    "MesiboMemberPermissions.videoResolution",
  );
});

test("sound carries its past to browsers that can have it, and goes to all", async () => {
  const { pages } = await enter(["ada", "bob", "carol"], { carol: "firefox" });
  await Promise.all(pages.map((page) => hearsAndSees(page, 2)));
  const sent = (page) =>
    page.evaluate(() => {
      const sound = peers[0].getSenders().find((sender) => sender.track?.kind === "audio");
      return sound.getParameters().codecs[0].mimeType;
    });
  // The statistics of Chromium name what is inside.
  assert.deepEqual(await Promise.all(pages.map(sent)), ["audio/red", "audio/red", "audio/opus"]);
});

/** Caps of a room that are changed while a call goes on; and they still hear and see each other. */
async function keepsCaps(browsers) {
  const [ada, bob] = await world.people("ada", "bob");
  const gid = await world.app.addGroup("room", [ada.address, bob.address]);
  const set = (call) => world.app.call("groupset", { group: { gid, call } });
  await set({ fps: 10, videobitrate: 300, audiobitrate: 24 });
  const members = { m: bob.address, call: { videobitrate: 200 } };
  await world.app.call("groupeditmembers", { group: { gid, members } });
  const [a, b] = await Promise.all(
    [ada, bob].map((person, index) =>
      world.visit(person, "room.html", { group: gid }, { browser: browsers[index] }),
    ),
  );
  for (const page of [a, b]) await hearsAndSees(page, 1);
  const holds = (page, wanted) =>
    page.until(
      ({ audio, video, fps = 0 }) =>
        caps().audio === audio && caps().video === video && caps().fps === fps,
      wanted,
    );
  await holds(a, { audio: 24, video: 300, fps: 10 });
  await holds(b, { audio: 24, video: 200, fps: 10 });
  await set({ fps: 0, videobitrate: 150, audiobitrate: 0 });
  await holds(a, { audio: 0, video: 150 });
  await holds(b, { audio: 0, video: 150 });
  await set({ videobitrate: 0 });
  await holds(a, { audio: 0, video: 0 });
  for (const page of [a, b]) await hearsAndSees(page, 1);
}

test("what is sent stays within the caps of the room and of the member, changed at once", () =>
  keepsCaps([]));

test("Firefox keeps them, too", async () => {
  const firefox = await world.firefox();
  await keepsCaps([firefox, undefined]);
});

test("after the server was killed in mid-call everybody is back without a touch", async () => {
  const { people, pages } = await enter(["ada", "bob"]);
  for (const page of pages) await hearsAndSees(page, 1);
  await world.server.kill();
  for (const page of pages) await event(page, { what: "connected", connected: false });
  await world.server.start();
  for (const [index, page] of pages.entries()) {
    await page.until(
      (who) => {
        const told = room.seen.events.filter((one) => one.what === "connected" && one.who === who);
        return told.length > 2 && told.at(-1).connected;
      },
      key(people[1 - index]),
    );
    await hearsAndSees(page, 1);
  }
});
