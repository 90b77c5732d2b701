// Which public names the pages of a test really used, kept for `docs/coverage.md`.
//
// Relies on Chromium's pages being watched (`watched.js` runs in them) and on the hooks of `World`
// to know which test is running. Promises one file for each test file, in `output/coverage`:
// `{file, tests: [title], used: {name: [title]}}`. Without Node's test runner nothing is watched.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { outputFolder, root } from "./environment.js";

export const recordFolder = join(outputFolder, "coverage");
const watching = process.env.NODE_TEST_CONTEXT !== undefined;
const script = fileURLToPath(new URL("watched.js", import.meta.url));
const file = relative(join(root, "tests/e2e"), process.argv[1] ?? "");

const tests = [];
const used = new Map();
let current = null;

/** Said by the hook before each test. */
export function beginTest(title) {
  current = title;
  tests.push(title);
}

/** Says that the test that runs now has exercised these names: what no page can be watched doing. */
export function covers(...names) {
  for (const name of names) note(name, current);
}

function note(name, title) {
  if (title === null) return;
  if (!used.has(name)) used.set(name, new Set());
  used.get(name).add(title);
}

/** Watches the pages of a browser context; what they use belongs to the test that opened them. */
export async function watch(context) {
  if (!watching) return;
  const opener = current;
  await context.exposeBinding("__mesiboUsed", (_source, name) => note(name, opener ?? current));
  await context.addInitScript({ content: readFileSync(script, "utf8") });
}

/** Writes what was used, after the last test of the file. */
export function writeRecord() {
  if (!watching) return;
  mkdirSync(recordFolder, { recursive: true });
  const sorted = [...used].sort(([a], [b]) => (a < b ? -1 : 1));
  const names = Object.fromEntries(sorted.map(([name, titles]) => [name, [...titles]]));
  const record = { file, tests, used: names };
  const name = `${file.replaceAll("/", "-").replace(/\.js$/, "")}.json`;
  writeFileSync(join(recordFolder, basename(name)), `${JSON.stringify(record, null, 1)}\n`);
}
