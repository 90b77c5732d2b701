// Where the rows of a long list are: measured ones as they are, the others guessed.
//
// Arithmetic only; after a change everything below it is added up anew, when it is asked for.

export class Heights {
  constructor(guess) {
    this.guess = guess;
    this.known = new Map();
    this.keys = [];
    this.tops = [0];
    this.valid = 0;
  }

  setKeys(keys) {
    // The rows before the first difference are where they were.
    let same = 0;
    while (same < keys.length && same < this.keys.length && keys[same] === this.keys[same]) same++;
    this.keys = keys;
    this.valid = Math.min(this.valid, same);
  }

  /** True when that moves the rows below. */
  measure(index, height) {
    const key = this.keys[index];
    if (this.known.get(key) === height) return false;
    this.known.set(key, height);
    this.valid = Math.min(this.valid, index);
    return true;
  }

  /** Everything is measured anew: the list has another width. */
  forget() {
    this.known.clear();
    this.valid = 0;
  }

  settle() {
    const { keys, tops, known, guess } = this;
    tops.length = keys.length + 1;
    for (let at = this.valid; at < keys.length; at++) {
      tops[at + 1] = tops[at] + (known.get(keys[at]) ?? guess);
    }
    this.valid = keys.length;
  }

  get total() {
    this.settle();
    return this.tops[this.keys.length];
  }

  top(index) {
    this.settle();
    return this.tops[index];
  }

  /** The row at a place; the nearest one outside. */
  at(y) {
    this.settle();
    let [low, high] = [0, Math.max(0, this.keys.length - 1)];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.tops[middle] <= y) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
