// The newest 50 of a conversation of 100,000, in a profile on disk: IndexedDB of an incognito window lives
// in memory and is ten times faster.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openWithProfile } from "../harness/chromium.js";
import { measure, percentile } from "./measure.js";

const MESSAGES = Number(process.env.BENCH_MESSAGES ?? 100_000);
const BATCH = 1_000;
const READS = 20;
const FILLING_WITHIN_MS = 600_000;

await measure(async (world) => {
  const [ada, bob] = await world.people("ada", "bob");
  const folder = mkdtempSync(join(tmpdir(), "mesibo-profile-"));
  const page = await openWithProfile(folder, world.address(ada, "chat.html", { database: "chat" }));
  try {
    await page.until(() => chat.api.isOnline() && chat.seen.database);
    // Written while stopped, as on a journey: only the browser's own storage takes part.
    const started = performance.now();
    await page.evaluate(() => chat.stop());
    for (let sent = 0; sent < MESSAGES; sent += BATCH) {
      const texts = Array.from({ length: BATCH }, (_, at) => `message number ${sent + at}`);
      await page.evaluate(([to, texts]) => void chat.send(to, texts), [bob.address, texts]);
      const told = sent + BATCH;
      await page.until((told) => chat.seen.own.length >= told, told, FILLING_WITHIN_MS);
    }
    const stored = MESSAGES / ((performance.now() - started) / 1000);

    const times = [];
    for (let read = 0; read < READS; read++) {
      await page.raw.goto("about:blank");
      const settings = { database: "chat", start: false };
      await page.raw.goto(world.address(ada, "chat.html", settings));
      await page.until(() => chat.seen.database);
      const time = await page.evaluate(
        (peer) =>
          new Promise((resolve, reject) => {
            let count = 0;
            const begin = performance.now();
            const session = chat.api.getProfile(peer, 0).createReadSession({
              Mesibo_onMessage(m) {
                if (m === null) return reject(new Error(`only ${count} messages are there`));
                count += 1;
                if (m.isLastMessage()) resolve(performance.now() - begin);
              },
            });
            session.read(50);
          }),
        bob.address,
      );
      times.push(time);
    }
    return { read_ms: percentile(times, 50), stored_per_s: stored };
  } finally {
    await page.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
