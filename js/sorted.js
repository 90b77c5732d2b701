// Participants in order and in a grid: `sortStreams` of group calls.

import { callPage } from "./told.js";
import { numberOf, textOf, wholeOf } from "./values.js";

/** The rows and columns that leave the largest pictures of this shape. */
function grid(count, width, height, ratio) {
  let best = { columns: 1, side: 0 };
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const side = Math.min(width / columns, (height / rows) * ratio);
    if (side > best.side) best = { columns, side };
  }
  return { ...best, rows: Math.ceil(count / best.columns) };
}

/** Calls a method of the page's listener, if it has it. */
function ask(listener, name, ...values) {
  const method = listener?.[name];
  return typeof method === "function" ? callPage(method, listener, values) : undefined;
}

/**
 * Puts participants in order and into a grid of `width` by `height` pixels. `views` are participants
 * or what the listener makes participants of; `start` and `size` choose a page of them. Tells
 * `ParticipantSort_onSetCoordinates(view, position, x, y, width, height)` and returns the page. What
 * is no participant has no name, picture or voice.
 */
export function sorted(call, listener, views, place, params) {
  const { engine, isParticipant, speakers } = call;
  const participantOf = (view) => ask(listener, "ParticipantSort_onGetParticipant", view) ?? view;
  // Whom the server does not name has spoken long ago.
  const turn = (p) => (speakers.includes(p) ? speakers.indexOf(p) : speakers.length);
  const asked = (name) => (p) => (isParticipant(p) ? engine[name].call(p) : undefined);
  const [isLocal, isTalking, talked] = ["isLocal", "isTalking", "getTalkTimestamp"].map(asked);
  const [hasVideo, nameOf, shapeOf] = ["hasVideo", "getName", "getAspectRatio"].map(asked);
  const orders = [
    [params.orderedBySelf, (p) => (isLocal(p) ? 0 : 1)],
    [params.orderedByTalking, turn],
    [params.orderedByTalking, (p) => (isTalking(p) ? -Infinity : -(talked(p) ?? 0))],
    [params.orderedByVideo, (p) => (hasVideo(p) ? 0 : 1)],
    [params.orderedByName, (p) => textOf(nameOf(p)).toLowerCase()],
  ].filter(([on]) => on);
  const keyed = views.map((view) => {
    const participant = participantOf(view);
    return { view, participant, keys: orders.map(([, key]) => key(participant)) };
  });
  keyed.sort((a, b) => {
    const at = a.keys.findIndex((key, index) => key !== b.keys[index]);
    return at < 0 ? 0 : a.keys[at] < b.keys[at] ? -1 : 1;
  });
  const [start, size] = [place.start, place.size].map((value) => wholeOf(value) || 0);
  const page = keyed.slice(start, size > 0 ? start + size : undefined);
  const [width, height] = [place.width, place.height].map((value) => numberOf(value) || 0);
  const upright = params.flexibleOrientation && height > width;
  const ratio = upright
    ? numberOf(params.minVertAspectRation) || 9 / 16
    : numberOf(params.maxHorzAspectRatio) || 16 / 9;
  const { columns, rows } = grid(page.length, width, height, ratio);
  const [cellWidth, cellHeight] = [width / columns, height / rows];
  for (const [position, { view, participant }] of page.entries()) {
    const shape = (params.forceAspectRatio && shapeOf(participant)) || 0;
    const fit = shape ? Math.min(cellWidth, cellHeight * shape) : cellWidth;
    const [w, h] = shape ? [fit, fit / shape] : [cellWidth, cellHeight];
    const row = Math.floor(position / columns);
    // The last row stands in the middle.
    const inRow = Math.min(columns, page.length - row * columns);
    const left = (width - inRow * cellWidth) / 2 + (position % columns) * cellWidth;
    const [x, y] = [left + (cellWidth - w) / 2, row * cellHeight + (cellHeight - h) / 2];
    ask(listener, "ParticipantSort_onSetCoordinates", view, position, x, y, w, h);
  }
  return page.map(({ view }) => view);
}
