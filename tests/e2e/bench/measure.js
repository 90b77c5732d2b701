// What the measurements share: numbers, and a world without a test runner.
import { World } from "../harness/world.js";

export function percentile(values, percent) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100));
  return sorted[at];
}

/** Opens a world, measures, prints the numbers as one line of JSON, closes. */
export async function measure(work, serverArguments) {
  const world = new World(serverArguments);
  try {
    await world.open();
    const numbers = await work(world);
    console.log(JSON.stringify(numbers));
  } finally {
    await world.close();
  }
}
