// What has no test yet, and why: the one place where a name or rule may be left out.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** `pending.json`: who builds what right now. `renew.js` takes out what has a test. */
const file = join(import.meta.dirname, "pending.json");
const owners = JSON.parse(readFileSync(file, "utf8"));

/** Who builds it right now, if anybody. */
export function pending(key) {
  return Object.keys(owners).find((owner) => owners[owner].includes(key));
}

/** Keeps of the list what `isStillPending` says. */
export function keepPending(isStillPending) {
  const kept = Object.entries(owners)
    .map(([owner, keys]) => [owner, keys.filter(isStillPending)])
    .filter(([, keys]) => keys.length > 0);
  writeFileSync(file, `${JSON.stringify(Object.fromEntries(kept), null, 2)}\n`);
}
