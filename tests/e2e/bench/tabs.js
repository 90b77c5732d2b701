// Hand-over: from the end of the tab that leads to the first frame that another one sends to the server.
import { measure, percentile } from "./measure.js";

const RUNS = 10;
const ENDS = { closed: (page) => page.leave(), killed: (page) => page.crash() };
const settings = { database: "chat" };

/** ms between the end of the first tab and the first frame of the second. */
async function handOver(world, end) {
  const [ada] = await world.people("ada");
  const address = world.address(ada, "chat.html", settings);
  const first = await world.visit(ada, "chat.html", settings);
  await first.until(() => chat.api.isOnline());
  await first.raw.context().addInitScript(() => {
    const { send } = WebSocket.prototype;
    WebSocket.prototype.send = function (frame) {
      globalThis.firstFrameAt ??= Date.now();
      send.call(this, frame);
    };
  });
  const second = await first.tab(address);
  try {
    await second.until(() => chat.api.isOnline());
    const begin = Date.now();
    await end(first);
    await second.until(() => globalThis.firstFrameAt);
    return (await second.evaluate(() => globalThis.firstFrameAt)) - begin;
  } finally {
    await second.close();
  }
}

await measure(async (world) => {
  const numbers = {};
  for (const [how, end] of Object.entries(ENDS)) {
    const times = [];
    for (let run = 0; run < RUNS; run++) times.push(await handOver(world, end));
    numbers[`${how}_ms`] = percentile(times, 50);
    numbers[`${how}_longest_ms`] = Math.max(...times);
  }
  return numbers;
});
