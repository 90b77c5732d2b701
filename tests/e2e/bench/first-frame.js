// Subscribe to first frame: one publishes, one comes and goes.
import { measure, percentile } from "./measure.js";

const RUNS = 20;

await measure(async (world) => {
  const [ada, bob] = await world.people("ada", "bob");
  const gid = await world.app.addGroup("room", [ada.address, bob.address]);
  const publisher = await world.visit(ada, "room.html", { group: gid });
  await publisher.until(() => room.seen.events.some((e) => e.local && e.what === "connected"));
  const times = [];
  for (let run = 0; run < RUNS; run++) {
    const settings = { group: gid, publish: false };
    const viewer = await world.visit(bob, "room.html", settings);
    await viewer.until(() => room.seen.firstFrame);
    const { firstFrame, called } = await viewer.evaluate(() => room.seen);
    times.push(firstFrame - called);
    await viewer.close();
  }
  return { p50_ms: percentile(times, 50), p95_ms: percentile(times, 95) };
});
