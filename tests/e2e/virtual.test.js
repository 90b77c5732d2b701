// The long lists of the pages: where rows are, and that what one looks at stays there.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { Heights } from "../../www/shared/heights.js";
import { World } from "./harness/world.js";

const world = World.forThisFile();

function heightsOf(keys, guess = 50) {
  const heights = new Heights(guess);
  heights.setKeys(keys);
  return heights;
}

test("rows are where the measured and guessed ones above them end", () => {
  const heights = heightsOf(["a", "b", "c", "d"]);
  assert.equal(heights.total, 200);
  assert.equal(heights.measure(1, 30), true);
  assert.equal(heights.measure(1, 30), false, "nothing moves");
  assert.deepEqual(
    [0, 1, 2, 3, 4].map((at) => heights.top(at)),
    [0, 50, 80, 130, 180],
  );
  heights.forget();
  assert.equal(heights.total, 200);
});

test("the row at a place is found, at the edges and outside too", () => {
  const heights = heightsOf(["a", "b", "c"]);
  heights.measure(0, 10);
  assert.deepEqual(
    [-5, 0, 9, 10, 59, 60, 1000].map((y) => heights.at(y)),
    [0, 0, 0, 1, 1, 2, 2],
  );
  assert.equal(heightsOf([]).at(7), 0);
  assert.equal(heightsOf([]).total, 0);
});

test("what was measured is known by its key when rows come before it, go, or change places", () => {
  const heights = heightsOf(["a", "b"]);
  heights.measure(0, 10);
  heights.measure(1, 20);
  heights.setKeys(["x", "a", "y", "b"]);
  assert.deepEqual(
    [1, 2, 3, 4].map((at) => heights.top(at)),
    [50, 60, 110, 130],
  );
  heights.setKeys(["b", "a"]);
  assert.equal(heights.top(1), 20);
});

let page;
before(async () => {
  await world.open();
  // Any page of ours: its policy and its modules.
  page = (await (await world.chromium()).open(`${world.server.url}/messenger/`)).raw;
  await page.evaluate(async () => {
    const { VirtualList } = await import("/shared/virtual.js");
    document.body.innerHTML = "";
    const scroller = document.createElement("div");
    scroller.style.cssText = "height: 400px; width: 300px; overflow-y: auto; position: relative";
    scroller.tabIndex = 0;
    const list = scroller.appendChild(document.createElement("ol"));
    list.style.minHeight = "100%";
    document.body.append(scroller);
    const draw = (row, drawn) => {
      const element = drawn ?? document.createElement("li");
      element.textContent = String(row.key);
      element.style.height = `${row.height ?? 20 + (row.key % 7) * 10}px`;
      return element;
    };
    const open = (toEnd) => new VirtualList(scroller, list, { guess: 33, draw, toEnd });
    const rows = (from, to) => Array.from({ length: to - from }, (_, at) => ({ key: from + at }));
    /** Where a row is in the window of the list; null when it is not drawn. */
    const place = (key) => {
      const element = [...list.children].find((child) => child.rowKey === key);
      if (!element) return null;
      return Math.round(element.getBoundingClientRect().top - scroller.getBoundingClientRect().top);
    };
    const frames = () =>
      new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    Object.assign(globalThis, { scroller, list, open, rows, place, frames });
  });
});

/** Runs in the page with a fresh list that is closed afterwards. */
const inPage = (toEnd, act) =>
  page.evaluate(`(async () => {
    scroller.scrollTop = 0;
    const lines = open(${toEnd});
    try { return await (${act})(lines); } finally { lines.close(); list.replaceChildren(); }
  })()`);

test("of 10,000 rows only those near the window are in the page, wherever it is", async () => {
  const counts = await inPage(false, async (lines) => {
    lines.setRows(rows(0, 10_000));
    const counts = [];
    for (const part of [0, 0.3, 0.7, 1]) {
      scroller.scrollTop = scroller.scrollHeight * part;
      await frames();
      counts.push(list.children.length);
    }
    return [counts, lines.firstSeen.key > 9_900];
  });
  assert.ok(
    counts[0].every((count) => count > 8 && count < 120),
    String(counts[0]),
  );
  assert.equal(counts[1], true);
});

test("older rows above, rows that go and rows that grow do not move what one looks at", async () => {
  const places = await inPage(false, async (lines) => {
    lines.setRows(rows(1000, 1200));
    lines.show(1100, 0.5);
    await frames();
    const places = [place(1100)];
    lines.setRows(rows(500, 1200));
    places.push(place(1100));
    lines.setRows(rows(500, 1200).filter(({ key }) => key < 1080 || key >= 1095));
    places.push(place(1100));
    [...list.children].find((child) => child.rowKey < 1078).style.height = "333px";
    await frames();
    places.push(place(1100));
    lines.setRows(rows(500, 1200).filter(({ key }) => key !== lines.firstSeen.key));
    places.push(place(1100));
    return places;
  });
  assert.deepEqual(places, Array(5).fill(200));
});

test("who is at the end stays there, who has gone up does not", async () => {
  const facts = await inPage(true, async (lines) => {
    const left = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
    lines.setRows(rows(0, 300));
    const facts = [left() < 2];
    lines.setRows(rows(0, 305));
    facts.push(left() < 2, place(304) !== null);
    list.lastElementChild.style.height = "300px";
    await frames();
    facts.push(left() < 2);
    scroller.scrollTop -= 700;
    await frames();
    const { key } = lines.firstSeen;
    lines.setRows(rows(0, 310));
    await frames();
    return [...facts, lines.firstSeen.key === key, left() > 700];
  });
  assert.deepEqual(facts, Array(6).fill(true));
});

test("a focus on a row that leaves the window goes to the list, not to nowhere", async () => {
  const focused = await inPage(false, async (lines) => {
    lines.setRows(rows(0, 1000));
    const element = lines.elementOf(3);
    element.tabIndex = 0;
    element.focus();
    scroller.scrollTop = scroller.scrollHeight;
    await frames();
    return document.activeElement === scroller;
  });
  assert.equal(focused, true);
});

test("text becomes text and safe links, never elements of its own", async () => {
  const results = await page.evaluate(async () => {
    const { rich, isEmoji } = await import("/shared/text.js");
    const html = (text, query) => {
      const place = document.createElement("p");
      place.append(...rich(text, query));
      return [
        place.textContent === text,
        [...place.querySelectorAll("*")].map((e) => e.tagName),
        [...place.querySelectorAll("a")].map((a) => a.getAttribute("href")),
      ];
    };
    return {
      plain: html("<img src=x onerror=alert(1)>"),
      link: html("see https://a.example/x?(1), and www.b.example/y."),
      brackets: html("(https://c.example/wiki/Thing_(one))"),
      mail: html("to ada@example.com!"),
      script: html("javascript:alert(1) data:text/html,x https://"),
      marked: html("Some THING, some thing", "thing"),
      emoji: ["🎉", "👩‍👩‍👧 ❤️", "ok 🎉", "12", "  "].map(isEmoji),
    };
  });
  assert.deepEqual(results.plain, [true, [], []]);
  assert.deepEqual(results.link[2], ["https://a.example/x?(1)", "https://www.b.example/y"]);
  assert.deepEqual(results.brackets[2], ["https://c.example/wiki/Thing_(one)"]);
  assert.deepEqual(results.mail[2], ["mailto:ada@example.com"]);
  assert.deepEqual(results.script, [true, [], []]);
  assert.deepEqual(results.marked.slice(0, 2), [true, ["MARK", "MARK"]]);
  assert.deepEqual(results.emoji, [true, true, false, false, false]);
});
