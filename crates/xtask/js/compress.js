// Compresses every file named in the JSON array on standard input beside itself, as `.gz` and `.br`.
import { readFileSync, writeFileSync } from "node:fs";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const files = JSON.parse(readFileSync(0, "utf8"));
for (const file of files) {
  const content = readFileSync(file);
  const parameters = { [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
  writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }));
  writeFileSync(`${file}.br`, brotliCompressSync(content, { params: parameters }));
}
