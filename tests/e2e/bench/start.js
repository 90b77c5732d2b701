// The server, from start to ready, on a new data folder; and what it holds in memory then.
import { readFileSync } from "node:fs";
import { Server } from "../harness/server.js";
import { percentile } from "./measure.js";

const RUNS = 10;

/** Resident memory of a process, MB. */
function memory(pid) {
  const line = readFileSync(`/proc/${pid}/status`, "utf8").match(/VmRSS:\s+(\d+) kB/);
  return (Number(line[1]) * 1024) / 1e6;
}

const ready = [];
const resident = [];
for (let run = 0; run < RUNS; run++) {
  const server = new Server();
  const before = performance.now();
  await server.start();
  ready.push(performance.now() - before);
  resident.push(memory(server.pid));
  await server.dispose();
}
console.log(JSON.stringify({ ready_ms: percentile(ready, 50), rss_mb: percentile(resident, 50) }));
