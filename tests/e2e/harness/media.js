// What the tests ask of media in pages.
import { until } from "./until.js";

/** Waits until what is decoded of a kind rises: not only received, and on from now. */
export async function flows(page, kind, by = 0) {
  const value = kind === "video" ? "frames" : "energy";
  const sum = async () => {
    const all = await page.evaluate(() => inbound());
    return all.filter((it) => it.kind === kind).reduce((sum, it) => sum + it[value], 0);
  };
  let first = await sum();
  await until(`${kind} that rises`, async () => {
    const now = await sum();
    // A new connection counts from 0.
    first = Math.min(first, now);
    return now > first + by;
  });
}

/** Waits until media has come back for good: more than what was still under way. */
export async function comesBack(page) {
  await flows(page, "video", 20);
  await flows(page, "audio");
}
