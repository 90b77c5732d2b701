// The newest 50 of a conversation of 100,000, searches in it, and a summary of 1,000 conversations, in a
// profile on disk: IndexedDB of an incognito window lives in memory and is ten times faster.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openWithProfile } from "../harness/chromium.js";
import { measure, percentile } from "./measure.js";

const MESSAGES = Number(process.env.BENCH_MESSAGES ?? 100_000);
const BATCH = 1_000;
const CONVERSATIONS = 1_000;
const READS = 10;
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
    await page.evaluate((count) => {
      for (let at = 0; at < count; at++) chat.send(`somebody-${at}`, [`to ${at}`]);
    }, CONVERSATIONS);
    // With those of the other conversations as many as may wait to be sent (`OUTBOX_MAX`).
    for (let sent = CONVERSATIONS; sent < MESSAGES; sent += BATCH) {
      const texts = Array.from({ length: BATCH }, (_, at) => `message number ${sent + at}`);
      await page.evaluate(([to, texts]) => void chat.send(to, texts), [bob.address, texts]);
      const told = sent + BATCH;
      await page.until((told) => chat.seen.own.length >= told, told, FILLING_WITHIN_MS);
    }
    const stored = MESSAGES / ((performance.now() - started) / 1000);
    // A history is what was sent long ago: each page below would else begin with what waits.
    await page.evaluate(() => chat.start());
    await page.until((count) => chat.seen.statuses.length >= count, MESSAGES, FILLING_WITHIN_MS);

    const settings = { database: "chat", start: false };
    const visit = async () => {
      await page.raw.goto("about:blank");
      await page.raw.goto(world.address(ada, "chat.html", settings));
      await page.until(() => chat.seen.database);
    };
    // From `read` to the message that is the last of the answer, in a page of its own.
    const measured = async (to, query, count, expected) => {
      await visit();
      return page.evaluate(
        ([to, query, count, expected]) =>
          new Promise((resolve, reject) => {
            let found = 0;
            const begin = performance.now();
            const listener = {
              Mesibo_onMessage(m) {
                if (m !== null) found += 1;
                if (found === expected) resolve(performance.now() - begin);
                else if (m === null) reject(new Error(`only ${found} messages are there`));
              },
            };
            const session = to
              ? chat.api.getProfile(to, 0).createReadSession(listener)
              : MesiboReadSession.createReadSummarySession(listener);
            session.setQuery(query);
            session.read(count);
          }),
        [to, query, count, expected],
      );
    };
    const p50 = async (...read) => {
      const times = [];
      for (let at = 0; at < READS; at++) times.push(await measured(...read));
      return percentile(times, 50);
    };
    const peer = bob.address;
    const numbers = {
      read_ms: await p50(peer, null, 50, 50),
      stored_per_s: stored,
      search_rare_ms: await p50(peer, `NUMBER ${MESSAGES / 2}`, 1, 1),
      search_common_ms: await p50(peer, "number", 50, 50),
      // With the one of the long conversation.
      summary_ms: await p50(null, null, CONVERSATIONS + 1, CONVERSATIONS + 1),
    };
    return numbers;
  } finally {
    await page.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
