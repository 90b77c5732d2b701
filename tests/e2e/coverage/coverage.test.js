// What the tests before this one have used, judged: runs last, after all files of the suite.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { document, generate, RENEW } from "./coverage.js";

// A run of some files has not seen everything: `cargo xtask test` says when it runs all.
const all = process.env.E2E_ALL === "1";

test("every name and every rule of the API has a test", { skip: !all }, () => {
  assert.deepEqual(generate().problems, []);
});

test("docs/coverage.md is what the tests say", { skip: !all }, () => {
  const { text } = generate();
  assert.equal(readFileSync(document, "utf8"), text, `not so any more: run \`${RENEW}\``);
});
