// 20,000 messages on their way into a page: stored and told; and how long the page has to wait for us while
// a backlog of 10,000 comes in. The sender is a bare socket, so that the browser has the machine.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openWithProfile } from "../harness/chromium.js";
import { measure } from "./measure.js";
import { sendMessages, signIn } from "./session.js";

const STREAM = 20_000;
const BACKLOG = 10_000;
const PORTION = 4_000;
const WITHIN_MS = 120_000;
/** Several: one may send 10,000 frames at once, and then 1,000 a second. */
const SENDERS = ["ada", "dora", "emil", "fritz"];

/** A page with a profile on disk, counting what it is told and the longest wait of its own turns. */
async function opened(world, person, folder) {
  const page = await openWithProfile(folder, "about:blank");
  await page.raw.addInitScript(() => {
    let last = performance.now();
    globalThis.longest = 0;
    const turn = new MessageChannel();
    turn.port2.onmessage = () => {
      const now = performance.now();
      globalThis.longest = Math.max(globalThis.longest, now - last);
      last = now;
      turn.port1.postMessage(0);
    };
    globalThis.measureTurns = () => {
      last = performance.now();
      globalThis.longest = 0;
      turn.port1.postMessage(0);
    };
  });
  await page.raw.goto(world.address(person, "chat.html", { database: "chat", start: false }));
  await page.until(() => chat.seen.database);
  return page;
}

/** Waits until so many came in; ms from the call of `begin` in the page. */
const received = (page, count) =>
  page.evaluate(
    (count) =>
      new Promise((done) => {
        const begin = performance.now();
        const { Mesibo_onMessage: told } = chat.listener;
        chat.listener.Mesibo_onMessage = (m) => {
          told(m);
          if (chat.seen.received.length >= count) done(performance.now() - begin);
        };
        globalThis.ready = true;
        chat.start();
      }),
    count,
  );

const late = (count) =>
  new Promise((_, fail) => {
    const error = new Error(`${count} messages did not come within ${WITHIN_MS} ms`);
    setTimeout(fail, WITHIN_MS, error).unref();
  });

await measure(async (world) => {
  const numbers = {};
  const folders = [];
  const within = async (person, work) => {
    const folder = mkdtempSync(join(tmpdir(), "mesibo-profile-"));
    folders.push(folder);
    const page = await opened(world, person, folder);
    try {
      await work(page);
    } finally {
      await page.close();
    }
  };
  const port = Number(new URL(world.server.url).port);
  try {
    const [bob, carol, ...people] = await world.people("bob", "carol", ...SENDERS);
    const senders = await Promise.all(people.map((person) => signIn(port, person)));
    const sendAll = (to, count, first) =>
      Promise.all(senders.map((sender) => sendMessages(sender, to, count / senders.length, first)));
    await within(bob, async (page) => {
      const done = received(page, STREAM);
      // Whatever ends this first is what is told.
      done.catch(() => {});
      await page.until(() => chat.api.isOnline());
      const begin = performance.now();
      // No more than a log takes (`LOG_ENTRIES_MAX`) is on its way.
      for (let sent = 0; sent < STREAM; sent += PORTION) {
        await sendAll(bob.address, PORTION, sent / senders.length);
        await page.until((sent) => chat.seen.received.length >= sent, sent, WITHIN_MS);
      }
      await Promise.race([done, late(STREAM)]);
      numbers.stream_ms = performance.now() - begin;
    });
    await sendAll(carol.address, BACKLOG, STREAM / senders.length);
    await within(carol, async (page) => {
      await page.evaluate(() => measureTurns());
      numbers.backlog_ms = await received(page, BACKLOG);
      numbers.longest_ms = await page.evaluate(() => longest);
    });
    for (const sender of senders) sender.destroy();
    return numbers;
  } finally {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  }
});
