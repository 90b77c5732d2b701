// A media server at its limit: who comes is refused and told so, who is inside goes on, other loops take, and
// room comes back. The limit is set so low that one call reaches it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "./harness/until.js";
import { World } from "./harness/world.js";

const LIMIT = 2;
const GENERAL = 10;
const world = World.forThisFile(["--media-loops", "2", "--media-load-max", String(LIMIT)]);

/** Figures as monitoring reads them. */
async function figures(...names) {
  const text = await (await fetch(`${world.server.url}/metrics`)).text();
  return names.map((name) => Number.parseFloat(text.split(`\n${name} `)[1] ?? "0"));
}

/** One of each media loop. */
const ofLoops = (name) => figures(...[0, 1].map((at) => `${name}{loop="${at}"}`));

const load = (done) =>
  until("another load", async () => done(...(await ofLoops("mesibo_media_load_percent"))));

const peers = (wanted) =>
  until(`${wanted} peers`, async () => {
    const now = await ofLoops("mesibo_media_peers");
    return now.join() === wanted.join();
  });

/** Waits until pictures of somebody rise in a page. */
async function sees(page) {
  const frames = () =>
    page.evaluate(async () => (await inbound()).reduce((sum, it) => sum + (it.frames ?? 0), 0));
  const before = await frames();
  await until("further pictures", async () => (await frames()) > before);
}

test("a full media loop refuses who comes, the other one takes, and room comes back", async () => {
  const [ada, bob, carol] = await world.people("ada", "bob", "carol");
  const members = [ada, bob, carol].map((person) => person.address);
  const busy = await world.app.addGroup("busy", members);
  const other = await world.app.addGroup("other", members);

  // Who comes first costs nothing yet: the second one cannot be too late.
  const watching = await world.visit(bob, "room.html", { group: busy, publish: false });
  await until("a room", async () => (await figures("mesibo_rooms"))[0] === 1);
  const publishing = await world.visit(ada, "room.html", { group: busy });
  await sees(watching);
  await load((first, second) => first >= LIMIT && second === 0);
  const refused = await world.visit(carol, "room.html", { group: busy });
  await refused.until(() => room.seen.errors.length > 0);
  const { errors, publishers } = await refused.evaluate(() => room.seen);
  assert.deepEqual(errors[0], { group: busy, error: GENERAL });
  assert.deepEqual(publishers, []);
  await sees(watching);
  await peers([2, 0]);

  // The other loop has room for another room.
  const taken = await world.visit(carol, "room.html", { group: other });
  await peers([2, 1]);
  assert.deepEqual(await taken.evaluate(() => room.seen.errors), []);

  // Whoever is inside leaves: there is room again.
  const all = [taken, publishing, watching];
  await Promise.all(all.map((page) => page.evaluate(() => room.leave())));
  await peers([0, 0]);
  await load((first, second) => first === 0 && second === 0);
  const again = await world.visit(carol, "room.html", { group: busy });
  await peers([1, 0]);
  assert.deepEqual(await again.evaluate(() => room.seen.errors), []);
});
