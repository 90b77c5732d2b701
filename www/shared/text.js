// The text of a message as nodes: links that can be clicked, what was looked for marked.
//
// Text of people never becomes HTML: every piece is a text node or one of two elements of ours.
import { element } from "./dom.js";

const LINK =
  /\bhttps?:\/\/[^\s<>"']+|\bwww\.[^\s<>"']+\.[^\s<>"']+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+/giu;
/** What ends a sentence rather than an address. */
const AFTER = /[.,;:!?…)\]}»”’]+$/u;
const EMOJI =
  /^(?:[\p{Extended_Pictographic}\p{Regional_Indicator}\u{1F3FB}-\u{1F3FF}\u200D\uFE0F\u20E3]|\s){1,14}$/u;

/** Whether a text is nothing but a few emoji. */
export const isEmoji = (text) => EMOJI.test(text) && /\S/u.test(text);

/** Where a piece of text leads; null when it is no address after all. */
export function address(piece) {
  const text = piece.includes("@") && !/^(https?:|www\.)/i.test(piece) ? `mailto:${piece}` : piece;
  try {
    const url = new URL(/^www\./i.test(text) ? `https://${text}` : text);
    return /^(https?|mailto):$/.test(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** The end of an address: closing brackets belong to it when they are opened in it. */
function endOf(piece) {
  let text = piece.replace(AFTER, "");
  if (piece[text.length] === ")" && text.includes("(")) text += ")";
  return text;
}

/** A text without links: nodes, with what was looked for marked. */
export function marked(text, query) {
  if (!query) return [text];
  const nodes = [];
  const lower = text.toLocaleLowerCase();
  // Where lower case has another length, places in it mean nothing.
  if (lower.length !== text.length) return [text];
  const wanted = query.toLocaleLowerCase();
  let at = 0;
  for (let next = lower.indexOf(wanted); next >= 0; next = lower.indexOf(wanted, at)) {
    nodes.push(text.slice(at, next));
    at = next + wanted.length;
    nodes.push(element("mark", {}, text.slice(next, at)));
  }
  nodes.push(text.slice(at));
  return nodes.filter((node) => node !== "");
}

/** The nodes of a text; `query` is marked in it. */
export function rich(text, query = "") {
  const nodes = [];
  let at = 0;
  for (const match of text.matchAll(LINK)) {
    const piece = endOf(match[0]);
    const href = address(piece);
    if (!href) continue;
    nodes.push(...marked(text.slice(at, match.index), query));
    const look = { href, target: "_blank", rel: "noopener noreferrer" };
    nodes.push(element("a", look, ...marked(piece, query)));
    at = match.index + piece.length;
  }
  nodes.push(...marked(text.slice(at), query));
  return nodes;
}
