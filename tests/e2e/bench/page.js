// Script tag to usable, `start()` to online: in pages of people who have never been here.
import { measure, percentile } from "./measure.js";

const RUNS = 20;

await measure(async (world) => {
  const usable = [];
  const online = [];
  for (let run = 0; run < RUNS; run++) {
    const [ada] = await world.people("ada");
    const page = await world.visit(ada, "bench-page.html");
    await page.until(() => window.marks.online);
    const marks = await page.evaluate(() => window.marks);
    usable.push(marks.usable - marks.tag);
    online.push(marks.online - marks.start);
    await page.close();
  }
  return { usable_ms: percentile(usable, 50), online_ms: percentile(online, 50) };
});
