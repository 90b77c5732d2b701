// Two people talk: every message once, in order, and its status climbs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { World } from "./harness/world.js";
import { READ, arrived, online, received, seen, send } from "./harness/chat.js";

const world = World.forThisFile();
const COUNT = 200;
const texts = (name) => Array.from({ length: COUNT }, (_, at) => `${name} ${at + 1}`);

for (const pair of ["chromium chromium", "chromium firefox"]) {
  // Rules: 5.4.5, 5.7.1, 5.11.1.
  test(`200 messages both ways at once arrive once and in order, and are read: ${pair}`, async () => {
    const [ada, bob] = await world.people("ada", "bob");
    const [first, second] = await Promise.all(pair.split(" ").map((name) => world[name]()));
    const settings = { database: "chat" };
    const [a, b] = await Promise.all([
      world.visit(ada, "chat.html", settings, { browser: first }),
      world.visit(bob, "chat.html", settings, { browser: second }),
    ]);
    await Promise.all([
      a.evaluate((peer) => chat.read(peer, 10), bob.address),
      b.evaluate((peer) => chat.read(peer, 10), ada.address),
    ]);
    const [mids] = await Promise.all([
      a.evaluate(([to, all]) => chat.sendSlowly(to, all), [bob.address, texts("ada")]),
      b.evaluate(([to, all]) => chat.sendSlowly(to, all), [ada.address, texts("bob")]),
    ]);

    for (const [page, name] of [
      [a, "bob"],
      [b, "ada"],
    ]) {
      await page.until(
        (count) => chat.seen.received.length >= count && chat.seen.own.length >= count,
        COUNT,
      );
      const { received, own } = await seen(page);
      assert.deepEqual(
        received.map((m) => m.text),
        texts(name),
      );
      assert.equal(own.length, COUNT, "each own message is told once");
    }

    await a.until(
      ([count, read]) => chat.seen.statuses.filter((s) => s.status === read).length >= count,
      [COUNT, READ],
    );
    const { statuses } = await seen(a);
    for (const mid of mids) {
      const climbed = statuses.filter((s) => s.mid === mid).map((s) => s.status);
      assert.equal(climbed.at(-1), READ);
      assert.deepEqual(
        climbed,
        [...new Set(climbed)].sort((x, y) => x - y),
        "a status only climbs",
      );
    }
    assert.ok(
      statuses.every((s) => s.same),
      "a status comes with the very message that was sent",
    );
    const both = await a.evaluate((peer) => chat.shown(peer), bob.address);
    assert.equal(both.length, 2 * COUNT, "the conversation holds both sides");
  });
}

test("a group message reaches every other member once", async () => {
  const people = await world.people("ada", "bob", "carol");
  const gid = await world.app.addGroup(
    "three",
    people.map((person) => person.address),
  );
  const pages = await Promise.all(people.map((person) => world.visit(person, "chat.html")));
  await Promise.all(pages.map((page) => page.until(() => chat.seen.connection.includes(1))));
  await pages[0].evaluate(([to, all]) => chat.send(to, all), [gid, ["one", "two", "three"]]);
  for (const page of pages.slice(1)) {
    await page.until(() => chat.seen.received.length >= 3);
    const { received } = await seen(page);
    assert.deepEqual(
      received.map(({ text, group, peer }) => [text, group, peer]),
      ["one", "two", "three"].map((text) => [text, gid, people[0].address]),
    );
  }
});

// Rules: 5.12.1.
test("a message for now is delivered and read by who is there, fails otherwise, and never comes later", async () => {
  const [ada, bob, cleo] = await world.people("ada", "bob", "cleo");
  const gid = await world.app.addGroup("now", [ada.address, bob.address, cleo.address]);
  const settings = { database: "chat" };
  const [a, b] = await Promise.all(
    [ada, bob].map((one) => world.visit(one, "chat.html", settings)),
  );
  await Promise.all([online(a), online(b)]);
  await b.evaluate(
    ([from, gid]) => [from, gid].map((of) => void chat.read(of, 10)),
    [ada.address, gid],
  );
  const now = (to, text) =>
    a.evaluate(
      ([to, text]) => {
        const profile = to > 0 ? chat.api.getProfile(null, to) : chat.api.getProfile(to, 0);
        const m = profile.newMessage();
        m.message = text;
        m.setExpiry(0);
        m.send();
        return m.mid;
      },
      [to, text],
    );
  const climbed = async (mid, status) => {
    await a.until(
      ([mid, status]) => chat.seen.statuses.some((s) => s.mid === mid && s.status === status),
      [mid, status],
    );
    const { statuses } = await seen(a);
    return statuses.filter((s) => s.mid === mid).map((s) => s.status);
  };
  assert.deepEqual(await climbed(await now(bob.address, "to one"), READ), [1, 2, 3]);
  // Of a group each member's report counts: one is there, one is not.
  assert.deepEqual(await climbed(await now(gid, "to a group"), READ), [1, 2, 3]);
  const offline = 0x81;
  assert.deepEqual(await climbed(await now(cleo.address, "to nobody"), offline), [offline]);
  const c = await world.visit(cleo, "chat.html", settings);
  await online(c);
  // What is sent to her now comes behind all that waited for her.
  await send(a, cleo, ["later"]);
  await arrived(c, 1);
  assert.deepEqual(await received(c), ["later"]);
  assert.deepEqual(await received(b), ["to one", "to a group"]);
});

test("who types is seen typing, and who comes and goes is seen online and offline", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const a = await world.visit(ada, "chat.html");
  await a.until(() => chat.seen.connection.includes(1));
  await a.evaluate((peer) => void chat.api.getProfile(peer, 0).isOnline(), bob.address);
  const b = await world.visit(bob, "chat.html");
  await b.until(() => chat.seen.connection.includes(1));
  await a.until((peer) => chat.api.getProfile(peer, 0).isOnline(), bob.address);
  await b.evaluate((peer) => chat.typing(peer), ada.address);
  await a.until((peer) => chat.api.getProfile(peer, 0).isTyping(), bob.address);
  const told = (await seen(a)).presence.filter((p) => p.peer === bob.address).map((p) => p.kind);
  assert.ok(told.includes("isTyping"));
  await b.close();
  await a.until((peer) => !chat.api.getProfile(peer, 0).isOnline(), bob.address);
});
