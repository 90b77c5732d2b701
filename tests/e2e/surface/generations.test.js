// Pages of every generation, as unknown pages will look: they run unchanged and meet one another.
import assert from "node:assert/strict";
import { test } from "node:test";
import { World } from "../harness/world.js";
import { arrived, online, received, send } from "../harness/chat.js";

const world = World.forThisFile();
/** What a page complained of; that it has no icon is none of that. */
const quiet = (page) =>
  page.lines.filter(({ type, text }) => /thrown|error/.test(type) && !text.includes("404"));

/** What the database answers later than this question has been told. */
const settled = (page) =>
  page.evaluate(
    () =>
      new Promise((done) => {
        const session = opened.createReadSession({ Mesibo_onMessage: (m) => m === null && done() });
        session.read(1000);
      }),
  );

// Rules: 1.1.1, 1.4.7, 1.5.1, 1.5.5, 5.4.6, 7.11, 7.32.
test("2018: a page that keeps its history itself sends, receives, and sees every tick", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const a = await world.visit(ada, "generation-a0.html");
  const b = await world.visit(bob, "generation-a0.html", { read: true });
  const isOnline = () => document.getElementById("cstatus").dataset.status === "1";
  await Promise.all([a.until(isOnline), b.until(isOnline)]);
  assert.equal(await a.evaluate(() => started), 0);
  const id = await a.evaluate((to) => send_text(to, "grüße ✓"), bob.address);
  await a.until((id) => document.getElementById(`tick-${id}`).innerText === "read", id);
  assert.deepEqual(await a.evaluate((id) => statuses[id], id), [1, 2, 3]);
  // Its own message is shown once, by the page.
  assert.deepEqual(await a.evaluate((to) => history_of[to], bob.address), [
    { id, text: "grüße ✓", side: "out" },
  ]);
  const shown = await b.evaluate((from) => history_of[from], ada.address);
  assert.deepEqual(shown, [{ id, text: "grüße ✓", side: "in" }]);
  // The text among the parameters, and the id that was taken.
  const among = await a.evaluate((to) => {
    const p = { peer: to, message: "in the parameters" };
    return [api.sendMessage(p), p.id > 0];
  }, bob.address);
  assert.deepEqual(among, [0, true]);
  await b.until((from) => history_of[from].length === 2, ada.address);
  const made = await a.evaluate((to) => send_bytes(to, [104, 105]), bob.address);
  assert.ok(made > 0);
  await b.until((from) => history_of[from].length === 3, ada.address);
  const later = await b.evaluate(
    (from) => history_of[from].slice(1).map((m) => m.text),
    ada.address,
  );
  assert.deepEqual(later, ["in the parameters", "hi"]);
  assert.deepEqual([quiet(a), quiet(b)], [[], []]);
});

// Rules: 1.5.2.
test("2018: a file that is somewhere, a group, and typing without a method for presence", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const gid = await world.app.addGroup("old friends", [ada.address, bob.address]);
  const a = await world.visit(ada, "generation-a0.html");
  const b = await world.visit(bob, "generation-a0.html");
  const isOnline = () => document.getElementById("cstatus").dataset.status === "1";
  await Promise.all([a.until(isOnline), b.until(isOnline)]);
  const sent = await a.evaluate(
    ([to, url]) => send_file(to, url, "look"),
    [bob.address, `${world.server.url}/mesibo.js?as=picture.png`],
  );
  assert.equal(sent, 0);
  await b.until((from) => history_of[from]?.length === 1, ada.address);
  const picture = await b.evaluate((from) => history_of[from][0], ada.address);
  assert.equal(picture.text, "look");
  assert.equal(picture.type, 1);
  assert.equal(picture.launch, "https://example.com/");
  assert.equal(picture.thumbnail, 8);
  const id = await a.evaluate((gid) => send_group(gid, "to all"), gid);
  await b.until((gid) => history_of[gid]?.length === 1, gid);
  assert.deepEqual(await b.evaluate((gid) => history_of[gid], gid), [
    { id, text: "to all", side: "in" },
  ]);
  await a.evaluate((to) => api.getProfile(to, 0).newPresence().sendTyping(), bob.address);
  await b.until(
    (from) => document.getElementById("typing").innerText === `${from} is typing`,
    ada.address,
  );
  assert.deepEqual(await b.evaluate(() => activities.includes(MESIBO_ACTIVITY_TYPING)), true);
});

// Rules: 1.1.2, 1.2.4, 1.5.7, 1.5.8, 5.6.1, 7.14.
test("2020: lists and conversations are read from sessions that fill themselves", async () => {
  const [ada, bob, cleo] = await world.people("ada", "bob", "cleo");
  const b = await world.visit(bob, "chat.html");
  await online(b);
  await send(b, ada, ["one", "two", "three", "four", "five"]);
  const a = await world.visit(ada, "generation-a.html");
  await a.until(() => $scope.users.length === 1);
  await a.until(() => $scope.users[0].lastMessage.message === "five");
  const [first] = await a.evaluate(() => $scope.users.map(row));
  assert.equal(first.address, bob.address);
  assert.equal(first.groupid, 0);
  assert.equal(first.last, "five");
  assert.equal(first.date, "string");
  // The entry of the list is the contact that is opened.
  await a.evaluate(() => {
    $scope.users[0].picture = "images/default.png";
    messenger.select($scope.users[0]);
  });
  await a.until(() => $scope.reads.some(([what]) => what === "messages"));
  const read = await a.evaluate(() => $scope.reads.find(([what]) => what === "messages"));
  assert.deepEqual(read, ["messages", 3, true]);
  assert.deepEqual(await a.evaluate(() => $scope.messages.map((m) => bubble(m).text)), [
    "three",
    "four",
    "five",
  ]);
  await a.evaluate(() => messenger.more());
  await a.until(() => $scope.messages.length === 5);
  await a.until(() => $scope.syncs.length > 0);
  assert.ok(await a.evaluate(() => $scope.syncs[0][1]));
  const drawn = await a.evaluate(() => bubble($scope.messages[0]));
  assert.equal(drawn.out, false);
  assert.equal(drawn.today, true);
  assert.equal(drawn.file, false);
  assert.equal(typeof drawn.date, "string");
  assert.equal(typeof drawn.time, "string");
  // What is sent and what comes is in the array without any further call.
  await a.evaluate(() => messenger.send("six"));
  assert.equal(await a.evaluate(() => $scope.messages.at(-1).message), "six");
  await arrived(b, 1);
  await send(b, ada, ["seven"]);
  await a.until(() => $scope.messages.at(-1).message === "seven");
  // The list follows; another conversation comes first.
  const c = await world.visit(cleo, "chat.html");
  await online(c);
  await send(c, ada, ["hello from cleo"]);
  await a.until((from) => $scope.users[0].address === from, cleo.address);
  assert.deepEqual(
    (await a.evaluate(() => $scope.users.map(row))).map(({ last }) => last),
    ["hello from cleo", "seven"],
  );
  // Read, because the conversation is open.
  await b.until(() => chat.seen.statuses.some(({ status }) => status === 3));
  // A page that keeps its history itself finds in it what it draws.
  const kept = await a.evaluate(() => {
    const [m] = JSON.parse(JSON.stringify($scope.messages));
    return [m.message, m.date.date, m.date.time, m.date.yd, m.peer, m.status];
  });
  const { date, time } = drawn;
  assert.deepEqual(kept, ["one", date, time, 0, bob.address, 0x13]);
  assert.deepEqual(quiet(a), []);
});

// Rules: 1.5.9, 1.5.10.
test("2020: contacts of the page, forwarding, deleting", async () => {
  const [ada, bob, cleo] = await world.people("ada", "bob", "cleo");
  const b = await world.visit(bob, "chat.html");
  const c = await world.visit(cleo, "chat.html");
  await Promise.all([online(b), online(c)]);
  const a = await world.visit(ada, "generation-a.html");
  await a.until(() => $scope.status === 1);
  const made = await a.evaluate((address) => {
    const contact = { address, groupid: 0, name: "Bob of the page", picture: "p.png", ts: 0 };
    return messenger.add_contact(contact);
  }, bob.address);
  assert.deepEqual(made, ["Bob of the page", bob.address, 0]);
  await a.evaluate((address) => messenger.select({ address, groupid: 0 }), bob.address);
  await a.evaluate(() => messenger.send("to be passed on"));
  await arrived(b, 1);
  const rc = await a.evaluate((to) => messenger.forward(to, $scope.messages[0]), cleo.address);
  assert.equal(rc, 0);
  await arrived(c, 1);
  assert.deepEqual(await received(c), ["to be passed on"]);
  assert.equal(await a.evaluate(() => messenger.remove($scope.messages[0])), true);
  await a.until(() => $scope.messages.length === 0);
});

test("2020: in a conference everybody has the own name, and a stream is there once", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const gid = await world.app.addGroup("hall", [ada.address, bob.address]);
  const [a, b] = await Promise.all(
    [ada, bob].map((who) => world.visit(who, "generation-a-room.html", { gid })),
  );
  const [pa, pb] = await Promise.all([a, b].map((page) => page.evaluate(() => publish())));
  assert.deepEqual([pa, pb], [true, true]);
  for (const [page, other] of [
    [a, "bob"],
    [b, "ada"],
  ]) {
    await page.until(() => document.querySelector("#videos video")?.videoWidth > 0);
    await page.until(() => document.getElementById("own").videoWidth > 0);
    const seen = await page.evaluate(() => [seen, publisher.getName()]);
    assert.deepEqual(seen[0], { streams: [other], attached: [true], own: 1 });
    assert.equal(seen[1], other === "bob" ? "ada" : "bob");
  }
  // A picture of another size is the same stream.
  await a.evaluate(() => publisher.changeVideoFormat(320, 240, 15));
  await b.until(() => document.querySelector("#videos video").videoWidth === 320);
  await a.evaluate(() => publisher.hangup());
  await b.until(() => !document.querySelector("#videos video"));
  assert.deepEqual(await b.evaluate(() => seen.streams), ["ada"]);
});

// Rules: 1.1.3, 1.2.5, 1.5.3, 1.5.4, 7.17.
test("2021: profiles carry the operations: messages, files, presence, history", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const [a, b] = await Promise.all([
    world.visit(ada, "generation-b.html"),
    world.visit(bob, "generation-b.html"),
  ]);
  await a.evaluate((to) => app.open(to, 0), bob.address);
  await b.evaluate((to) => app.open(to, 0), ada.address);
  assert.equal(await a.evaluate(() => app.result), 0);
  assert.equal(await a.evaluate(() => app.send("hello")), 0);
  const texts = (page) =>
    page.evaluate(() => [...document.querySelectorAll("li")].map((row) => row.textContent));
  await b.until(() => document.querySelectorAll("li").length === 1);
  assert.deepEqual(await texts(b), ["hello"]);
  await a.until(() => document.querySelector("li")?.dataset.status === "3");
  assert.deepEqual(await a.evaluate(() => app.seen.reads), [[0, true]]);
  await b.evaluate(() => app.typing());
  await a.until(() => app.seen.typing.length > 0);
  assert.equal(await a.evaluate(() => app.sendFileOf("drawing", "a drawing")), 0);
  await b.until(() => app.seen.files.length === 1 && app.seen.files[0][1]);
  const [type, url] = await b.evaluate(() => app.seen.files[0]);
  assert.equal(type, 1);
  assert.match(url, /\/files\//);
  await a.evaluate(() => app.setStatus("in a meeting"));
  await a.until(() => app.api.getSelfProfile().getStatus() === "in a meeting");
  await b.until(() => app.profile.getStatus() === "in a meeting");
  // Fractions and strings are ids, too.
  const odd = await a.evaluate(() => [
    app.profile.sendMessage(12345.678, "a fraction"),
    app.profile.sendMessage("77001", "a string"),
  ]);
  assert.deepEqual(odd, [0, 0]);
  const ids = () => app.session.getMessages().map((m) => m.id);
  await b.until(() => app.session.getMessages().length === 4);
  assert.deepEqual((await b.evaluate(ids)).slice(2), [12345, 77001]);
  assert.deepEqual([quiet(a), quiet(b)], [[], []]);
});

test("2022 and 2023: a messenger draws pictures, dates and last seen from profiles and messages themselves", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const a = await world.visit(ada, "chat.html");
  const b = await world.visit(bob, "chat.html", { database: "chat" });
  await Promise.all([online(a), online(b)]);
  await send(a, bob, ["hello"]);
  await arrived(b, 1);
  const said = await b.evaluate(async (peer) => {
    const profile = chat.api.getProfile(peer, 0);
    const none = [profile.getThumbnail(), profile.getImageOrThumbnail()];
    profile.setImageUrl("https://x.test/ada.png");
    const pictures = [profile.getThumbnail(), profile.getImageOrThumbnail()];
    // A summary whose listener knows the session only as `this`.
    const [isListener, ...messages] = await new Promise((resolve) => {
      const listener = {
        Mesibo_onMessage(m) {
          if (m && !m.isLastMessage()) return;
          resolve([this === listener, ...this.getMessages()]);
        },
      };
      const summary = new MesiboReadSession(listener);
      summary.enableSummary(true);
      summary.read(10);
    });
    const own = { getMessages: () => "the page's own", Mesibo_onMessage() {} };
    new MesiboReadSession(own);
    const [m] = messages;
    const told = [isListener, ...messages.map((m) => m.message)];
    const same = [
      m.getTime() === m.getTimestamp().getTime(),
      m.getTime(true) === m.getTimestamp().getTime(true),
      m.getDate(true) === m.getTimestamp().getDate(true),
    ];
    const day = [m.date.date, m.date.daysElapsed, m.getDateVerbal(true, "Now", "Then")];
    const earlier = new MesiboDateTime(Date.now() - 86_400_000).date;
    return { none, pictures, told, own: own.getMessages(), same, day, earlier };
  }, ada.address);
  assert.deepEqual(said, {
    none: [null, null],
    pictures: ["https://x.test/ada.png", "https://x.test/ada.png"],
    told: [true, "hello"],
    own: "the page's own",
    same: [true, true, true],
    day: ["Today", 0, "Now"],
    earlier: "Yesterday",
  });
  // Last seen is a moment, and to pages that count it the seconds since: 0 of who is online.
  await b.until((peer) => chat.api.getProfile(peer, 0).isOnline(), ada.address);
  const seen = (peer) => chat.api.getProfile(peer, 0).getLastSeen() == 0;
  assert.equal(await b.evaluate(seen, ada.address), true);
  await a.evaluate(() => chat.api.stop());
  await b.until((peer) => !chat.api.getProfile(peer, 0).isOnline(), ada.address);
  const ago = await b.evaluate((peer) => {
    const seen = chat.api.getProfile(peer, 0).getLastSeen();
    return [seen < 3600, seen >= 0, typeof seen.getDateInNaturalLanguage(0)];
  }, ada.address);
  assert.deepEqual(ago, [true, true, "string"]);
});

test("2023: whoever opens a conversation while its messages come, or just sent one there, has each of them once", async () => {
  const [ada, bob, cy] = await world.people("ada", "bob", "cy");
  const a = await world.visit(ada, "chat.html");
  const b = await world.visit(bob, "chat.html", { database: "chat" });
  await Promise.all([online(a), online(b)]);
  // One listener for everything, as the messenger has: it opens the conversation of the first message.
  await b.evaluate(() => {
    window.shown = [];
    window.open_with = (profile) => {
      shown.length = 0;
      window.opened = profile;
      profile.createReadSession(listener).read(100);
    };
    window.listener = {
      Mesibo_onMessage(m) {
        if (!m) return;
        if (!window.opened) return open_with(m.profile);
        if (!m.isDestinedFor(opened)) return;
        if (m.isRealtimeMessage()) shown.push(m);
        else shown.unshift(m);
      },
    };
    chat.api.addListener(listener);
  });
  const texts = ["one", "two", "three", "four"];
  await send(a, bob, texts);
  await arrived(b, texts.length);
  const all = (count) => window.shown.length >= count;
  await b.until(all, texts.length);
  const shown = () => window.shown.map((m) => m.message);
  await settled(b);
  assert.deepEqual(await b.evaluate(shown), texts);
  await b.evaluate((to) => {
    const profile = chat.api.getProfile(to, 0);
    window.shown[0].forward(profile).send();
    open_with(profile);
  }, cy.address);
  await b.until(all, 1);
  await settled(b);
  assert.deepEqual(await b.evaluate(shown), ["one"]);
});

// Rules: 1.2.6, 1.5.6, 5.7.4.
test("a present-day page mixes generations: sessions as objects, sends as in 2018, receipts by hand", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const [a, b] = await Promise.all([
    world.visit(ada, "chat.html"),
    world.visit(bob, "generation-a0.html"),
  ]);
  await online(a);
  await a.evaluate((peer) => {
    window.both = [];
    chat.api.addListener({
      Mesibo_OnMessage: (m, data) => data && both.push(["older", m.message]),
    });
    chat.api.addListener({ Mesibo_onMessage: (m) => both.push(["newer", m.message]) });
    chat.read(peer, 10, false);
    chat.api.sendMessage({ peer }, chat.api.random(), "as in 2018");
  }, bob.address);
  assert.deepEqual(await a.evaluate((peer) => chat.shown(peer), bob.address), ["as in 2018"]);
  await b.until((from) => history_of[from]?.length === 1, ada.address);
  const ids = [];
  for (const text of ["read by object", "read by address"]) {
    ids.push(await b.evaluate(([to, text]) => send_text(to, text), [ada.address, text]));
  }
  await arrived(a, 2);
  assert.deepEqual(await a.evaluate(() => both), [
    ["older", "read by object"],
    ["newer", "read by object"],
    ["older", "read by address"],
    ["newer", "read by address"],
  ]);
  // The session asks for no receipts: nothing is read until the page says so.
  assert.deepEqual(await b.evaluate((ids) => ids.map((id) => statuses[id].includes(3)), ids), [
    false,
    false,
  ]);
  const results = await a.evaluate((peer) => {
    const [first, second] = chat.seen.received.map(({ mid }) => mid);
    return [
      chat.api.sendReadReceipt({ peer, groupid: 0 }, first),
      chat.api.sendReadReceipt(peer, 0, String(second)),
    ];
  }, bob.address);
  assert.deepEqual(results, [0, 0]);
  await b.until((ids) => ids.every((id) => statuses[id].includes(3)), ids);
});

// Rules: 1.5.15.
test("a function where an object was expected, and the reverse, are both understood", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const [a, b] = await Promise.all([world.visit(ada, "chat.html"), world.visit(bob, "chat.html")]);
  await Promise.all([online(a), online(b)]);
  await send(b, ada, ["one", "two"]);
  await arrived(a, 2);
  await a.evaluate((peer) => {
    window.told = [];
    const byFunction = chat.api.getProfile(peer, 0).createReadSession((count) => told.push(count));
    byFunction.read(10);
    const older = {
      Mesibo_OnMessage: (m) => told.push(m ? m.message : null),
    };
    chat.api.readDbSession(peer, 0, null, older).read(10);
  }, bob.address);
  await a.until(() => told.length >= 4);
  const told = await a.evaluate(() => window.told.map(String).sort());
  assert.deepEqual(told, ["2", "null", "one", "two"]);
});
