// A long list of which only what can be seen is in the page.
//
// Relies on rows without margins (their space is padding) and on being alone in its scroller.
// Promises that what one looks at stays where it is when rows come, go or turn out taller than
// guessed, and that who is at the end stays there.
import { arrange } from "./dom.js";
import { Heights } from "./heights.js";

/** What is kept ready beyond each edge, px: a quick flick stays inside. */
const BEYOND = 600;
/** Nearer to the end than this counts as being there, px. */
const NEAR = 80;
/** Guesses that turn out wrong are corrected this often before a frame, at most. */
const PASSES = 4;

export class VirtualList {
  /**
   * `scroller` holds `list` alone. `draw(row, element)` makes the element of a row, or brings the
   * one it has up to date; rows have a `key`, `loose` ones may wander. `moved` is called after
   * each scroll.
   */
  constructor(scroller, list, { guess, draw, moved = () => {}, toEnd = false }) {
    Object.assign(this, { scroller, list, draw, moved, atEnd: toEnd, toEnd });
    this.rows = [];
    this.heights = new Heights(guess);
    this.elements = new Map();
    this.lastTop = 0;
    // The browser would correct, too.
    scroller.style.overflowAnchor = "none";
    this.onScroll = () => {
      this.noteEnd();
      this.render(false);
      this.moved();
    };
    scroller.addEventListener("scroll", this.onScroll, { passive: true });
    this.sizes = new ResizeObserver((entries) => this.onResize(entries));
    this.sizes.observe(scroller);
  }

  close() {
    this.scroller.removeEventListener("scroll", this.onScroll);
    this.sizes.disconnect();
  }

  /** Other rows, or the same ones with other contents. */
  setRows(rows) {
    const anchors = this.anchors();
    this.rows = rows;
    this.heights.setKeys(rows.map((row) => row.key));
    this.render(true, anchors);
  }

  indexOf(key) {
    return this.heights.keys.indexOf(key);
  }

  elementOf(key) {
    return this.elements.get(key) ?? null;
  }

  /** The row at the upper edge. */
  get firstSeen() {
    return this.rows[this.heights.at(this.scroller.scrollTop)] ?? null;
  }

  /** Brings a row into view, at the given part of the height: 0 is the top, 0.5 the middle. */
  show(key, part = 0.5) {
    const index = this.indexOf(key);
    if (index < 0) return null;
    this.atEnd = false;
    // What is on the way is measured as it appears, so the place is corrected with it.
    this.render(false, [{ key, y: this.scroller.clientHeight * part }]);
    return this.elementOf(key);
  }

  /** Only as far as needed, for who walks with the keys. */
  reveal(key) {
    const index = this.indexOf(key);
    if (index < 0) return null;
    const { scrollTop, clientHeight } = this.scroller;
    const [top, bottom] = [this.heights.top(index), this.heights.top(index + 1)];
    if (top < scrollTop) this.show(key, 0);
    else if (bottom > scrollTop + clientHeight) {
      this.show(key, Math.max(0, 1 - (bottom - top) / clientHeight));
    }
    this.noteEnd();
    return this.elementOf(key);
  }

  /** From the next rows on the end is shown: laying it out for each of many would be for nothing. */
  follow() {
    this.atEnd = this.toEnd;
  }

  scrollToEnd() {
    this.follow();
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.render(false);
  }

  /** Only who goes up leaves the end: rows that grow below do not. */
  noteEnd() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    const near = scrollHeight - scrollTop - clientHeight < NEAR;
    if (near) this.atEnd = this.toEnd;
    else if (scrollTop < this.lastTop) this.atEnd = false;
    this.lastTop = scrollTop;
  }

  /** The rows in view and where they are, so that the first that stays can be brought back there. */
  anchors() {
    const { scrollTop, clientHeight } = this.scroller;
    const anchors = [];
    if (this.atEnd) return anchors;
    for (let at = this.heights.at(scrollTop); at < this.rows.length; at++) {
      const y = this.heights.top(at) - scrollTop;
      if (y > clientHeight) break;
      // Separators wander when more is known.
      if (!this.rows[at].loose) anchors.push({ key: this.rows[at].key, y });
    }
    return anchors;
  }

  onResize(entries) {
    const anchors = this.anchors();
    let other = false;
    for (const { target, borderBoxSize } of entries) {
      if (target === this.scroller) {
        const { inlineSize } = borderBoxSize[0];
        if (this.width !== undefined && this.width !== inlineSize) this.heights.forget();
        this.width = inlineSize;
        other = true;
      } else if (target.isConnected) {
        const index = this.indexOf(target.rowKey);
        if (index >= 0) other = this.heights.measure(index, borderBoxSize[0].blockSize) || other;
      }
    }
    if (other) this.render(false, anchors);
  }

  /** `fresh`: what is in view is drawn again, too. */
  render(fresh, anchors = this.anchors()) {
    const { scroller, heights, list } = this;
    for (let pass = 0; pass < PASSES; pass++) {
      const place = this.placeOf(anchors);
      const height = scroller.clientHeight;
      const top = this.atEnd ? heights.total - height : (place ?? scroller.scrollTop);
      const from = heights.at(top - BEYOND);
      const to = this.rows.length && heights.at(top + height + BEYOND) + 1;
      this.fill(from, to, fresh && pass === 0);
      list.style.paddingTop = `${heights.top(from)}px`;
      list.style.paddingBottom = `${heights.total - heights.top(to)}px`;
      const moved = this.measure(from, to);
      if (moved) list.style.paddingBottom = `${heights.total - heights.top(to)}px`;
      const wanted = this.atEnd ? scroller.scrollHeight : this.placeOf(anchors);
      if (wanted !== null && Math.abs(scroller.scrollTop - wanted) >= 1)
        scroller.scrollTop = wanted;
      if (!moved) break;
    }
    this.lastTop = scroller.scrollTop;
  }

  /** Where the scroller has to be for what was in view to be where it was. */
  placeOf(anchors) {
    for (const { key, y } of anchors) {
      const index = this.indexOf(key);
      if (index >= 0) return Math.max(0, this.heights.top(index) - y);
    }
    return null;
  }

  fill(from, to, fresh) {
    const shown = [];
    const focused = this.list.contains(document.activeElement);
    for (let at = from; at < to; at++) {
      const row = this.rows[at];
      let element = this.elements.get(row.key);
      if (!element || fresh) {
        const drawn = this.draw(row, element ?? null);
        drawn.rowKey = row.key;
        if (drawn !== element) this.sizes.observe(drawn);
        this.elements.set(row.key, (element = drawn));
      }
      shown.push(element);
    }
    const wanted = new Set(shown);
    for (const [key, element] of this.elements) {
      if (wanted.has(element)) continue;
      this.elements.delete(key);
      this.sizes.unobserve(element);
    }
    arrange(this.list, shown);
    // Who was on a row that has left is on the list, not nowhere.
    if (focused && !this.list.contains(document.activeElement)) {
      this.scroller.focus({ preventScroll: true });
    }
  }

  measure(from, to) {
    let moved = false;
    for (let at = from; at < to; at++) {
      const { height } = this.elements.get(this.rows[at].key).getBoundingClientRect();
      // A list that is not laid out has no heights to learn.
      if (height) moved = this.heights.measure(at, height) || moved;
    }
    return moved;
  }
}
