// How smoothly the messenger scrolls through a conversation of 10,000 messages, from the newest to the oldest
// by the wheel and back: times between its frames. What is further up is read while it scrolls.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openWithProfile } from "../harness/chromium.js";
import { measure, percentile } from "./measure.js";
import { sendMessages, signIn } from "./session.js";

const MESSAGES = 10_000;
/** Of these, sent while the page is open: nobody may send 10,000 at once. */
const LATE = 1_000;
/** px a second: a wheel that is turned without a rest. */
const SPEED = 12_000;
/** px between two looks at where one is. */
const STRIDE = 24_000;
/** Rows are less than 100 px. */
const STRIDES_MAX = (MESSAGES * 100) / STRIDE;

/** Keeps the times between frames while it measures. */
function watchFrames() {
  const watch = (globalThis.frames = { gaps: [], last: 0, on: false });
  const frame = (now) => {
    if (watch.on && watch.last) watch.gaps.push(now - watch.last);
    watch.last = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

await measure(async (world) => {
  const [ada, bob] = await world.people("ada", "bob");
  const port = Number(new URL(world.server.url).port);
  const sender = await signIn(port, ada);
  await sendMessages(sender, bob.address, MESSAGES - LATE);
  const folder = mkdtempSync(join(tmpdir(), "mesibo-profile-"));
  const page = await openWithProfile(folder, "about:blank");
  try {
    const { raw } = page;
    await raw.setViewportSize({ width: 1280, height: 800 });
    await raw.addInitScript(watchFrames);
    await raw.goto(world.demoAddress("messenger", bob, { peers: [ada] }));
    const entry = raw.locator("#conversations").getByRole("button", { name: "ada" });
    await entry.waitFor();
    await sendMessages(sender, bob.address, LATE, MESSAGES - LATE);
    await page.until(
      (last) => document.querySelector("#conversations").textContent.includes(`number ${last}`),
      MESSAGES - 1,
      60_000,
    );
    await entry.click();
    const log = raw.locator(".log");
    await log.locator(".said").first().waitFor();
    const devtools = await raw.context().newCDPSession(raw);
    const scroll = async (direction, isDone) => {
      const { x, y, width, height } = await log.boundingBox();
      const gesture = {
        x: x + width / 2,
        y: y + height / 2,
        yDistance: -direction * STRIDE,
        speed: SPEED,
        gestureSourceType: "mouse",
      };
      await page.evaluate(() => Object.assign(frames, { gaps: [], last: 0, on: true }));
      for (let strides = 0; strides < STRIDES_MAX; strides++) {
        await devtools.send("Input.synthesizeScrollGesture", gesture);
        if (await page.evaluate(isDone)) break;
      }
      return page.evaluate(() => {
        frames.on = false;
        return frames.gaps;
      });
    };
    const gaps = [
      ...(await scroll(-1, () =>
        [...document.querySelectorAll(".log .text")].some((text) =>
          text.textContent.endsWith(" number 0"),
        ),
      )),
      ...(await scroll(1, () => {
        const { scrollTop, scrollHeight, clientHeight } = document.querySelector(".log");
        return scrollHeight - scrollTop - clientHeight < 2;
      })),
    ];
    return {
      p50_ms: percentile(gaps, 50),
      p95_ms: percentile(gaps, 95),
      p99_ms: percentile(gaps, 99),
      longest_ms: Math.max(...gaps),
      frames: gaps.length,
    };
  } finally {
    sender.destroy();
    await page.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
