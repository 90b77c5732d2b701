// Reading and being read: sessions, their arrays and callbacks, and the receipts they send.
import assert from "node:assert/strict";
import { test } from "node:test";
import { covers } from "../harness/record.js";
import { World } from "../harness/world.js";
import { arrived, numbered, online, reached, seen, send } from "../harness/chat.js";

const world = World.forThisFile();

/** Two people; ada has these messages of bob, stored. */
async function withHistory(texts, settings = { database: "reading" }) {
  const [ada, bob] = await world.people("ada", "bob");
  const b = await world.visit(bob, "chat.html", { database: "reading" });
  const a = await world.visit(ada, "chat.html", settings);
  await Promise.all([online(a), online(b)]);
  await send(b, ada, texts);
  await arrived(a, texts.length);
  return { ada, bob, a, b };
}

// Rules: 5.5.2, 5.5.3, 5.5.5, 7.16.
test("a read says each message newest first, marks the last, and ends with null, for its listener alone", async () => {
  const { ada, bob, a, b } = await withHistory(numbered("m", 4));
  await a.reload();
  await online(a);
  await a.evaluate((peer) => {
    window.told = [];
    window.global = [];
    chat.api.addListener({ Mesibo_onMessage: (m) => global.push(m && m.message) });
    window.session = chat.api.getProfile(peer, 0).createReadSession({
      Mesibo_onMessage(m, data) {
        if (!m) return told.push(null);
        const whole = session.getMessages().some((other) => other === m);
        told.push([m.message, m.isDbMessage(), m.isLastMessage(), data.length, whole]);
      },
    });
    window.first = session.read(2);
  }, bob.address);
  await a.until(() => told.length === 2);
  assert.equal(await a.evaluate(() => first), 2);
  assert.deepEqual(await a.evaluate(() => told), [
    ["m 4", true, false, 3, true],
    ["m 3", true, true, 3, true],
  ]);
  // Exactly as many as are left: the end is not known yet, the next read says it.
  await a.evaluate(() => session.read(2));
  await a.until(() => told.length >= 4);
  assert.deepEqual(await a.evaluate(() => told.slice(2).map((m) => m && m[0])), ["m 2", "m 1"]);
  await a.evaluate(() => session.read(2));
  await a.until(() => told.length === 5);
  assert.equal(await a.evaluate(() => told[4]), null);
  assert.equal(await a.evaluate(() => session.read(2)), 0);
  assert.deepEqual(await a.evaluate(() => session.getMessages().map((m) => m.message)), [
    "m 1",
    "m 2",
    "m 3",
    "m 4",
  ]);
  // What comes now comes to both, once each; no null ever reached the global listener.
  await send(b, ada, ["live"]);
  await a.until(() => told.length === 7 || (told.length === 6 && told[5]?.[0] === "live"));
  await a.until(() => global.length > 0);
  assert.deepEqual(await a.evaluate(() => global), ["live"]);
});

test("switches of a session: oldest first, a query, stop, start, restart, counts", async () => {
  const { ada, bob, a, b } = await withHistory(["apple", "pear", "Apple pie"]);
  await a.evaluate((peer) => {
    const profile = chat.api.getProfile(peer, 0);
    window.read = (set, count) =>
      new Promise((resolve) => {
        const texts = [];
        const session = profile.createReadSession({
          Mesibo_onMessage: (m) => (m ? texts.push(m.message) : resolve({ texts, session })),
        });
        set(session);
        session.read(count);
      });
  }, bob.address);
  const fifo = await a.evaluate(async () => {
    const { texts, session } = await read((session) => session.enableFifo(true), 10);
    const [summary, profile] = [session.isSummary(), session.getProfile()];
    return [texts, summary, profile === session.getProfile(), session.getSession() > 0];
  });
  assert.deepEqual(fifo, [["apple", "pear", "Apple pie"], false, true, true]);
  const found = await a.evaluate(
    async () => (await read((session) => session.setQuery("APPLE"), 10)).texts,
  );
  assert.deepEqual(found, ["Apple pie", "apple"]);
  const unread = await a.evaluate(async (peer) => {
    const session = chat.api.getProfile(peer, 0).createReadSession(null);
    window.counted = await new Promise((resolve) => session.getUnreadCount(resolve));
    window.profileCount = await new Promise((resolve) =>
      chat.api.getProfile(peer, 0).getUnreadMessageCount(resolve),
    );
    return [counted, session.getUnreadCount(), profileCount];
  }, bob.address);
  assert.deepEqual(unread, [3, 3, 3]);
  await a.evaluate(async () => {
    window.stopped = (await read(() => {}, 10)).session;
    stopped.stop();
  });
  await send(b, ada, ["while stopped"]);
  await arrived(a, 4);
  assert.equal(await a.evaluate(() => stopped.getMessages().length), 3);
  assert.equal(await a.evaluate(() => stopped.start()), 0);
  await a.evaluate(() => {
    stopped.restart();
    stopped.read(10);
  });
  await a.until(() => stopped.getMessages().some((m) => m.message === "while stopped"));
  assert.equal(await a.evaluate(() => stopped.getMessages() === stopped.messages), true);
  covers("MesiboReadSession.messages");
});

test("the summary has the newest message of every conversation, and follows what happens", async () => {
  const { bob, a } = await withHistory(["first", "second"]);
  const [cleo] = await world.people("cleo");
  await a.evaluate(() => {
    window.summary = MesiboReadSession.createReadSummarySession({
      Mesibo_onMessage: (m) => m && m.isDbSummaryMessage(),
    });
    summary.read(100);
    window.byHand = new MesiboReadSession({});
    byHand.enableSummary(true);
    byHand.read(100);
    window.all = MesiboReadSession.createReadSession({});
    all.read(100);
  });
  await a.until(() => summary.getMessages().length === 1 && byHand.getMessages().length === 1);
  assert.ok(await a.evaluate(() => summary.isSummary() && summary.getProfile() === null));
  const entry = await a.evaluate(() => {
    const [m] = summary.getMessages();
    return [m.message, m.address, m.name, m.lastMessage === m, "lastMessage" in { ...m }];
  });
  assert.deepEqual(entry, ["second", bob.address, "bob", true, false]);
  await send(a, cleo, ["to cleo"]);
  const listed = () => summary.getMessages().map((m) => m.message);
  assert.deepEqual(await a.evaluate(listed), ["to cleo", "second"]);
  assert.deepEqual(
    await a.evaluate(() =>
      all
        .getMessages()
        .map((m) => m.message)
        .at(-1),
    ),
    "to cleo",
  );
  // What is deleted falls back to the message before it, or the entry goes.
  await a.evaluate(async () => {
    for (const m of summary.getMessages().slice()) await m.delete();
  });
  // One after the other: the list is complete when the second has gone, too.
  await a.until(() => summary.getMessages()[0]?.message === "first");
  assert.deepEqual(await a.evaluate(listed), ["first"]);
});

// Rules: 5.7.2, 5.7.3.
test("a message is reported read when its session wants that, runs, and somebody sees the page", async () => {
  const { ada, bob, a, b } = await withHistory(["one"]);
  const look = (visible) => {
    const state = visible ? "visible" : "hidden";
    Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  };
  const isRead = async (text) => {
    const { statuses } = await seen(b);
    const mid = await b.evaluate((text) => chat.own(text), text);
    return statuses.some((s) => s.mid === mid && s.status === 3);
  };
  await b.evaluate(() => {
    chat.own = (text) => chat.seen.own.find((m) => m.text === text)?.mid;
  });
  // (b) no session wants receipts.
  await a.evaluate((peer) => chat.read(peer, 10, false), bob.address);
  await send(b, ada, ["two"]);
  await arrived(a, 2);
  await reached(b, 2, 2);
  assert.equal(await isRead("one"), false);
  // (d) nobody sees the page.
  await a.evaluate(look, false);
  await a.evaluate((peer) => chat.read(peer, 10, true), bob.address);
  await a.until((peer) => chat.reader(peer).ended > 0, bob.address);
  await send(b, ada, ["three"]);
  await arrived(a, 3);
  await reached(b, 2, 3);
  assert.equal(await isRead("three"), false);
  await a.evaluate(look, true);
  await reached(b, 3, 3);
  assert.deepEqual(
    [await isRead("one"), await isRead("two"), await isRead("three")],
    [true, true, true],
  );
  const own = await a.evaluate(() => chat.seen.received.length);
  assert.equal(own, 3);
});

// Rules: 5.7.5.
test("both receipts are asked for unless the page says otherwise", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const [a, b] = await Promise.all([world.visit(ada, "chat.html"), world.visit(bob, "chat.html")]);
  await Promise.all([online(a), online(b)]);
  await b.evaluate((peer) => chat.read(peer, 10), ada.address);
  const ids = await a.evaluate((peer) => {
    const send = (flag) => {
      const p = flag === undefined ? { peer } : { peer, flag };
      chat.api.sendMessage(p, 0, `flag ${flag}`);
      return p.id;
    };
    const m = chat.api.getProfile(peer, 0).newMessage();
    m.message = "only delivered";
    m.enableReadReceipt(false);
    m.send();
    return [send(0), m.id, send(undefined), send(MESIBO_FLAG_DEFAULT)];
  }, bob.address);
  await a.evaluate(() => {
    window.highest = (id) =>
      Math.max(...chat.seen.statuses.filter((s) => s.mid % 2 ** 32 === id).map((s) => s.status));
  });
  await a.until((ids) => highest(ids[2]) === 3 && highest(ids[3]) === 3, ids);
  assert.deepEqual(await a.evaluate((ids) => ids.map(highest), ids), [1, 2, 3, 3]);
});

// Rules: 5.5.6, 5.6.3.
test("without a database all works from memory, and nothing survives a reload", async () => {
  const { bob, a } = await withHistory(["one", "two"], {});
  await a.evaluate((peer) => chat.read(peer, 10), bob.address);
  await a.until((peer) => chat.reader(peer).ended > 0, bob.address);
  assert.deepEqual(await a.evaluate((peer) => chat.shown(peer), bob.address), ["one", "two"]);
  await a.reload();
  await online(a);
  await a.evaluate((peer) => chat.read(peer, 10), bob.address);
  await a.until((peer) => chat.reader(peer).ended > 0, bob.address);
  assert.deepEqual(await a.evaluate((peer) => chat.shown(peer), bob.address), []);
});

// Rules: 5.4.2, 5.6.6.
test("when the database is open, names, the own address and what was sent are there at once", async () => {
  const { ada, bob, a } = await withHistory(["one"]);
  await send(a, bob, ["sent and stored"]);
  await reached(a, 1, 1);
  await a.evaluate((peer) => {
    const profile = chat.api.getProfile(peer, 0);
    profile.setName("Bob of the page");
    profile.save();
  }, bob.address);
  const settings = { database: "reading", peer: bob.address };
  const page = await a.tab(world.address(ada, "stored.html", settings));
  await page.until(() => window.atOpen !== undefined);
  const atOpen = await page.evaluate(() => window.atOpen);
  const own = ada.address;
  assert.deepEqual(atOpen, { ok: true, name: "Bob of the page", own, recent: [bob.address] });
});

// Rules: 5.8.6, 7.32.
test("messages and arrays pass through postMessage, and bytes are a copy for each message", async () => {
  const { bob, a } = await withHistory(["one", "two"]);
  await a.evaluate((peer) => chat.read(peer, 10), bob.address);
  await a.until((peer) => chat.reader(peer).ended > 0, bob.address);
  const passed = await a.evaluate(async (peer) => {
    const session = chat.api.getProfile(peer, 0).createReadSession({});
    session.read(10);
    while (session.getMessages().length < 2) await new Promise((resolve) => setTimeout(resolve));
    const { port1, port2 } = new MessageChannel();
    const answer = new Promise((resolve) => (port2.onmessage = ({ data }) => resolve(data)));
    port1.postMessage(session.getMessages());
    const copy = await answer;
    const [first, second] = session.getMessages();
    first.data.fill(120);
    return [copy.map((m) => [m.message, m.peer, m.mid > 0]), new TextDecoder().decode(second.data)];
  }, bob.address);
  const expected = ["one", "two"].map((text) => [text, bob.address, true]);
  assert.deepEqual(passed, [expected, "two"]);
});

// Rules: 5.5.4, 7.13.
test("after a read that ended a page syncs; the answer says the session and a count, or the count alone", async () => {
  const { bob, a } = await withHistory(["one"]);
  await a.evaluate((peer) => {
    window.synced = [];
    const { api } = chat;
    const both = {
      Mesibo_onMessage(m) {
        if (m === null) this.session.sync(10);
      },
      Mesibo_onSync(session, count) {
        synced.push(["both", session === both.session, typeof count, this === both]);
      },
    };
    const one = { Mesibo_onSync: (count) => synced.push(["one", typeof count]) };
    both.session = api.getProfile(peer, 0).createReadSession(both);
    both.session.read(10);
    api.getProfile(peer, 0).createReadSession(one).sync(10);
    const bare = api.getProfile(peer, 0).createReadSession(null);
    bare.sync(NaN, function (count) {
      synced.push(["function", typeof count, this === bare]);
    });
    window.answers = [
      bare.sync(10, { Mesibo_onSync: (count) => synced.push(["given", typeof count]) }),
    ];
  }, bob.address);
  await a.until(() => synced.length >= 3 && synced.some(([who]) => who === "both"));
  const synced = await a.evaluate(() => window.synced);
  const of = (name) => synced.find(([who]) => who === name);
  assert.deepEqual(of("both"), ["both", true, "number", true]);
  assert.deepEqual(of("one"), ["one", "number"]);
  assert.deepEqual(
    of("given") ?? of("function")?.slice(0, 2),
    of("given") ? ["given", "number"] : ["function", "number"],
  );
  assert.deepEqual(await a.evaluate(() => answers), [undefined]);
});

// Rules: 5.7.6, 5.8.2.
test("two devices of one user see the same messages, sent and received, and what was read on the other", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  // A token for another app id is another device; the first one stays.
  const second = await world.app.addUser(ada.address, { name: "ada", appid: "world.second" });
  assert.notEqual(second.token, ada.token);
  const [one, two, b] = await Promise.all([
    world.visit(ada, "chat.html", { database: "one" }),
    world.visit(second, "chat.html", { database: "two" }),
    world.visit(bob, "chat.html"),
  ]);
  await Promise.all([one, two, b].map(online));
  await send(one, bob, ["from the first"]);
  await send(b, ada, ["to both", "and again"]);
  await Promise.all([arrived(one, 2), arrived(two, 2)]);
  await two.until(() => chat.seen.own.length === 1);
  const own = await two.evaluate(() => {
    const m = chat.api.getMessage(chat.seen.own[0].mid);
    return [m.message, m.isOutgoing()];
  });
  assert.deepEqual(own, ["from the first", true]);
  const unread = (page) =>
    page.evaluate(
      (peer) =>
        new Promise((resolve) => chat.api.getProfile(peer, 0).getUnreadMessageCount(resolve)),
      bob.address,
    );
  assert.equal(await unread(two), 2);
  await one.evaluate((peer) => chat.read(peer, 10), bob.address);
  await two.until(() =>
    chat.seen.received.every(({ mid }) => chat.api.getMessage(mid).isReadByUs()),
  );
  assert.equal(await unread(two), 0);
});

test("a session counts, says whether it reads, and a message says which session it is in", async () => {
  const { bob, a, b } = await withHistory(["one", "two", "three"]);
  await send(a, bob, ["answer"]);
  await reached(a, 1, 1);
  const said = await a.evaluate(async (peer) => {
    const session = chat.api.getProfile(peer, 0).createReadSession(null);
    const count = (method, ...values) =>
      new Promise((resolve) => session[method](...values, resolve));
    const counts = {};
    for (const name of ["Total", "Sent", "Received", "Unread", "Failed"]) {
      counts[name] = await count(`get${name}MessageCount`);
    }
    counts.all = await count("getMessageCount");
    counts.new = await count("getMessageCount", MESIBO_MSGSTATUS_RECEIVEDNEW);
    // Without a function what was counted last.
    counts.last = [session.getTotalMessageCount(), session.getReceivedMessageCount()];
    return counts;
  }, bob.address);
  const counted = { Total: 4, Sent: 1, Received: 3, Unread: 3, Failed: 0, all: 4, new: 3 };
  assert.deepEqual(said, { ...counted, last: [4, 3] });
  await a.evaluate((peer) => {
    window.session = chat.api.getProfile(peer, 0).createReadSession({});
    session.enableReadReceipt(true);
    session.read(10);
  }, bob.address);
  await a.until(() => session.getMessages().length === 4);
  const reading = await a.evaluate(() => {
    const [m] = session.getMessages();
    const other = new MesiboMessage("somebody else");
    const before = [m.getReadSession() === session, session.isReading(m), chat.api.isReading(m)];
    const not = [other.getReadSession(), session.isReading(other)];
    session.stop();
    return [...before, ...not, m.getReadSession(), session.isReading(m)];
  });
  assert.deepEqual(reading, [true, true, true, null, false, null, false]);
  await reached(b, 3, 3);
});

test("kinds of calls are switched each by itself, and take no message along", async () => {
  const { bob, a } = await withHistory(["one", "two"]);
  const read = await a.evaluate(async (peer) => {
    const texts = (...switches) =>
      new Promise((resolve) => {
        const session = chat.api.getProfile(peer, 0).createReadSession({
          Mesibo_onMessage: (m) => m ?? resolve(session.getMessages().map((m) => m.message)),
        });
        for (const [name, on] of switches) session[name](on);
        session.read(10);
      });
    const calls = ["enableMissedCalls", "enableIncomingCalls", "enableOutgoingCalls"];
    const none = calls.map((name) => [name, false]);
    const only = calls.map((name) => texts(["enableMessages", false], [name, true]));
    return [await texts(...none), ...(await Promise.all(only))];
  }, bob.address);
  assert.deepEqual(read, [["one", "two"], [], [], []]);
});

test("messages of a group that was left are removed when asked to, and no others", async () => {
  const { bob, a } = await withHistory(["stays"]);
  const gid = await world.app.addGroup("left", [bob.address]);
  const texts = (to) =>
    a.evaluate(
      ([peer, gid]) =>
        new Promise((resolve) => {
          const session = chat.api.getProfile(peer, gid).createReadSession({
            Mesibo_onMessage: (m) => m ?? resolve(session.getMessages().map((m) => m.message)),
          });
          session.read(10);
        }),
      typeof to === "number" ? [null, to] : [to, 0],
    );
  // Refused, since she is no member: it stays here all the same.
  await send(a, gid, ["to nobody"]);
  await a.until(() => chat.seen.statuses.some(({ status }) => status >= 0x80));
  assert.deepEqual(await texts(gid), ["to nobody"]);
  assert.equal(await a.evaluate(() => chat.api.deleteZombieMessages(true)), true);
  await a.until(
    (gid) =>
      new Promise((resolve) =>
        chat.api.getProfile(null, gid).getTotalMessageCount((count) => resolve(count === 0)),
      ),
    gid,
  );
  assert.deepEqual(await texts(gid), []);
  assert.deepEqual(await texts(bob.address), ["stays"]);
});
