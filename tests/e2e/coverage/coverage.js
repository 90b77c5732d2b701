// Joins the names and rules of the API with the tests that exercise them: `docs/coverage.md`.
//
// Relies on `names.json`, on the records that a run of the tests left (`harness/record.js`), and on
// the comments `// Rules: 5.11.1, 7.6` above tests. Of several tests a row names the one that the
// committed file names, else the first, those of `surface/` before the others.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../harness/environment.js";
import { recordFolder } from "../harness/record.js";
import { pending } from "./pending.js";

export const document = join(root, "docs/coverage.md");
export const RENEW = "node tests/e2e/coverage/renew.js";

export const { names, rules } = JSON.parse(
  readFileSync(join(import.meta.dirname, "names.json"), "utf8"),
);

/** Whose methods count as whose: an object's class may be an heir of the one in the tables. */
export const HEIRS = {
  MesiboProfile: ["MesiboGroupProfile", "MesiboSelfProfile"],
  MesiboGroupProfile: ["MesiboProfile"],
  MesiboMessageProperties: ["MesiboMessage", "MesiboPresence"],
};

/** What a name is called in records and in the document. */
export function keyOf({ kind, owner, name }) {
  const key = owner ? `${owner}.${name}` : name;
  return kind === "static" ? `static ${key}` : key;
}

/** The names under which a use of it is recorded. */
function keysOf(entry) {
  const { owner, name } = entry;
  return [keyOf(entry), ...(HEIRS[owner] ?? []).map((heir) => `${heir}.${name}`)];
}

/** Every use: `uses`, a `Map(name, [test])`, the tests in their order; and all tests that `ran`. */
export function readRecords(folder = recordFolder) {
  const records = readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")));
  const late = ({ file }) => (file.startsWith("surface/") ? 0 : 1);
  records.sort((a, b) => late(a) - late(b) || (a.file < b.file ? -1 : 1));
  const uses = new Map();
  const ran = new Set();
  for (const { file, tests, used } of records) {
    for (const title of tests) ran.add(`${file}: ${title}`);
    for (const [name, titles] of Object.entries(used)) {
      if (!uses.has(name)) uses.set(name, []);
      const inOrder = tests.filter((title) => titles.includes(title));
      uses.get(name).push(...inOrder.map((title) => `${file}: ${title}`));
    }
  }
  return { uses, ran };
}

function sources(folder, ending) {
  const found = [];
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      if (!/node_modules|output|target/.test(entry.name)) found.push(...sources(path, ending));
    } else if (entry.name.endsWith(ending)) found.push(path);
  }
  return found.sort();
}

/** What the comments above tests say: `Map(rule, [test])`. */
export function readRules() {
  const found = new Map();
  for (const path of [...sources("tests", ".js"), ...sources("crates", ".rs")]) {
    let waiting = [];
    for (const line of readFileSync(join(root, path), "utf8").split("\n")) {
      const said = /^\s*\/\/ Rules: ([\d., ]+?)\.?$/.exec(line);
      if (said) waiting.push(...said[1].split(/,\s*/));
      const title = /^\s*(?:test\(\s*["`](.*)["`],|(?:async )?fn (\w+)\()/.exec(line);
      if (!title || waiting.length === 0) continue;
      const words = (title[1] ?? title[2].replaceAll("_", " ")).replace(/\$\{.*?\}/g, "…");
      for (const rule of waiting) {
        if (!found.has(rule)) found.set(rule, []);
        found.get(rule).push(`${path.replace("tests/e2e/", "")}: ${words}`);
      }
      waiting = [];
    }
    if (waiting.length) throw new Error(`${path}: rules ${waiting} stand above no test`);
  }
  return found;
}

const escape = (text) => text.replaceAll("|", "\\|");

/** The committed choices: `Map(name or rule, test)`. */
function readChoices() {
  const choices = new Map();
  let text = "";
  try {
    text = readFileSync(document, "utf8");
  } catch {
    return choices;
  }
  for (const line of text.split("\n")) {
    const row = /^\| `?(.+?)`?(?: = -?\d+)? \| .* \| (.*?) \|$/.exec(line);
    if (row) choices.set(row[1], row[2]);
  }
  return choices;
}

const sectionOrder = (id) =>
  id
    .split(".")
    .map((part) => part.padStart(3, "0"))
    .join(".");

/**
 * The document's text, in words what is wrong with it, and what is not pending any more. `anew`
 * leaves only rows whose test has used the name. Otherwise a row stays while its test runs and any test
 * uses the name: what a page hears before its test ends is a matter of time, too.
 */
export function generate({ anew = false } = {}) {
  const { uses, ran } = readRecords();
  const choices = readChoices();
  const problems = [];
  const done = new Set();
  const counts = { tested: 0, pending: 0, missing: 0 };

  function choose(key, tests, what, others = []) {
    const owner = pending(key);
    if (tests.length) {
      if (owner) done.add(key);
      counts.tested += 1;
      const committed = [...tests, ...others].find((test) => escape(test) === choices.get(key));
      return escape(committed ?? tests[0]);
    }
    if (owner) {
      counts.pending += 1;
      return `*pending: ${owner}*`;
    }
    counts.missing += 1;
    problems.push(`${what} ${key} has no test`);
    return "**none**";
  }

  const sections = new Map();
  const line = (id, kind, text) => {
    const at = `${id} ${kind}`;
    if (!sections.has(at)) sections.set(at, { id, kind, lines: [] });
    sections.get(at).lines.push(text);
  };
  for (const entry of names) {
    const key = keyOf(entry);
    const tests = keysOf(entry).flatMap((each) => uses.get(each) ?? []);
    if (entry.kind === "class") {
      const own = new RegExp(
        `^(static )?(${[entry.name, ...(HEIRS[entry.name] ?? [])].join("|")})\\.`,
      );
      for (const [used, titles] of uses) if (own.test(used)) tests.push(...titles);
    }
    const value = entry.value === undefined ? "" : ` = ${entry.value}`;
    const test = choose(key, tests, "name", anew ? [] : ran);
    line(entry.section, "Names", `| \`${key}\`${value} | ${escape(entry.mark)} | ${test} |`);
  }
  const said = readRules();
  for (const { rule, text } of rules) {
    const test = choose(rule, said.get(rule) ?? [], "rule");
    line(rule.replace(/\.\d+$/, ""), "Rules", `| ${rule} | ${escape(text)} | ${test} |`);
    said.delete(rule);
  }
  for (const [rule, tests] of said) problems.push(`${tests[0]} names rule ${rule}: there is none`);

  const ordered = [...sections.values()].sort((a, b) =>
    sectionOrder(a.id) < sectionOrder(b.id) ? -1 : sectionOrder(a.id) > sectionOrder(b.id) ? 1 : 0,
  );
  const tables = ordered.map(
    ({ id, kind, lines }) =>
      `## ${kind} of section ${id}\n\n| ${kind === "Names" ? "name | mark" : "rule | what"} | test |\n|---|---|---|\n${lines.join("\n")}\n`,
  );
  const text = `# Coverage

Every name and every rule of the client API, with a test that exercises it in a real browser. Written by
\`${RENEW}\` from what a run of \`cargo xtask test --only end-to-end\` has recorded; that run
fails when this file is not what it would write. How names are recorded: [\`testing.md\`](testing.md), "Coverage".

${counts.tested} with a test, ${counts.pending} pending, ${counts.missing} without.

${tables.join("\n")}`;
  return { text, problems, counts, done };
}
