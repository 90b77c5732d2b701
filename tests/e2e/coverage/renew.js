// Writes `docs/coverage.md` anew from the records of the last run of the tests:
//
//   cargo xtask test --only end-to-end; node tests/e2e/coverage/renew.js
import { writeFileSync } from "node:fs";
import { document, generate } from "./coverage.js";

const { text, problems, counts } = generate();
writeFileSync(document, text);
for (const problem of problems) console.error(problem);
console.log(JSON.stringify(counts));
process.exitCode = problems.length ? 1 : 0;
