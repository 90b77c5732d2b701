// The smaller classes: moments, requests to servers of the page's own, contacts, versions.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { covers } from "../harness/record.js";
import { World } from "../harness/world.js";
import { online } from "../harness/chat.js";

const world = World.forThisFile();
let page;
before(async () => {
  await world.open();
  const nobody = { app: "world", name: "nobody", token: "" };
  page = await world.visit(nobody, "chat.html", { start: false });
});

test("a moment is told in parts, in words, and counted in calendar days", async () => {
  const said = await page.evaluate(() => {
    const at = new Date(2024, 2, 5, 6, 7, 8).getTime();
    const t = new MesiboDateTime(at);
    const day = 24 * 3600 * 1000;
    const noon = new Date();
    noon.setHours(12, 0, 0, 0);
    const [today, yesterday] = [new MesiboDateTime(noon), new MesiboDateTime(noon - day)];
    const again = new MesiboDateTime(0);
    again.setTimestamp(at);
    const parts = (t) => [t.ts === at, t.year, t.month, t.day, t.hour, t.min, t.sec, t.wday];
    const before = t.getMonthName();
    MesiboDateTime.setMonthName(3, "Lenz");
    const renamed = t.getMonthName();
    MesiboDateTime.setMonthName(3, undefined);
    MesiboDateTime.setDefaultDateFormat(true);
    const monthFirst = t.getDate();
    MesiboDateTime.setDefaultDateFormat(false);
    const dayFirst = t.getDate();
    MesiboDateTime.setDefaultRelativeDateText("Today", "Yesterday");
    const relative = [today.getDate(), yesterday.getDate()];
    MesiboDateTime.setDefaultRelativeDateText(null, null);
    return {
      parts: parts(t),
      again: parts(again),
      dates: [t.getDate(true), t.getDate(false), monthFirst, dayFirst],
      relative,
      given: [today.getDate(true, "now", "then"), yesterday.getDate(true, "now", "then")],
      numerical: t.getDate(true, null, null, true) === t.getNumericalDate(),
      time: [/6:07/.test(t.getTime()), /6:07:08/.test(t.getTime(true))],
      days: [today.getDaysElapsed(), yesterday.getDaysElapsed(), today.yd],
      is: [today.isToday(), yesterday.isYesterday(), t.isToday(), t.isValid(), again.isValid()],
      nothing: new MesiboDateTime(0).isValid(),
      seconds: new MesiboDateTime(Date.now() - 5000).getSecondsElapsed(),
      words: [
        new MesiboDateTime(Date.now() - 2 * 3600e3 - 60e3).getDateInNaturalLanguage(),
        new MesiboDateTime(Date.now() - 2 * 3600e3 - 60e3).getDateInNaturalLanguage(2),
      ],
      names: [before, renamed],
      locale: [
        typeof MesiboDateTime.isMonthFirstDateFormat(),
        typeof MesiboDateTime.is24HourTimeFormat(),
      ],
    };
  });
  const parts = [true, 2024, 3, 5, 6, 7, 8, 2];
  assert.deepEqual(said.parts, parts);
  assert.deepEqual(said.again, parts);
  assert.deepEqual(said.dates, ["Mar 5, 2024", "5 Mar 2024", "Mar 5, 2024", "5 Mar 2024"]);
  assert.deepEqual(said.relative, ["Today", "Yesterday"]);
  assert.deepEqual(said.given, ["now", "then"]);
  assert.equal(said.numerical, true);
  assert.deepEqual(said.time, [true, true]);
  assert.deepEqual(said.days, [0, 1, 0]);
  assert.deepEqual(said.is, [true, true, false, true, true]);
  assert.equal(said.nothing, false);
  assert.ok(said.seconds >= 5 && said.seconds <= 7);
  assert.deepEqual(said.words, ["2 hours ago", "2 hours, 1 minute ago"]);
  assert.deepEqual(said.names, ["Mar", "Lenz"]);
  assert.deepEqual(said.locale, ["boolean", "boolean"]);
  covers(..."ts year month day hour min sec wday".split(" ").map((n) => `MesiboDateTime.${n}`));
});

test("a request says JSON, a form or text, calls back once, and says how it went", async () => {
  const answers = await page.evaluate(async () => {
    const ask = (path, prepare) =>
      new Promise((resolve) => {
        const http = chat.api.createhttpRequest();
        http.setUrl(location.origin + path);
        prepare(http);
        let calls = 0;
        http.send({ mine: 1 }, (data, text) => {
          calls += 1;
          resolve([data.mine, text?.slice(0, 9), http.respCode, http.result, calls, http]);
        });
      });
    const page = await ask("/test/blank.html", () => {});
    const http = page.pop();
    const missing = await ask("/none", (http) => http.setPostData({ a: 1 }, true));
    missing.pop();
    const cancelled = await ask("/test/blank.html", (http) => {
      const { send } = MesiboHttp.prototype;
      http.send = function (...values) {
        const result = send.apply(this, values);
        http.cancel();
        return result;
      };
    });
    const shape = (data, json) => {
      const made = new MesiboHttp();
      made.setPostData(data, json);
      return [made.post, made.contentType];
    };
    const plain = new MesiboHttp();
    plain.setUrl(`${location.origin}/test/blank.html`);
    plain.execute();
    while (plain.getDataString() === null) await new Promise((resolve) => setTimeout(resolve));
    return {
      page,
      missing: missing.slice(2, 4),
      cancelled: cancelled.slice(0, 4),
      data: [http.getDataString().length > 50, http.getData() instanceof Uint8Array],
      fields: [http.url.endsWith("blank.html"), http.proxy, http.postBundle, http.extraHeaders],
      shapes: [shape({ a: 1, b: { c: 2 } }, true), shape({ a: 1, b: "x y" }), shape("as it is")],
      executed: plain.getDataString().length > 50,
      same: chat.api.createhttpRequest() instanceof MesiboHttp,
    };
  });
  assert.deepEqual(answers.page, [1, "<!doctype", 200, true, 1]);
  assert.equal(answers.missing[1], false);
  assert.deepEqual(answers.cancelled, [1, undefined, 0, false]);
  assert.deepEqual(answers.data, [true, true]);
  assert.deepEqual(answers.fields, [true, "", undefined, {}]);
  assert.deepEqual(answers.shapes, [
    ['{"a":1,"b":{"c":2}}', "application/json"],
    ["a=1&b=x+y", "application/x-www-form-urlencoded"],
    ["as it is", "application/x-www-form-urlencoded"],
  ]);
  assert.equal(answers.executed, true);
  assert.equal(answers.same, true);
  const fields = "url proxy post postBundle contentType extraHeaders respCode result";
  covers(...fields.split(" ").map((name) => `MesiboHttp.${name}`));
});

test("versions and ids are told; a synchroniser takes what it is given", async () => {
  const said = await page.evaluate(() => {
    Mesibo.printVersion("page", "1.2");
    const ids = new Set(Array.from({ length: 1000 }, () => chat.api.random()));
    const { api } = chat;
    return [
      /^\d+\.\d+\.\d+/.test(Mesibo.version()),
      ids.size,
      [...ids].every((id) => Number.isInteger(id) && id > 0 && id < 2 ** 32),
      api.getUniqueMessageId() > 0,
      api.getSenderMessageId(5 * 2 ** 32 + 77),
      MesiboContactSynchronizer.isAutoSyncEnabled(),
      MesiboContactSynchronizer.enableAutoSync(true),
      MesiboContactSynchronizer.isAutoSyncEnabled(),
    ];
  });
  assert.deepEqual(said, [true, 1000, true, true, 77, false, undefined, true]);
  assert.ok(page.lines.some(({ text }) => /mesibo \d.* page 1\.2/.test(text)));
  const [ada, bob] = await world.people("ada", "bob");
  const a = await world.visit(ada, "chat.html");
  await online(a);
  await a.evaluate((address) => {
    window.updated = [];
    chat.api.addListener({ Mesibo_onProfileUpdated: (p) => updated.push(p.getAddress()) });
    const sync = new MesiboContactSynchronizer();
    sync.setContact(true);
    sync.subscribe(true);
    sync.syncAsUpdate([address], false);
    sync.syncNow();
  }, bob.address);
  await a.until((address) => updated.includes(address), bob.address);
  assert.ok(
    await a.evaluate((address) => chat.api.getProfile(address, 0).isContact(), bob.address),
  );
});

// Rules: 5.14.1.
test("the SDK adds no element to a page that only talks, and reserves no id", async () => {
  const ids = await page.evaluate(() => {
    const p = chat.api.getProfile("somebody", 0);
    const m = p.newMessage();
    m.message = "hello";
    m.send();
    p.createReadSession(null).read(1);
    return [...document.querySelectorAll("[id]")].map(({ id }) => id);
  });
  assert.deepEqual(ids, []);
});
