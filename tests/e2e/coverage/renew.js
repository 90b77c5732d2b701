// Writes `docs/coverage.md` anew from the records of the last run of the tests, and takes out of
// `pending.json` what has a test by now:
//
//   cargo xtask test --only end-to-end; node tests/e2e/coverage/renew.js
import { writeFileSync } from "node:fs";
import { document, generate } from "./coverage.js";
import { keepPending } from "./pending.js";

const { text, problems, counts, done } = generate({ anew: true });
writeFileSync(document, text);
keepPending((key) => !done.has(key));
for (const problem of problems) console.error(problem);
console.log(JSON.stringify(counts));
process.exitCode = problems.length ? 1 : 0;
