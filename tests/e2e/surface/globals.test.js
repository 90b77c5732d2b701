// What the script tag adds to a page: the constants with their values, the classes, and nothing else.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { names } from "../coverage/coverage.js";
import { pending } from "../coverage/pending.js";
import { covers } from "../harness/record.js";
import { World } from "../harness/world.js";
import { arrived, online, received, send } from "../harness/chat.js";

const world = World.forThisFile();
const nobody = { app: "world", name: "nobody", token: "" };
let page;
before(async () => {
  await world.open();
  page = await world.visit(nobody, "chat.html", { start: false });
});
const ofKind = (kind) => names.filter((entry) => entry.kind === kind).map(({ name }) => name);

// Rules: 2.1.1, 2.1.6, 7.2, 7.3, 7.4, 7.5, 7.22, 7.30.
test("every constant is a Number of the documented value: writable, configurable, not enumerable", async () => {
  const constants = names.filter(({ kind }) => kind === "constant");
  assert.ok(constants.length > 390);
  const found = await page.evaluate((all) => {
    const describe = (name) => Object.getOwnPropertyDescriptor(globalThis, name);
    return all.map(describe);
  }, ofKind("constant"));
  constants.forEach(({ name, value }, at) => {
    const expected = { value, writable: true, enumerable: false, configurable: true };
    assert.deepEqual(found[at], expected, name);
    covers(name);
  });
  const more = await page.evaluate(() =>
    Object.getOwnPropertyNames(globalThis).filter((name) => /^MESIBO/.test(name)),
  );
  assert.deepEqual(
    more.filter((name) => !ofKind("constant").includes(name)),
    [],
  );
});

test("every class and function is a global that a page may replace, and tells what it is", async () => {
  const all = [...ofKind("class"), "array2String"].filter((name) => !pending(name));
  const found = await page.evaluate(
    (all) =>
      all.map((name) => {
        const property = Object.getOwnPropertyDescriptor(globalThis, name);
        if (!property) return [name, "is missing"];
        const { configurable, writable, enumerable, value } = property;
        return [name, configurable && writable && !enumerable && typeof value];
      }),
    all,
  );
  assert.deepEqual(
    found.filter(([, what]) => what !== "function"),
    [],
  );
  covers(...all);
});

// Rules: 2.1.4, 1.4.5, 7.27.
test("names that pages declare themselves are left to them", async () => {
  const theirs = [
    ...ofKind("no global"),
    ..."MESIBO_APP_ID MESIBO_ACCESS_TOKEN MESIBO_API_URL MESIBO_API_BACKEND MESIBO_DOWNLOAD_URL".split(
      " ",
    ),
    ..."MESIBO_UPLOAD_URL MESIBO_DEFAULT_PROFILE_IMAGE MESIBO_DEFAULT_GROUP_IMAGE".split(" "),
    ..."MESIBO_CAPTCHA_TOKEN STREAM_CAMERA STREAM_SCREEN api live exports module".split(" "),
    ..."MesiboNotify MesiboApp MesiboListener MesiboLog AUDIO_INBUILT AUDIO_SPEAKER".split(" "),
  ];
  const seen = await page.evaluate((theirs) => {
    const patterns = /^(MESIBO_MSG_ORIGIN_|STREAM_RESOLUTION_|AUDIO_(BLUETOOTH|HEADPHONE)$)/;
    const names = Object.getOwnPropertyNames(globalThis);
    return [
      theirs.filter((name) => name in globalThis),
      names.filter((name) => patterns.test(name)),
      [typeof globalThis.status, typeof globalThis.name],
    ];
  }, theirs);
  assert.deepEqual(seen, [[], [], ["string", "string"]]);
  covers(...ofKind("no global"));
});

// Rules: 2.1.2, 2.1.3, 2.1.5, 2.1.7.
test("a page that declares our names itself, sets exports, and loads the script twice, sends and receives", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const [a, b] = await Promise.all([world.visit(ada, "clash.html"), world.visit(bob, "chat.html")]);
  await Promise.all([online(a), online(b)]);
  await send(a, bob, ["from the clash"]);
  await arrived(b, 1);
  await send(b, ada, ["back"]);
  await arrived(a, 1);
  assert.deepEqual(await received(a), ["back"]);
  assert.deepEqual(await a.evaluate(() => clash()), {
    app: "theirs",
    online: 77,
    call: "theirs",
    message: null,
    exports: {},
    twice: true,
  });
  const twice = a.lines.filter(({ text }) => text.includes("loaded twice"));
  assert.equal(twice.length, 1);
  assert.deepEqual(
    a.lines.filter(({ type }) => type === "thrown"),
    [],
  );
});

// Rules: 1.5.13.
test("array2String decodes a range of bytes as UTF-8, clipped to what there is", async () => {
  const texts = await page.evaluate(() => {
    const bytes = new TextEncoder().encode("grüße ✓");
    return [
      array2String(bytes, 0, bytes.length),
      array2String(bytes, 0, 2),
      array2String(bytes, 7, 1000),
      array2String(bytes, 1000, 3),
      array2String(bytes),
      array2String(bytes.buffer, 0, 3),
      array2String(undefined, 0, 3),
    ];
  });
  assert.deepEqual(texts, ["grüße ✓", "gr", " ✓", "", "grüße ✓", "gr\ufffd", ""]);
});
