// Writes WebAssembly as a JavaScript module that holds it as text: `node wasm-as-text.js FROM TO`.
//
// Base64 spreads three bytes over four letters, which hides repetitions from gzip and brotli: it costs a
// third of the download. Here every byte is one printable letter, or, for rare bytes, two; repetitions
// stay repetitions. Only ASCII, so the encoding of the page that loads it does not matter.
import { readFileSync, writeFileSync } from "node:fs";

const [from, to] = process.argv.slice(2);
const wasm = readFileSync(from);

// Printable, and needing no escape in a string, whatever its quotes.
const letters = [];
for (let code = 0x20; code < 0x7f; code++) {
  const letter = String.fromCharCode(code);
  if (!"\"'`\\$".includes(letter)) letters.push(letter);
}
/** The last two letters announce a second one. */
const SINGLE = letters.length - 2;

const count = new Array(256).fill(0);
for (const byte of wasm) count[byte] += 1;
const order = [...count.keys()].sort((a, b) => count[b] - count[a] || a - b);
const text = new Array(256);
for (const [rank, byte] of order.entries()) {
  const rest = rank - SINGLE;
  const second = letters[rest % letters.length];
  text[byte] =
    rest < 0 ? letters[rank] : letters[SINGLE + Math.floor(rest / letters.length)] + second;
}

const module = `const letters = ${JSON.stringify(letters.join(""))};
const order = ${JSON.stringify(order)};
const text = "${Array.from(wasm, (byte) => text[byte]).join("")}";
const rank = new Uint8Array(128);
for (let at = 0; at < letters.length; at++) rank[letters.charCodeAt(at)] = at;
const wasm = new Uint8Array(${wasm.length});
for (let at = 0, from = 0; at < wasm.length; at++) {
  let index = rank[text.charCodeAt(from++)];
  if (index >= ${SINGLE})
    index = ${SINGLE} + (index - ${SINGLE}) * ${letters.length} + rank[text.charCodeAt(from++)];
  wasm[at] = order[index];
}
export default wasm;
`;
writeFileSync(to, module);
