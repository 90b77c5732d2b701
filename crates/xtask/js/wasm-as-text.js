// Writes WebAssembly as a JavaScript module that holds it as text and
// exports a function that gives its bytes: `node wasm-as-text.js DECODER FROM TO`, the decoder being
// `text-to-wasm.wat` as WebAssembly.
//
// Base64 spreads three bytes over four letters, which hides repetitions from gzip and brotli: it costs a
// third of the download. Here every byte is one printable letter, or, for rare bytes, two; repetitions
// stay repetitions. Only ASCII, so the encoding of the page that loads it does not matter.
import { readFileSync, writeFileSync } from "node:fs";

const [decoder, from, to] = process.argv.slice(2);
const wasm = readFileSync(from);

// Printable, and needing no escape in a string, whatever its quotes.
const letters = [];
for (let code = 0x20; code < 0x7f; code++) {
  const letter = String.fromCharCode(code);
  if (!"\"'`\\$".includes(letter)) letters.push(letter);
}
// The last two announce a second one. The decoder knows them by their codes, which are neighbours.
const pairs = letters.splice(-2);

const count = new Array(256).fill(0);
for (const byte of wasm) count[byte] += 1;
const rare = [...count.keys()].sort((a, b) => count[b] - count[a] || a - b);
const written = [...letters, ...pairs.flatMap((pair) => letters.map((letter) => pair + letter))];
const textOf = [];
// For the decoder: the byte of each letter, three times, as it stands in its memory.
const table = Buffer.alloc(3 * 128);
for (const [rank, byte] of rare.entries()) {
  const text = written[rank];
  textOf[byte] = text;
  const part = pairs.indexOf(text[0]) + 1;
  table[part * 128 + text.charCodeAt(text.length - 1)] = byte;
}
const text = Array.from(wasm, (byte) => textOf[byte]).join("");

const BEGIN = 512;
const PAGE = 65_536;
const inBase64 = (bytes) => JSON.stringify(Buffer.from(bytes).toString("base64"));
const module = `const bytes = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
const text = "${text}";
export default () => {
  const decoder = new WebAssembly.Module(bytes(${inBase64(readFileSync(decoder))}));
  const { memory, decode } = new WebAssembly.Instance(decoder).exports;
  memory.grow(${Math.ceil((BEGIN + text.length) / PAGE)});
  const all = new Uint8Array(memory.buffer);
  all.set(bytes(${inBase64(table)}));
  new TextEncoder().encodeInto(text, all.subarray(${BEGIN}));
  decode(${BEGIN + text.length}, ${pairs[0].charCodeAt(0)});
  return all.subarray(${BEGIN}, ${BEGIN + wasm.length});
};
`;
writeFileSync(to, module);
