// Reading: what the server keeps for a browser that has nothing, searching, counting, filters.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  arrived,
  DELIVERED,
  numbered,
  online,
  reached,
  READ,
  received,
  send,
  SENT,
} from "./harness/chat.js";
import { World } from "./harness/world.js";

const world = World.forThisFile();

/** Reads until nothing is left, here and on the server; texts, oldest first. */
const readAll = (page, to, count) =>
  page.evaluate(
    ([to, count]) =>
      new Promise((done) => {
        const synced = [];
        const session = chat.api.getProfile(to, 0).createReadSession({
          Mesibo_onMessage(m) {
            if (m === null) session.sync(count);
            else if (m.isLastMessage()) session.read(count);
          },
          Mesibo_onSync(of, found) {
            synced.push(found);
            if (of !== session) throw new Error("another session");
            if (found > 0) return session.read(count);
            done({ texts: session.getMessages().map((m) => m.message), synced });
          },
        });
        session.read(count);
      }),
    [to, count],
  );

// Rules: 5.8.7.
test("a browser that has nothing reads what the server keeps", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const a = await world.visit(ada, "chat.html", { database: "chat" });
  const texts = numbered("hello", 30);
  await send(a, bob, texts);
  await reached(a, SENT, texts.length);
  const first = await world.visit(bob, "chat.html", { database: "chat" });
  await arrived(first, texts.length);
  await send(first, ada, ["answer"]);
  await reached(first, SENT, 1);

  const fresh = await world.visit(bob, "chat.html", { database: "chat" });
  await online(fresh);
  const { texts: read, synced } = await readAll(fresh, ada.address, 20);
  assert.deepEqual(read, [...texts, "answer"]);
  assert.equal(
    synced.reduce((sum, found) => sum + found),
    31,
  );
  assert.equal(synced.at(-1), 0);
  assert.deepEqual(await received(fresh), [], "nothing of it is news");
  const summary = await fresh.evaluate(
    () =>
      new Promise((done) => {
        const session = MesiboReadSession.createReadSummarySession({
          Mesibo_onMessage(m) {
            if (m === null) done(session.getMessages().map((m) => m.message));
          },
        });
        session.read(10);
      }),
  );
  assert.deepEqual(summary, ["answer"]);
});

test("a summary on a new device shows what it has synced, without being read again", async () => {
  const [ada, bob, cy] = await world.people("ada", "bob", "cy");
  const a = await world.visit(ada, "chat.html", { database: "chat" });
  await online(a);
  await send(a, bob, ["to bob", "again"]);
  await send(a, cy, ["to cy"]);
  await reached(a, SENT, 3);
  const fresh = await world.visit(ada, "chat.html", { database: "chat" });
  await online(fresh);
  // As the messenger of 2023: it reads the summary once, and looks at it when it was synced.
  const shown = await fresh.evaluate(
    () =>
      new Promise((done) => {
        const session = new MesiboReadSession({
          Mesibo_onMessage(m) {
            if (m === null) session.sync(undefined);
          },
          Mesibo_onSync(count) {
            done([count, ...session.getMessages().map((m) => m.message)]);
          },
        });
        session.enableSummary(true);
        session.read(10);
      }),
  );
  assert.deepEqual(shown, [2, "to cy", "again"]);
});

test("a new device is told who has read what was sent long before, and when", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const a = await world.visit(ada, "chat.html", { database: "chat" });
  await send(a, bob, ["read", "only delivered"]);
  await reached(a, SENT, 2);
  const b = await world.visit(bob, "chat.html", { database: "chat" });
  await arrived(b, 2);
  await reached(a, DELIVERED, 2);
  await b.evaluate((peer) => {
    const first = chat.seen.received.find((m) => m.text === "read");
    chat.api.sendReadReceipt(peer, 0, first.mid);
  }, ada.address);
  await reached(a, READ, 1);
  const times = (page, peer) =>
    page.evaluate(
      (peer) =>
        new Promise((done) => {
          const session = chat.api.getProfile(peer, 0).createReadSession({
            async Mesibo_onMessage(m) {
              if (m !== null) return;
              const ask = (m, method) => new Promise((at) => m[method](null, (dt) => at(dt?.ts)));
              const told = session.getMessages().map(async (m) => ({
                text: m.message,
                status: m.status,
                read: [m.isReadByPeer(), await ask(m, "getReadTimestamp")],
                delivered: [m.isDelivered(), await ask(m, "getDeliveryTimestamp")],
              }));
              done(await Promise.all(told));
            },
          });
          session.read(10);
        }),
      peer,
    );
  const first = await times(a, bob.address);
  assert.deepEqual(
    first.map((m) => m.status),
    [READ, DELIVERED],
  );
  assert.ok(first[0].read[1] > 0 && first[0].delivered[1] > 0 && first[1].delivered[1] > 0);
  assert.equal(first[1].read[1], undefined);

  const fresh = await world.visit(ada, "chat.html", { database: "chat" });
  await online(fresh);
  await readAll(fresh, bob.address, 10);
  assert.deepEqual(await times(fresh, bob.address), first, "as the device knows that sent them");
});

/** What a session of this conversation has after one read; `set` prepares it. */
const texts = (page, to, set, count = 100) =>
  page.evaluate(
    ([to, set, count]) =>
      new Promise((done) => {
        const session = chat.api.getProfile(to, 0).createReadSession({
          Mesibo_onMessage(m) {
            if (m === null) done(session.getMessages().map((m) => m.message));
          },
        });
        for (const [method, value] of Object.entries(set)) session[method](value);
        session.read(count);
      }),
    [to, set, count],
  );

test("a search finds stored messages whatever their case, and what they say now", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const a = await world.visit(ada, "chat.html", { database: "chat" });
  await send(a, bob, ["Apple pie", "pear", "GRÜN", "an apple a day"]);
  await reached(a, SENT, 4);
  await a.reload();
  await online(a);
  const search = (query) => texts(a, bob.address, { setQuery: query });
  assert.deepEqual(await search("APPLE"), ["Apple pie", "an apple a day"]);
  assert.deepEqual(await search("grün"), ["GRÜN"]);
  assert.deepEqual(await search("plum"), []);
  await a.evaluate((peer) => {
    const session = chat.api.getProfile(peer, 0).createReadSession({
      Mesibo_onMessage(m) {
        if (m?.message !== "pear") return;
        m.message = "plum";
        m.sendUpdate();
        globalThis.edited = m;
      },
    });
    session.read(10);
  }, bob.address);
  await a.until(() => globalThis.edited?.isModified());
  assert.deepEqual(await search("plum"), ["plum"]);
  assert.deepEqual(await search("pear"), []);
  assert.deepEqual(
    await a.evaluate(() => [edited.isUpdated(), edited.isModified(), edited.isModifiedByPeer()]),
    [true, true, false],
  );
});

test("a session has the kinds of messages it was told to have", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const a = await world.visit(ada, "chat.html", { database: "chat" });
  await a.evaluate((peer) => {
    const profile = chat.api.getProfile(peer, 0);
    for (const [text, thread, url] of [
      ["plain", 0],
      ["in a thread", 7],
      ["in another", 8],
      ["file", 0, "https://example.com/a.png"],
    ]) {
      const m = profile.newMessage();
      m.message = text;
      m.setThreadId(thread);
      if (url) m.setContent(url);
      m.send();
    }
  }, bob.address);
  await a.until(() => chat.seen.own.length === 4);
  const read = (set) => texts(a, bob.address, set);
  assert.deepEqual(await read({}), ["plain", "in a thread", "in another", "file"]);
  assert.deepEqual(await read({ enableFiles: true }), ["file"]);
  assert.deepEqual(await read({ enableThreads: true }), ["in a thread", "in another"]);
  assert.deepEqual(await read({ setThreadId: 7 }), ["in a thread"]);
  assert.deepEqual(await read({ enableMessages: false }), []);
  assert.deepEqual((await read({ enableCalls: false })).length, 4);
});

test("messages are counted, marked read and unread, and found by their ids", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const a = await world.visit(ada, "chat.html", { database: "chat" });
  await send(a, bob, numbered("hello", 5));
  const b = await world.visit(bob, "chat.html", { database: "chat" });
  await arrived(b, 5);
  await send(b, ada, ["answer"]);
  await reached(b, SENT, 1);
  await b.reload();
  await online(b);
  const count = (method, ...values) =>
    b.evaluate(
      ([peer, method, values]) =>
        new Promise((done) => chat.api.getProfile(peer, 0)[method](...values, done)),
      [ada.address, method, values],
    );
  assert.equal(await count("getTotalMessageCount"), 6);
  assert.equal(await count("getReceivedMessageCount"), 5);
  assert.equal(await count("getSentMessageCount"), 1);
  assert.equal(await count("getFailedMessageCount"), 0);
  assert.equal(await count("getMessageCount", 0, 0x12), 5);
  assert.equal(await count("getMessageCount", 3), 0);
  assert.equal(await count("unread"), 5);
  const known = await b.evaluate((peer) => {
    const profile = chat.api.getProfile(peer, 0);
    const session = profile.createReadSession(null);
    session.getTotalMessageCount();
    return [profile.getTotalMessageCount(), profile.unread(), profile.markRead(true)];
  }, ada.address);
  assert.deepEqual(known, [6, 5, 5]);
  await a.until(() => chat.seen.statuses.filter((s) => s.status === 3).length === 5);
  assert.equal(await count("unread"), 0);
  await b.evaluate((peer) => void chat.api.getProfile(peer, 0).markUnread(), ada.address);
  assert.equal(await count("unread"), 1);

  const mid = await a.evaluate(() => chat.seen.own[2].mid);
  const found = await b.evaluate(
    (mid) => new Promise((done) => chat.api.getMessage(mid, (m) => done(m?.message))),
    mid,
  );
  assert.equal(found, "hello 3");
});

test("a cleared conversation stays in the summary as an empty entry", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const a = await world.visit(ada, "chat.html", { database: "chat" });
  await send(a, bob, ["one", "two"]);
  await reached(a, SENT, 2);
  await a.evaluate(async (peer) => {
    globalThis.summary = MesiboReadSession.createReadSummarySession({});
    summary.read(10);
    await chat.api.getProfile(peer, 0).clearMessages();
  }, bob.address);
  await a.until(() => summary.getMessages()[0]?.status === MESIBO_MSGSTATUS_EMPTY);
  assert.deepEqual(
    await a.evaluate(() => summary.getMessages().map((m) => [m.peer, m.isMessage()])),
    [[bob.address, false]],
  );
  assert.deepEqual(await texts(a, bob.address, {}), []);
  await send(a, bob, ["three"]);
  await a.until(() => summary.getMessages()[0]?.message === "three");
  assert.equal(await a.evaluate(() => summary.getMessages().length), 1);
  assert.deepEqual(await texts(a, bob.address, {}), ["three"]);
  await a.evaluate((peer) => void chat.api.getProfile(peer, 0).deleteMessages(), bob.address);
  await a.until(() => summary.getMessages().length === 0);
});

test("sessions are found by their numbers and ended together", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const a = await world.visit(ada, "chat.html", { database: "chat" });
  const same = await a.evaluate((peer) => {
    const session = chat.api.getProfile(peer, 0).createReadSession({});
    session.read(10);
    globalThis.kept = session;
    const { getSession, endAllSessions } = MesiboReadSession;
    const found = getSession(session.getSession()) === session;
    endAllSessions();
    return [found, getSession(session.getSession()), session.isReading({ peer, groupid: 0 })];
  }, bob.address);
  assert.deepEqual(same, [true, null, false]);
});
