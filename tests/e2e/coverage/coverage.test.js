// What the tests have used, judged: `cargo xtask test` runs this after all files of the suite.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { document, generate, RENEW } from "./coverage.js";

test("every name and every rule of the API has a test", () => {
  assert.deepEqual(generate().problems, []);
});

test("what is pending has no test yet", () => {
  assert.deepEqual([...generate().done], [], `run \`${RENEW}\``);
});

test("docs/coverage.md is what the tests say", () => {
  const now = generate().text.split("\n");
  const written = readFileSync(document, "utf8").split("\n");
  // One line is told, not the whole page: what failed before it should stay in sight.
  const at = now.findIndex((line, at) => line !== written[at]);
  const told = `not so any more, run \`${RENEW}\``;
  assert.equal(
    written[at],
    now[at],
    `${told}; line ${at + 1} says:\n${written[at]}\nnow:\n${now[at]}`,
  );
  assert.equal(written.length, now.length, told);
});
