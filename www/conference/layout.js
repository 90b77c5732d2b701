// Where tiles go: all alike, or one large and the others in a strip beside it. Numbers only.

const SHAPE = 16 / 9;
/** Between tiles and around them, px: `--space-2` of the style. */
const GAP = 8;
/** Width of a tile in the strip, px; on narrow screens three of them share the width. */
const STRIP = 176;

/** As large as `count` tiles can be in this room; a list of `{ x, y, width, height }`. */
export function even(count, room) {
  const inner = room.width - 2 * GAP;
  let best = { area: -1 };
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const wide = (inner - GAP * (columns - 1)) / columns;
    const high = (room.height - GAP * (rows - 1)) / rows;
    // A tile may be as tall as wide: on a phone, faces fill the screen better than bars.
    const width = Math.min(wide, high * SHAPE);
    const height = Math.min(high, width / (inner < room.height ? 1 : SHAPE));
    if (width * height > best.area) best = { area: width * height, width, height, columns, rows };
  }
  const { width, height, columns, rows } = best;
  const top = (room.height - rows * height - (rows - 1) * GAP) / 2;
  return Array.from({ length: count }, (_, at) => {
    const row = Math.floor(at / columns);
    // The last row is in the middle.
    const inRow = row === rows - 1 ? count - row * columns : columns;
    const left = (room.width - inRow * width - (inRow - 1) * GAP) / 2;
    const x = left + (at % columns) * (width + GAP);
    return { x, y: top + row * (height + GAP), width, height };
  });
}

/**
 * One large, `others` beside or below it where there is more room; `null` for those that have no place
 * in the strip any more. The large one is the first of the list.
 */
export function speaker(others, room) {
  const beside = room.width > room.height;
  const width = beside ? STRIP : Math.min(STRIP, (room.width - 4 * GAP) / 3);
  const tile = { width, height: width / SHAPE };
  const inner = { x: GAP, y: 0, width: room.width - 2 * GAP, height: room.height };
  const main = { ...inner };
  if (!others) return [main];
  if (beside) main.width -= width + GAP;
  else main.height -= tile.height + GAP;
  const step = (beside ? tile.height : tile.width) + GAP;
  const places = Math.max(1, Math.floor(((beside ? inner.height : inner.width) + GAP) / step));
  const strip = Array.from({ length: others }, (_, at) => {
    if (at >= places) return null;
    if (beside) return { ...tile, x: inner.x + main.width + GAP, y: at * step };
    return { ...tile, x: inner.x + at * step, y: main.height + GAP };
  });
  return [main, ...strip];
}
