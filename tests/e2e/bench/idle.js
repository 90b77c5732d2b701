// 10,000 people who are online and say nothing: what each costs the server in memory, and all in time.
import { readFileSync } from "node:fs";
import { measure } from "./measure.js";
import { signIn } from "./session.js";

const SESSIONS = 10_000;
const AT_ONCE = 50;
/** Four rounds of pings. */
const WATCHED_MS = 60_000;
/** Of `/proc`: USER_HZ is 100 on every Linux this runs on. */
const TICKS_PER_S = 100;

const memory = (pid) =>
  Number(readFileSync(`/proc/${pid}/status`, "utf8").match(/VmRSS:\s+(\d+) kB/)[1]) * 1024;
function cpu(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
}

/** Runs `work` for 0 … count-1, some at once. */
async function each(count, work) {
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

await measure(async (world) => {
  const { pid, url } = world.server;
  const port = Number(new URL(url).port);
  const people = [];
  await each(SESSIONS, async (at) => people.push(await world.app.addUser(`idle-${at}`)));
  const before = memory(pid);
  const sockets = [];
  await each(SESSIONS, async (at) => sockets.push(await signIn(port, people[at])));
  const kb = (memory(pid) - before) / SESSIONS / 1000;
  const used = cpu(pid);
  await new Promise((resume) => setTimeout(resume, WATCHED_MS));
  const percent = ((cpu(pid) - used) / (WATCHED_MS / 1000)) * 100;
  for (const socket of sockets) socket.removeAllListeners("close").destroy();
  return { kb_each: kb, cpu_percent: percent };
});
