// Rooms and calls over networks that lose, delay, are narrow, go dark, or change their address: they go on, or
// come back without a touch. How long that takes is what `cargo xtask bench --only impaired` says.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { comesBack, flows } from "./harness/media.js";
import { WeakNetwork } from "./harness/weak-network.js";
import { World } from "./harness/world.js";

// Media of rooms goes through the one, all of one-to-one calls (by the relay) through the other.
const media = await new WeakNetwork(4711).start();
const relay = await new WeakNetwork(4712).start();
const world = World.forThisFile(["--announce", media.address, "--turn-host", relay.address]);
before(async () => {
  await world.open();
  media.leadsTo(world.server.media);
  relay.leadsTo(world.server.relay);
});
after(() => [media, relay].forEach((network) => network.stop()));

// Otherwise media in the dark would go on through the relay, which is what it is for.
const NO_RELAY = "none";
const [CONNECTED, RECONNECTING] = [0x30, 0x32];
const LOSSY = { loss: 0.05, reorder: 0.02 };
const FAR = { delay: 100, jitter: 20 };
const NARROW = { rate: 300_000, delay: 20 };

async function inRoom() {
  const people = await world.people("ada", "bob");
  const addresses = people.map((person) => person.address);
  const group = await world.app.addGroup("weak", addresses);
  const visit = (person) => world.visit(person, "room.html", { group, through: NO_RELAY });
  const pages = await Promise.all(people.map(visit));
  return {
    pages,
    // Each stream is told to be connected again, own and others'.
    isBack: () => {
      const last = new Map();
      for (const { what, who, connected } of room.seen.events) {
        if (what === "connected") last.set(who, connected);
      }
      return last.size === 2 && [...last.values()].every(Boolean);
    },
    isLost: () => room.seen.events.findLast(({ what }) => what === "connected").connected === false,
  };
}

async function inCall(through) {
  const people = await world.people("ada", "bob");
  const visit = (person, index) =>
    world.visit(person, "call.html", {
      through,
      relayed: true,
      answers: index > 0,
    });
  const pages = await Promise.all(people.map(visit));
  for (const page of pages) await page.until(() => phone.seen.connection.at(-1) === 1);
  await pages[0].evaluate((to) => phone.dial(to, true), people[1].address);
  for (const page of pages) {
    await page.until((status) => phone.statuses().at(-1) === status, CONNECTED);
  }
  const isLost = (status) => phone.statuses().at(-1) === status;
  const isBack = () => phone.statuses().at(-1) === MESIBO_CALLSTATUS_CONNECTED;
  return { pages, isLost, isBack, value: RECONNECTING };
}

for (const [title, network, enter] of [
  ["a room", media, inRoom],
  ["a call", relay, () => inCall("transport=udp")],
]) {
  for (const [weakness, is] of [
    ["5 % loss", LOSSY],
    ["200 ms there and back", FAR],
    ["300 kbit/s", NARROW],
  ]) {
    test(`${title} is heard and seen over a network with ${weakness}`, async () => {
      network.becomes(is);
      const { pages } = await enter();
      for (const page of pages) {
        await flows(page, "audio");
        await flows(page, "video");
      }
    });
  }

  test(`${title} comes back after its network was dark`, async () => {
    network.becomes();
    const { pages, isLost, isBack, value } = await enter();
    for (const page of pages) await flows(page, "video");
    network.blackOut();
    for (const page of pages) await page.until(isLost, value);
    network.lightUp();
    for (const page of pages) await comesBack(page);
    for (const page of pages) await page.until(isBack);
  });

  test(`${title} goes on when everybody's address changes`, async () => {
    network.becomes();
    const { pages } = await enter();
    for (const page of pages) await flows(page, "video");
    network.changeAddresses();
    for (const page of pages) await comesBack(page);
  });
}

test("a call by TCP through the relay comes back when its connection breaks", async () => {
  relay.becomes(FAR);
  const { pages } = await inCall("transport=tcp");
  for (const page of pages) await flows(page, "video");
  relay.changeAddresses();
  for (const page of pages) await comesBack(page);
  const taken = await pages[0].evaluate(() => ways());
  assert.deepEqual([...new Set(taken)], ["tcp"]);
});
