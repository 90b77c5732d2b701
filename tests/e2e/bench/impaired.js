// Two people in a room over weak networks: how much of 20 s stands still, how much sound is made up, and
// how soon media is back after 10 s of darkness and after a change of address.
import { WeakNetwork } from "../harness/weak-network.js";
import { measure } from "./measure.js";

const SECONDS = 20;
const DARK_MS = 10_000;

const network = await new WeakNetwork(4711).start();
const pause = (ms) => new Promise((resume) => setTimeout(resume, ms));

/** What one page has decoded so far. */
const decoded = (page) =>
  page.evaluate(async () => {
    const sum = { frames: 0, frozen: 0, samples: 0, concealed: 0 };
    for (const peer of window.peers) {
      if (peer.connectionState === "closed") continue;
      for (const report of (await peer.getStats()).values()) {
        if (report.type !== "inbound-rtp") continue;
        sum.frames += report.framesDecoded ?? 0;
        sum.frozen += report.totalFreezesDuration ?? 0;
        sum.samples += report.totalSamplesReceived ?? 0;
        sum.concealed += (report.concealedSamples ?? 0) - (report.silentConcealedSamples ?? 0);
      }
    }
    return sum;
  });

/** ms until more pictures are decoded than were under way. */
async function back(page) {
  const began = performance.now();
  let { frames: first } = await decoded(page);
  for (;;) {
    const { frames } = await decoded(page);
    first = Math.min(first, frames);
    if (frames > first + 10) return performance.now() - began;
    await pause(20);
  }
}

await measure(
  async (world) => {
    network.leadsTo(world.server.media);
    const people = await world.people("ada", "bob");
    const addresses = people.map((person) => person.address);
    const group = await world.app.addGroup("room", addresses);
    // Through the relay it would go on in the dark.
    const visit = (person) => world.visit(person, "room.html", { group, through: "none" });
    const [, page] = await Promise.all(people.map(visit));
    await back(page);
    const seen = {};
    for (const [name, is] of [
      ["good", {}],
      ["loss", { loss: 0.05 }],
      ["far", { delay: 100, jitter: 20 }],
      ["narrow", { rate: 300_000, delay: 20 }],
    ]) {
      network.becomes(is);
      const before = await decoded(page);
      await pause(SECONDS * 1000);
      const after = await decoded(page);
      const samples = after.samples - before.samples;
      seen[`${name}_frozen_percent`] = ((after.frozen - before.frozen) / SECONDS) * 100;
      seen[`${name}_fps`] = (after.frames - before.frames) / SECONDS;
      seen[`${name}_concealed_percent`] = ((after.concealed - before.concealed) / samples) * 100;
    }
    network.becomes();
    await back(page);
    network.blackOut();
    await pause(DARK_MS);
    network.lightUp();
    seen.dark_ms = await back(page);
    network.changeAddresses();
    seen.moved_ms = await back(page);
    return seen;
  },
  ["--announce", network.address],
);
network.stop();
