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
  const { text } = generate();
  assert.equal(readFileSync(document, "utf8"), text, `not so any more: run \`${RENEW}\``);
});
