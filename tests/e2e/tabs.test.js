// Several tabs of one browser: one connection, everything in all of them, and hand-over.
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "./harness/until.js";
import { World } from "./harness/world.js";
import {
  arrived,
  numbered,
  online,
  reached,
  READ,
  received,
  seen,
  send,
  SENT,
} from "./harness/chat.js";

const world = World.forThisFile();
const ARRIVING = 50;
const SENT_COUNT = 20;

/** WebSockets the server has open, of everybody. */
async function sessions() {
  const text = await (await fetch(`${world.server.url}/metrics`)).text();
  return Number(/^mesibo_sessions (\d+)$/m.exec(text)[1]);
}

/** Ada with two tabs, the first one leads; bob with one. */
async function twoTabs(settings = { database: "chat" }) {
  const [ada, bob] = await world.people("ada", "bob");
  const first = await world.visit(ada, "chat.html", settings);
  await online(first);
  const second = await first.tab(world.address(ada, "chat.html", settings));
  const b = await world.visit(bob, "chat.html", { database: "chat" });
  await Promise.all([online(second), online(b)]);
  return { ada, bob, first, second, b };
}

const own = async (page) => (await seen(page)).own.map((m) => m.text);

for (const [how, settings] of [
  ["with a database", { database: "chat", tabs: true }],
  ["without a database", {}],
]) {
  // Rules: 5.8.4.
  test(`two tabs have one session, and both see what comes and what either sends: ${how}`, async () => {
    await until("the pages of the last test to be gone", async () => (await sessions()) === 0);
    const { ada, bob, first, second, b } = await twoTabs(settings);
    assert.equal(await sessions(), 2, "one of both tabs, one of bob");
    await send(b, ada, ["hello"]);
    await send(first, bob, ["one"]);
    await send(second, bob, ["two"]);
    await arrived(b, 2);
    for (const page of [first, second]) {
      await arrived(page, 1);
      await page.until(() => chat.seen.own.length >= 2);
      assert.deepEqual(await received(page), ["hello"]);
      assert.deepEqual((await own(page)).sort(), ["one", "two"]);
      await reached(page, SENT, 2);
    }
    await b.evaluate((to) => chat.typing(to), ada.address);
    for (const page of [first, second]) {
      await page.until(() => chat.seen.presence.some((p) => p.kind === "isTyping"));
    }
  });
}

test("what one tab reads, deletes and edits is so in the other", async () => {
  const { ada, bob, first, second, b } = await twoTabs();
  await send(b, ada, ["hello"]);
  await Promise.all([arrived(first, 1), arrived(second, 1)]);
  const unreadBecomes = (page, count) =>
    page.until(
      async ([from, count]) => {
        const session = chat.api.getProfile(from, 0).createReadSession({});
        return (await new Promise((answer) => session.getUnreadCount(answer))) === count;
      },
      [bob.address, count],
    );
  await unreadBecomes(first, 1);
  await second.evaluate((from) => chat.read(from, 10, true), bob.address);
  await unreadBecomes(first, 0);
  await reached(b, READ, 1);
  const [mid] = await send(second, bob, ["wrong"]);
  await first.until((mid) => chat.seen.own.some((m) => m.mid === mid), mid);
  await first.evaluate((from) => chat.read(from, 10, false), bob.address);
  await first.until((from) => chat.shown(from).includes("wrong"), bob.address);
  await second.evaluate((from) => {
    chat
      .messages(from)
      .find((m) => m.message === "wrong")
      .delete();
  }, bob.address);
  await first.until((from) => !chat.shown(from).includes("wrong"), bob.address);
});

for (const [how, end] of [
  ["closed", (page) => page.leave()],
  ["killed", (page) => page.crash()],
  ["frozen", (page) => page.freeze()],
]) {
  // Rules: 5.8.5.
  test(`when the leading tab is ${how} the other one goes on, and nothing is lost or twice`, async () => {
    const { ada, bob, first, second, b } = await twoTabs();
    const coming = numbered("from bob", ARRIVING);
    const going = numbered("from ada", SENT_COUNT);
    // Stopped in the middle of a transaction it would hold the database for everybody: a browser
    // does not freeze such a tab, a debugger does.
    if (how === "frozen") await end(first);
    const sending = [
      b.evaluate(([to, all]) => chat.sendSlowly(to, all), [ada.address, coming]),
      second.evaluate(([to, all]) => chat.sendSlowly(to, all), [bob.address, going]),
    ];
    await arrived(second, 5);
    if (how !== "frozen") await end(first);
    await Promise.all(sending);
    await Promise.all([arrived(second, ARRIVING), arrived(b, SENT_COUNT)]);
    await reached(second, SENT, SENT_COUNT);
    assert.deepEqual(await received(second), coming);
    assert.deepEqual(await received(b), going);
    assert.equal(new Set(await own(second)).size, SENT_COUNT);
    if (how === "frozen") {
      await first.thaw();
      await arrived(first, ARRIVING);
      await first.until((count) => chat.seen.own.length >= count, SENT_COUNT);
      assert.deepEqual(await received(first), coming);
      await online(first);
    }
  });
}

// Rules: 5.8.3.
test("a tab that does not share is a device of its own and signs the other out", async () => {
  const [ada] = await world.people("ada");
  const first = await world.visit(ada, "chat.html", { database: "chat" });
  await online(first);
  const settings = { database: "chat", start: false };
  const second = await first.tab(world.address(ada, "chat.html", settings));
  const answers = await second.evaluate(() => [
    chat.api.enableCrossTabSessions(false),
    chat.start(),
    chat.api.enableCrossTabSessions(true),
  ]);
  assert.deepEqual(answers, [true, 0, false]);
  await online(second);
  await first.until(() => chat.connection() === 3);
});

test("two instances in one page with different users have nothing in common", async () => {
  const [ada, bob, carol] = await world.people("ada", "bob", "carol");
  const page = await world.visit(ada, "chat.html", { database: "chat" });
  await online(page);
  await page.evaluate(
    ([app, token]) => {
      const other = new Mesibo();
      globalThis.other = { api: other, received: [] };
      other.setAppName(app);
      other.setListener({
        Mesibo_onMessage: (m) => void globalThis.other.received.push(m.message),
        // Without it the other one would get presences, too.
        Mesibo_onPresence() {},
      });
      other.setAccessToken(token);
      other.setDatabase("chat");
      other.start();
    },
    [bob.app, bob.token],
  );
  await page.until(() => other.api.getConnectionStatus() === 1);
  const c = await world.visit(carol, "chat.html", { database: "chat" });
  await online(c);
  await send(c, ada, ["for ada"]);
  await send(c, bob, ["for bob"]);
  await arrived(page, 1);
  await page.until(() => other.received.length >= 1);
  assert.deepEqual(await received(page), ["for ada"]);
  assert.deepEqual(await page.evaluate(() => other.received), ["for bob"]);
});

test("in Firefox, too, two tabs share and hand over", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const settings = { database: "chat" };
  const firefox = await world.firefox();
  const first = await world.visit(ada, "chat.html", settings, {
    browser: firefox,
  });
  await online(first);
  const second = await first.tab(world.address(ada, "chat.html", settings));
  const b = await world.visit(bob, "chat.html", settings);
  await Promise.all([online(second), online(b)]);
  await send(b, ada, ["one"]);
  await Promise.all([arrived(first, 1), arrived(second, 1)]);
  await first.leave();
  await send(b, ada, ["two"]);
  await arrived(second, 2);
  await send(second, bob, ["back"]);
  await arrived(b, 1);
  assert.deepEqual(await received(second), ["one", "two"]);
});
