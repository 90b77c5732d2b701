// Group calls as pages write them who know nothing but the documents: shapes of arguments, what is told how often.
import assert from "node:assert/strict";
import { test } from "node:test";
import { event, key } from "../harness/room.js";
import { World } from "../harness/world.js";

const world = World.forThisFile();

/** Ada publishes, Bob has not subscribed to anything yet. */
async function enter(ada = {}, bob = {}) {
  const people = await world.people("ada", "bob");
  const addresses = people.map((person) => person.address);
  const group = await world.app.addGroup("shapes", addresses);
  const quiet = { group, publish: false, subscribe: false };
  const pages = [
    await world.visit(people[0], "room.html", { group, ...ada }),
    await world.visit(people[1], "room.html", { ...quiet, ...bob }),
  ];
  return { people, group, pages, who: key(people[0]) };
}

const here = (page, who) => page.until((who) => room.present().includes(who), who);

/** What bob was told of a call that he began with these arguments, until this much was told. */
async function told(page, who, shape, count) {
  await page.evaluate(
    ([who, shape]) => {
      const p = room.of(who);
      p.hangup();
      window.heard = [];
      const listener = {
        MesiboGroupcall_OnAudio: () => heard.push("audio"),
        MesiboGroupcall_OnVideo: () => heard.push("video"),
      };
      const onStream = () => heard.push("stream");
      p.call(...Function("listener", "onStream", `return [${shape}]`)(listener, onStream));
    },
    [who, shape],
  );
  await page.until((count) => heard.length >= count, count);
  return page.evaluate(() => heard.toSorted());
}

// Rules: 1.2.1, 1.5.15.
test("a call understands null, Booleans beside a function, and a listener where a function was", async () => {
  const { pages, who } = await enter();
  const [, b] = pages;
  await here(b, who);
  assert.deepEqual(await told(b, who, "null, null, listener", 2), ["audio", "video"]);
  assert.deepEqual(await told(b, who, "{ video: false }, null, listener", 1), ["audio"]);
  assert.deepEqual(await told(b, who, "false, true, listener", 1), ["video"]);
  await b.evaluate((who) => room.of(who).setListener(null), who);
  assert.deepEqual(await told(b, who, "true, false, onStream", 1), ["stream"]);
  const kinds = await b.evaluate(async () => (await inbound()).map(({ kind }) => kind));
  assert.ok(kinds.includes("audio"));
});

test("a picture is told of once, however often the server sends another size of it", async () => {
  const { pages, who } = await enter({}, { subscribe: true });
  const [, b] = pages;
  const view = () => document.getElementById("view-ada").videoWidth;
  await event(b, { what: "video", who });
  await b.evaluate((who) => {
    const view = room.of(who).getVideoView();
    view.style.width = "640px";
    view.style.height = "480px";
  }, who);
  await b.until((who) => room.of(who).getVideoView().videoWidth === 640, who);
  await b.evaluate((who) => {
    const view = room.of(who).getVideoView();
    [view.style.width, view.style.height] = ["160px", "120px"];
  }, who);
  await b.until((who) => room.of(who).getVideoView().videoWidth < 640, who);
  const times = await b.evaluate(
    (who) => room.seen.events.filter((event) => event.what === "video" && event.who === who).length,
    who,
  );
  assert.equal(times, 1, String(view));
});

test("an element that is still looked for is given up for the next one, and there is none after null", async () => {
  const { pages, who } = await enter();
  const [, b] = pages;
  await here(b, who);
  const said = await b.evaluate(async (who) => {
    const p = room.of(who);
    const said = [p.getVideoView()];
    const view = document.createElement("video");
    document.body.append(view);
    const first = new Promise((done) => p.setVideoView("nowhere yet", done, 1000, 1000));
    const second = new Promise((done) => p.setVideoView(view, done));
    said.push(await first, await second, p.getVideoView() === view);
    p.setVideoView(null);
    return [...said, p.getVideoView()];
  }, who);
  assert.deepEqual(said, [null, false, true, true, null]);
});

test("who is muted from the start is told so, and so are those who watch", async () => {
  const { pages, people, who } = await enter({ publish: false }, { subscribe: true });
  const [a, b] = pages;
  await a.evaluate(() => {
    window.own = room.call.createPublisher(0);
    own.toggleAudioMute();
    own.call(true, true, room.calls);
  });
  for (const page of [a, b]) await event(page, { what: "mute", who, audio: true, video: false });
  const order = await b.evaluate(() => room.seen.events.map(({ what }) => what));
  assert.ok(order.indexOf("connected") < order.indexOf("mute"), order.join());
  assert.equal(people.length, 2);
});

// Rules: 0.1.3.
test("who watches says who it is as a participant does, and is one object until it goes", async () => {
  const { pages, people, who } = await enter();
  const [a, b] = pages;
  await here(b, who);
  await a.evaluate(() => {
    window.watchers = [];
    room.listener.MesiboGroupcall_OnSubscriber = (p, here) => watchers.push([p, here]);
  });
  await b.evaluate((who) => void room.of(who).call(true, true, {}), who);
  await a.until(() => watchers.length === 1);
  await b.evaluate((who) => void room.of(who).hangup(), who);
  await a.until(() => watchers.length === 2);
  const said = await a.evaluate(() => {
    const [[p, came], [gone, stays]] = watchers;
    const isOne = p === gone && p.getProfile() === room.api.getProfile(p.address, 0);
    return [p.getName(), p.getAddress(), p.name, p.getUid() > 0, p.isLocal(), came, stays, isOne];
  });
  const bob = people[1].address;
  assert.deepEqual(said, ["bob", bob, "bob", true, false, true, false, true]);
});

test("who publishes sound alone is heard of as sound, in every generation", async () => {
  const { pages, who } = await enter({ publish: false }, { subscribe: true });
  const [a, b] = pages;
  await b.evaluate((who) => {
    window.first = [];
    room.api.addListener({
      Mesibo_onParticipant: (p) =>
        p.call(
          null,
          null,
          () => first.push("stream"),
          (p, status, video) => first.push([status, video]),
        ),
    });
    return who;
  }, who);
  await a.evaluate(() => {
    window.own = room.call.createPublisher(0);
    own.call(true, false, room.calls);
  });
  await event(a, { what: "audio", who });
  await b.until(() => first.includes("stream"));
  await a.evaluate(() => own.toggleAudioMute());
  await b.until(() => first.length > 2);
  assert.deepEqual(await b.evaluate(() => first.filter((one) => one[0] !== 0x31)), [
    [0x30, false],
    "stream",
    [9, false],
  ]);
  for (const page of pages) {
    assert.ok(!(await page.evaluate(() => room.seen.events.some(({ what }) => what === "video"))));
  }
});

test("a room that is set anew is another room, and the former one is left", async () => {
  const { pages, people, group } = await enter({ publish: false }, { subscribe: true });
  const [a, b] = pages;
  const addresses = people.map((person) => person.address);
  const other = await world.app.addGroup("other", addresses);
  await a.evaluate((group) => {
    room.leave();
    window.hall = room.api.initGroupCall();
    hall.setRoom(group);
    hall.getLocalParticipant("ada", "").call({ source: 1 }, null, null, () => {});
  }, group);
  await b.until(() => room.present().length === 1);
  await b.evaluate((other) => {
    window.second = [];
    const said = (p, here) => second.push([p.getName(), here]);
    room.api.groupCall(null, other).join({ MesiboGroupcall_OnPublisher: said });
  }, other);
  await a.evaluate((other) => {
    hall.setRoom(other);
    hall.getLocalParticipant("ada", "").call({ source: 1 }, null, null, () => {});
  }, other);
  await b.until(() => room.present().length === 0);
  await b.until(() => second.length === 1);
  assert.deepEqual(await b.evaluate(() => second), [["ada", true]]);
});

test("who may not publish has no publisher, as soon as that is known", async () => {
  const { pages, people, group } = await enter();
  await world.app.editMembers(group, [people[1].address], { pub: false });
  const [, b] = pages;
  // One that there is stays; each time another one is asked for.
  await b.until(() => {
    window.sid = (window.sid ?? 0) + 1;
    return room.call.createPublisher(window.sid) === null;
  });
  await world.app.editMembers(group, [people[1].address]);
  await b.until(() => room.call.createPublisher(window.sid) !== null);
});
