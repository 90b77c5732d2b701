// Files: given in every way, uploaded, resumed, taken over by the page, shown to the other side.
import assert from "node:assert/strict";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { covers } from "./harness/record.js";
import { World } from "./harness/world.js";
import { online, reached, send, SENT } from "./harness/chat.js";
import { Narrow } from "./harness/narrow.js";
import { until } from "./harness/until.js";

const world = World.forThisFile();

/** Two people online; each page keeps the messages it is told, and what it hears of transfers. */
async function two({ browser, from } = {}) {
  const [ada, bob] = await world.people("ada", "bob");
  const settings = { database: "chat" };
  const a = await world.visit(ada, "chat.html", settings, { browser, from });
  const b = await world.visit(bob, "chat.html", settings);
  await Promise.all([online(a), online(b)]);
  await Promise.all([listen(a), listen(b)]);
  return { ada, bob, a, b };
}

const listen = (page) =>
  page.evaluate(() => {
    chat.told = [];
    chat.messages = [];
    chat.progress = [];
    const { listener } = chat;
    const before = listener.Mesibo_onMessage;
    listener.Mesibo_onMessage = (m) => {
      before(m);
      chat.messages.push(m);
      chat.told.push(`message ${m.status}`);
    };
    listener.Mesibo_onMessageUpdate = (m) => chat.told.push(`update ${m === chat.message}`);
    listener.Mesibo_onFileTransferProgress = (ft) => {
      chat.progress.push({ percent: ft.progress, at: performance.now() });
      chat.transfer = ft;
    };
    /** A picture of two colours. */
    chat.draw = (width, height) => {
      const canvas = document.createElement("canvas");
      Object.assign(canvas, { width, height, id: "canvas" });
      const context = canvas.getContext("2d");
      context.fillStyle = "red";
      context.fillRect(0, 0, width, height);
      context.fillStyle = "blue";
      context.fillRect(0, 0, width / 2, height);
      document.documentElement.append(canvas);
      return canvas;
    };
    /** Loads a URL into a new element; its width and how often it has loaded. */
    chat.show = async (url, load = (image) => (image.src = url)) => {
      const image = new Image();
      let loads = 0;
      await new Promise((resolve, reject) => {
        image.onload = () => resolve((loads += 1));
        image.onerror = () => reject(new Error(`${url} is no picture`));
        load(image);
      });
      await image.decode();
      return { width: image.naturalWidth, loads };
    };
  });

/** Waits until the other side has a message with a file. */
async function receivedFile(page) {
  await page.until(() => chat.messages.some((m) => m.isIncoming()));
  return page.evaluate(() => {
    const m = chat.messages.find((m) => m.isIncoming());
    chat.message = m;
    const { filetype, fileurl, size, title } = m;
    const { name, mimeType, type, url } = m.file ?? {};
    const thumbnail = m.tn?.length ?? 0;
    const is = [m.hasFile(), m.hasImage(), m.isImage(), m.isDocument(), m.isRichMessage()];
    return { filetype, fileurl, size, title, name, mimeType, type, url, thumbnail, is };
  });
}

for (const browser of ["chromium", "firefox"]) {
  test(`an image given by its DOM id is shown at once and reaches the other side: ${browser}`, async () => {
    const { bob, a, b } = await two({ browser: await world[browser]() });
    const own = await a.evaluate(async (peer) => {
      const blob = await new Promise((resolve) => chat.draw(1600, 900).toBlob(resolve));
      const image = new Image();
      image.id = "picture";
      image.src = URL.createObjectURL(blob);
      await image.decode();
      document.documentElement.append(image);
      const m = chat.api.getProfile(peer, 0).newMessage();
      chat.message = m;
      const before = [m.file === undefined, m.filetype === undefined, m.hasFile()];
      const given = m.setContent("picture");
      m.message = "look";
      const session = chat.api.getProfile(peer, 0).createReadSession({});
      session.read(10);
      const rc = m.send();
      const shown = session.getMessages().includes(m);
      return { before, given, rc, shown, status: m.status, url: m.file.url, image: m.isImage() };
    }, bob.address);
    assert.deepEqual(own.before, [true, true, false]);
    assert.deepEqual([own.given, own.rc, own.shown, own.status], [true, 0, true, 0]);
    assert.ok(own.image);
    assert.match(own.url, /^blob:/);

    const got = await receivedFile(b);
    assert.equal(got.filetype, 1);
    assert.equal(got.type, 1);
    assert.equal(got.mimeType, "image/png");
    assert.equal(got.url, got.fileurl);
    assert.match(got.fileurl, /^http:.*\/files\/\d+-[0-9a-f]{32}\.png$/);
    assert.deepEqual(got.is, [true, true, true, false, true]);
    assert.ok(got.thumbnail > 0 && got.thumbnail <= 10 * 1024, `${got.thumbnail} bytes`);
    const shown = await b.evaluate(() => chat.show(chat.message.file.url));
    assert.equal(shown.width, 1600);
    const small = await b.evaluate(() => chat.show(chat.message.getThumbnail()));
    assert.equal(small.width, 400);
    const once = await b.evaluate(() =>
      chat.show("", (image) => chat.message.file.loadImageFromCache(image)),
    );
    assert.deepEqual(once, { width: 1600, loads: 1 });

    await reached(a, SENT, 1);
    const { told, after } = await a.evaluate(() => ({
      told: chat.told,
      after: [chat.message.fileurl, chat.message.getProgress(), chat.message.tn.length],
    }));
    assert.equal(told[0], "message 0", "told in the outbox, before its upload");
    assert.ok(told.includes("update true"), "with the very message that was sent");
    assert.deepEqual(after, [got.fileurl, 100, got.thumbnail]);
  });
}

// Rules: 1.2.8.
test("a file, bytes, a canvas, an input and what a page made are content; what is none is refused", async () => {
  const { bob, a, b } = await two();
  const facts = await a.evaluate(async (peer) => {
    const facts = [];
    chat.draw(20, 10);
    const input = Object.assign(document.createElement("input"), { type: "file", id: "field" });
    document.documentElement.append(input);
    const choice = new DataTransfer();
    choice.items.add(new File(["chosen"], "chosen.txt", { type: "text/plain" }));
    const give = (x, change) => {
      const m = chat.api.getProfile(peer, 0).newMessage();
      const given = m.setContent(x);
      change?.(m);
      facts.push([given, m.send(), m.filetype ?? null, m.title ?? null, m.size ?? null]);
    };
    give(new File(["{}"], "notes.json", { type: "application/json" }));
    give(new Blob(["sound"], { type: "audio/ogg" }));
    give(new Uint8Array([1, 2, 3]), (m) => m.setContentType(2));
    give("canvas");
    give("field");
    input.files = choice.files;
    give("field", () => (input.value = ""));
    give(URL.createObjectURL(new Blob(["a blob"], { type: "text/plain" })));
    give("data:text/plain,some%20data");
    give("nothing has this id");
    give(null);
    return facts;
  }, bob.address);
  const refused = [false, 133, null, null, null];
  assert.deepEqual(facts.at(-1), refused);
  assert.deepEqual(facts.at(-2), refused);
  assert.deepEqual(facts[4], refused, "no file was chosen");
  assert.deepEqual(facts[0].slice(0, 4), [true, 0, 10, "notes.json"]);
  assert.deepEqual([facts[1][2], facts[2][2], facts[3][2], facts[5][2]], [3, 2, 1, 10]);
  await b.until(() => chat.messages.length >= 7);
  const texts = await b.evaluate(() =>
    Promise.all(
      chat.messages.map(async (m) => {
        const answer = await fetch(m.fileurl);
        return `${m.getFileName()} ${m.filetype} ${m.size} ${m.isImage() ? "" : await answer.text()}`;
      }),
    ),
  );
  const expected = ["notes.json 10 2 {}", "null 3 5 sound", "chosen.txt 10 6 chosen"];
  expected.push("null 10 6 a blob", "null 10 9 some data");
  for (const text of expected) assert.ok(texts.includes(text), `${text} in ${texts}`);
});

test("a video gets a picture of its first frame, a sound and a text get none", async () => {
  const { bob, a, b } = await two();
  await a.evaluate(async (peer) => {
    const canvas = chat.draw(320, 240);
    const recorder = new MediaRecorder(canvas.captureStream(30), { mimeType: "video/webm" });
    const parts = [];
    const done = new Promise((resolve) => (recorder.onstop = resolve));
    recorder.ondataavailable = ({ data }) => {
      parts.push(data);
      if (data.size > 0 && recorder.state === "recording") recorder.stop();
      canvas.getContext("2d").fillRect(parts.length, 0, 1, 1);
    };
    const paint = () => {
      canvas.getContext("2d").fillRect(Math.random() * 320, 0, 9, 9);
      if (recorder.state === "recording") requestAnimationFrame(paint);
    };
    recorder.start(20);
    paint();
    await done;
    const video = new Blob(parts, { type: "video/webm" });
    for (const x of [video, new Blob(["x"], { type: "audio/ogg" }), new Blob(["x"])]) {
      const m = chat.api.getProfile(peer, 0).newMessage();
      m.setContent(x);
      m.send();
    }
  }, bob.address);
  await b.until(() => chat.messages.length === 3);
  const pictures = await b.evaluate(() =>
    chat.messages.map((m) => [m.filetype, m.hasThumbnail()]).sort((x, y) => x[0] - y[0]),
  );
  assert.deepEqual(pictures, [
    [2, true],
    [3, false],
    [10, false],
  ]);
  const shown = await b.evaluate(() =>
    chat.show(chat.messages.find((m) => m.isVideo()).getThumbnail()),
  );
  assert.equal(shown.width, 320);
});

// Rules: 5.4.4.
test("a URL is sent as it is, also by the sends of the first generations", async () => {
  const { bob, a, b } = await two();
  const results = await a.evaluate((peer) => {
    const url = "https://elsewhere.example/a/picture.jpg?x=1";
    const m = chat.api.getProfile(peer, 0).newMessage();
    m.setContent(url);
    m.setContentType(1);
    const tn = new Uint8Array([1, 2, 3]);
    const file = { filetype: 2, fileurl: url, size: 7, title: "clip", message: "old", tn };
    return [
      m.send(),
      chat.api.sendFile({ peer, type: 5 }, 4711, file),
      chat.api.getProfile(peer, 0).sendFile(4712.5, { type: 3, url, title: "song" }),
      chat.api.getProfile(peer, 0).sendFile(4713, { file: new Blob(["x"]), title: "sent" }),
      chat.api.sendFile({ peer }, 4714, {}),
    ];
  }, bob.address);
  assert.deepEqual(results, [0, 0, 0, 0, 133]);
  await b.until(() => chat.messages.length >= 4);
  const got = await b.evaluate(() =>
    chat.messages.map((m) => [m.filetype, m.title, m.size, m.message, m.type, m.id, m.fileurl]),
  );
  const url = "https://elsewhere.example/a/picture.jpg?x=1";
  assert.deepEqual(got[0].slice(0, 2), [1, "picture.jpg"]);
  assert.equal(got[0][6], url);
  assert.deepEqual(got[1], [2, "clip", 7, "old", 5, 4711, url]);
  assert.deepEqual([got[2][0], got[2][1], got[2][5]], [3, "song", 4712]);
  assert.deepEqual([got[3][1], got[3][2], got[3][5]], ["sent", 1, 4713]);
  const { own } = await a.evaluate(() => chat.answer());
  assert.equal(own.length, 1, "old pages show what they send by themselves");
});

/** What a message with a file says of itself; `file.object` and the like stay where they are. */
const told = (page, text) =>
  page.evaluate((text) => {
    const m = chat.messages.findLast((m) => m.message.startsWith(text));
    const { message, title, subtitle, footer, type, filetype, fileurl, launchurl, size } = m;
    const fields = { message, title, subtitle, footer, type, filetype, fileurl, launchurl, size };
    const { name, mimeType, url } = m.file;
    const getters = [m.getFileName(), m.getMimeType(), m.getFileSize(), m.getString("colour", "")];
    const numbers = [m.getSensitivity(), m.getUserData()];
    return { ...fields, name, mimeType, url, tn: [...m.tn], getters, numbers };
  }, text);

test("a forwarded file is what the original is: name, type, size, thumbnail and all beside it", async () => {
  const { ada, bob, a, b } = await two();
  await a.evaluate(async (peer) => {
    const blob = await new Promise((resolve) => chat.draw(400, 300).toBlob(resolve));
    const m = chat.api.getProfile(peer, 0).newMessage();
    m.title = "A title that is no name";
    m.setContent(new File([blob], "picture.of.ours", { type: "image/png" }));
    Object.assign(m, { message: "original", subtitle: "sub", footer: "foot", type: 77 });
    m.launchurl = "https://elsewhere.example/page";
    m.setString("colour", "green");
    m.setSensitivity(3);
    m.setUserData(4);
    m.send();
  }, bob.address);
  await b.until(() => chat.messages.some((m) => m.isIncoming() && m.fileurl));
  const original = await told(b, "original");
  assert.deepEqual(original.getters.slice(0, 2), ["picture.of.ours", "image/png"]);
  assert.deepEqual([original.type, original.numbers], [77, [3, 4]]);
  assert.ok(original.tn.length > 0);

  const uploads = () => readdirSync(join(world.server.data, "files"), { recursive: true }).length;
  const before = uploads();
  const arrivals = (page, count) =>
    page.until(
      (count) => chat.messages.filter((m) => m.isIncoming() && m.fileurl).length >= count,
      count,
    );
  const results = await b.evaluate((peer) => {
    const m = chat.messages.find((m) => m.isIncoming());
    return [
      m.forward(chat.api.getProfile(peer, 0)).send(),
      chat.api.forwardMessage({ peer }, chat.api.random(), m.mid),
    ];
  }, ada.address);
  assert.deepEqual(results, [0, 0]);
  await arrivals(a, 2);
  const forwarded = () => chat.messages.filter((m) => m.isIncoming()).map((m) => m.isForwarded());
  assert.deepEqual(await a.evaluate(forwarded), [true, true]);
  assert.deepEqual(await told(a, "original"), original);
  await a.reload();
  await online(a);
  // From the database, and once more: also what was forwarded is forwarded whole.
  await listen(a);
  await a.evaluate((peer) => {
    const session = chat.api.getProfile(peer, 0).createReadSession({
      Mesibo_onMessage: (m) => m && chat.messages.push(m),
    });
    session.read(10);
  }, bob.address);
  await a.until(() => chat.messages.length === 3);
  assert.deepEqual(await told(a, "original"), original);
  await a.evaluate((peer) => {
    const m = chat.messages.find((m) => m.isIncoming());
    chat.api.forwardMessage({ peer }, 0, m.mid);
  }, bob.address);
  await arrivals(b, 2);
  assert.deepEqual(await told(b, "original"), original);
  assert.equal(uploads(), before, "nothing is uploaded again");

  // Another caption leaves the file what it is.
  await a.evaluate(() => {
    const m = chat.messages.findLast((m) => m.isOutgoing());
    m.message = "original with another caption";
    m.sendUpdate();
  });
  await b.until(() => chat.told.some((word) => word.startsWith("update")));
  const edited = await told(b, "original with");
  assert.deepEqual(edited, { ...original, message: "original with another caption" });
});

test("a file that is still to be uploaded is forwarded too, also after a reload", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const a = await world.visit(ada, "chat.html", { database: "chat", start: false });
  const b = await world.visit(bob, "chat.html");
  await Promise.all([online(b), listen(b)]);
  // The page takes transfers over, and does nothing while they are held.
  const begin = async () => {
    await listen(a);
    await a.evaluate((peer) => {
      chat.listener.Mesibo_onStartFileTransfer = (ft) => {
        chat.hasFile = ft.getPath() instanceof Blob;
        return !chat.forwarding;
      };
      chat.start();
      const session = chat.api.getProfile(peer, 0).createReadSession(null);
      session.read(10);
      chat.waiting = () => session.getMessages().find((m) => m.message === "waits");
    }, bob.address);
    await online(a);
  };
  const forward = async (text) => {
    await a.until(() => chat.waiting()?.isFileReady() && chat.hasFile);
    const rc = await a.evaluate(
      ([peer, text]) => {
        chat.forwarding = true;
        const copy = chat.waiting().forward(chat.api.getProfile(peer, 0));
        copy.message = text;
        return copy.send();
      },
      [bob.address, text],
    );
    assert.equal(rc, 0);
    await b.until((text) => chat.messages.some((m) => m.message === text), text);
    const got = await b.evaluate(async (text) => {
      const m = chat.messages.find((m) => m.message === text);
      return [m.getFileName(), m.getMimeType(), await (await fetch(m.fileurl)).text()];
    }, text);
    assert.deepEqual(got, ["notes.txt", "text/plain", "text of a file"]);
    assert.equal(await a.evaluate(() => chat.waiting().fileurl), undefined);
  };
  await begin();
  await a.evaluate((peer) => {
    const m = chat.api.getProfile(peer, 0).newMessage();
    m.setContent(new File(["text of a file"], "notes.txt", { type: "text/plain" }));
    m.message = "waits";
    m.send();
  }, bob.address);
  await forward("at once");
  await a.reload();
  await begin();
  await forward("after a reload");
});

/** Waits until a part of an upload is on the server's disk. */
const serverHasSome = () =>
  until("a part of the upload", () => {
    const folder = join(world.server.data, "uploads");
    return readdirSync(folder).some((name) => statSync(join(folder, name)).size > 100_000);
  });

for (const browser of ["chromium", "firefox"]) {
  test(`an upload goes on where it was after a reload, and its message arrives once: ${browser}`, async () => {
    const narrow = await new Narrow(world.server.url).start();
    try {
      const { bob, a, b } = await two({ browser: await world[browser](), from: narrow.url });
      narrow.holdUploadsAfter(1_000_000);
      await a.evaluate((peer) => {
        const bytes = new Uint8Array(4_000_000);
        for (let at = 0; at < bytes.length; at += 65_536) {
          crypto.getRandomValues(bytes.subarray(at, at + 65_536));
        }
        const m = chat.api.getProfile(peer, 0).newMessage();
        chat.message = m;
        m.message = "large";
        m.setContent(new File([bytes], "large.bin"));
        m.send();
      }, bob.address);
      await a.until(() => chat.messages.length === 1);
      await a.until(() => chat.message.isFileTransferInProgress());
      await serverHasSome();
      // What is held stays held; the next one passes.
      narrow.release();
      await a.reload();
      await online(a);

      await b.until(() => chat.messages.length >= 1);
      const [size, title, url] = await b.evaluate(() => {
        const [m] = chat.messages;
        return [m.size, m.title, m.fileurl];
      });
      assert.deepEqual([size, title], [4_000_000, "large.bin"]);
      assert.equal((await (await fetch(url)).arrayBuffer()).byteLength, size);
      await reached(a, SENT, 1);
      const offset = (head) => Number(/upload-offset: (\d+)/i.exec(head)[1]);
      const patches = narrow.asked("PATCH").map(offset);
      assert.equal(patches[0], 0);
      assert.ok(patches.at(-1) > 0, `it began again: ${patches}`);
      assert.equal(narrow.asked("POST").length, 1, "one upload was begun");
      assert.equal(await b.evaluate(() => chat.messages.length), 1);
    } finally {
      await narrow.stop();
    }
  });
}

test("a file is sent after a reload, however late its database opens", async () => {
  const narrow = await new Narrow(world.server.url).start();
  try {
    const { bob, a, b } = await two({ from: narrow.url });
    narrow.holdUploadsAfter(0);
    await a.evaluate((peer) => {
      const m = chat.api.getProfile(peer, 0).newMessage();
      m.setContent(new File(["kept"], "kept.txt"));
      m.send();
    }, bob.address);
    await a.until(() => chat.messages.length === 1);
    await until("the upload to begin", () => narrow.asked("PATCH").length === 1);
    narrow.release();
    await a.raw.addInitScript(() => {
      const { open } = IDBFactory.prototype;
      const late = new Promise((resolve) => (globalThis.openFiles = resolve));
      IDBFactory.prototype.open = function (name, version) {
        const request = open.call(this, name, version);
        if (!name.endsWith("-files")) return request;
        const hold = (event) => {
          event.stopImmediatePropagation();
          request.removeEventListener("success", hold);
          late.then(() => request.dispatchEvent(new Event("success")));
        };
        request.addEventListener("success", hold);
        return request;
      };
    });
    await a.reload();
    await online(a);
    // Its transfer has begun before this is sent.
    await send(a, bob, ["beside it"]);
    await b.until(() => chat.messages.some((m) => m.message === "beside it"));
    await a.evaluate(() => openFiles());
    await b.until(() => chat.messages.some((m) => m.title === "kept.txt"));
  } finally {
    await narrow.stop();
  }
});

test("progress comes ten times a second at most, a stopped transfer waits, a cancelled one fails, resend goes on", async () => {
  const { bob, a, b } = await two();
  await a.evaluate((peer) => {
    chat.listener.Mesibo_onStartFileTransfer = (ft) => {
      chat.started = (chat.started ?? 0) + 1;
      if (chat.started === 1) return void ft.getUserObject().stopFileTransfer();
      if (chat.started === 2) return void queueMicrotask(() => ft.cancel(false));
    };
    const m = chat.api.getProfile(peer, 0).newMessage();
    chat.message = m;
    m.setContent(new File([new Uint8Array(8_000_000)], "zeroes.bin"));
    m.send();
  }, bob.address);
  await a.until(() => chat.started === 1 && !chat.message.isFileTransferInProgress());
  assert.equal(await a.evaluate(() => chat.message.toggleFileTransfer()), true);
  await a.until(() => chat.message.status === 0x80);
  const failed = await a.evaluate(() => [
    chat.message.isFileTransferFailed(),
    chat.message.resend(),
  ]);
  assert.deepEqual(failed, [true, true]);
  await b.until(() => chat.messages.length === 1);
  await reached(a, SENT, 1);
  const { progress, path, url } = await a.evaluate(() => ({
    progress: chat.progress,
    path: String(chat.transfer.getPath()),
    url: chat.transfer.getUrl(),
  }));
  assert.equal(progress.at(-1).percent, 100);
  const running = progress.filter((p) => p.percent > 0 && p.percent < 100);
  running.forEach((p, at) => {
    // The engine's clock counts whole milliseconds.
    if (at > 0) assert.ok(p.at - running[at - 1].at > 80, JSON.stringify(running));
  });
  assert.equal(path, "[object File]");
  assert.match(url, /\/files\/.*\.bin$/);
});

test("a page uploads by itself when its handler says so", async () => {
  const { bob, a, b } = await two();
  await a.evaluate((peer) => {
    chat.listener.Mesibo_onStartFileTransfer = (ft) => {
      const { upload, mid, inProgress } = ft;
      chat.asked = [upload, mid === chat.message.mid, inProgress, ft.getPath() instanceof Blob];
      ft.setFileTransferContext("kept");
      setTimeout(() => {
        chat.halfway = [ft.setProgress(50), ft.getFileTransferContext()];
        queueMicrotask(() => ft.setResult(true, "https://page.example/its.png"));
      });
      return true;
    };
    const m = chat.api.getProfile(peer, 0).newMessage();
    chat.message = m;
    m.setContent(new Blob(["x"], { type: "image/png" }));
    m.send();
  }, bob.address);
  const got = await receivedFile(b);
  assert.equal(got.fileurl, "https://page.example/its.png");
  assert.deepEqual(await a.evaluate(() => chat.asked), [true, true, true, true]);
  assert.deepEqual(await a.evaluate(() => chat.halfway), [true, "kept"]);
});

test("a service of the page's own gets the form that the documents say", async () => {
  const { ada, bob, a, b } = await two();
  await a.evaluate(
    ([peer, url, token]) => {
      chat.api.setUploadUrl(url, token);
      const m = chat.api.getProfile(peer, 0).newMessage();
      m.setContent(new File(["own"], "own.txt"));
      m.send();
    },
    [bob.address, `${world.server.url}/upload`, ada.token],
  );
  const got = await receivedFile(b);
  assert.equal(got.name, "own.txt");
  assert.equal(await (await fetch(got.fileurl)).text(), "own");
  const missing = await a.evaluate((peer) => {
    chat.api.setUploadUrl("", "");
    const m = chat.api.getProfile(peer, 0).newMessage();
    m.setContent("blob:gone");
    m.send();
    chat.message = m;
    return m.status;
  }, bob.address);
  assert.equal(missing, 0);
  await a.until(() => chat.message.status === 0x80);
  assert.equal(await a.evaluate(() => chat.told.at(-1)), "message 0", "told before it fails");
});

test("a page asks its own server before it has a token", async () => {
  const [ada] = await world.people("ada");
  const page = await world.visit(ada, "chat.html", { start: false });
  const answers = await page.evaluate(async () => {
    const ask = (prepare) =>
      new Promise((resolve) => {
        const http = chat.api.createhttpRequest();
        prepare(http);
        let called = 0;
        http.send({ mine: 1 }, (data, text) => {
          called += 1;
          setTimeout(() => resolve([data.mine, text, http.respCode, http.result, called]));
        });
      });
    return Promise.all([
      ask((http) => http.setUrl("/healthz")),
      ask((http) => {
        http.setUrl("/backend");
        http.setPostData({ op: "useradd", id: 7, user: { address: "x" } }, true);
      }),
      ask((http) => {
        http.setUrl("/backend");
        http.setPostData({ op: "userdel", id: 8 }, false);
      }),
      ask((http) => http.setUrl("/nothing is here")),
      ask((http) => http.setUrl("http://127.0.0.1:1/")),
    ]);
  });
  assert.deepEqual(answers[0], [1, "ok", 200, true, 1]);
  assert.equal(JSON.parse(answers[1][1]).error, "AUTHFAIL");
  assert.equal(JSON.parse(answers[1][1]).id, 7);
  assert.equal(JSON.parse(answers[2][1]).op, "userdel");
  assert.deepEqual([answers[3][2], answers[3][3], typeof answers[3][1]], [404, false, "string"]);
  assert.deepEqual(answers[4], [1, null, 0, false, 1]);
});

// Rules: 5.10.2.
test("a service worker shows files it has seen without a server, and keeps no failures", async () => {
  // No page can be watched inside its worker; without it nothing below would hold.
  covers("static Mesibo.initServiceWorker");
  const { bob, a, b } = await two();
  await a.evaluate((peer) => {
    const m = chat.api.getProfile(peer, 0).newMessage();
    chat.draw(30, 20);
    m.setContent("canvas");
    m.send();
  }, bob.address);
  await receivedFile(b);
  assert.equal(await b.evaluate(() => chat.api.startServiceWorker("/no/such/worker.js")), true);
  assert.equal(await b.evaluate(() => chat.api.startServiceWorker("service-worker.js")), true);
  await b.until(() => navigator.serviceWorker.controller !== null);
  const load = () =>
    b.evaluate(() => chat.show("", (image) => chat.message.file.loadImageFromCache(image)));
  assert.equal((await load()).width, 30);
  const kept = () =>
    b.evaluate(async () => {
      const keys = (await caches.has("mesibo-files"))
        ? await (await caches.open("mesibo-files")).keys()
        : [];
      return keys.map((request) => request.url);
    });
  const url = await b.evaluate(() => chat.message.fileurl);
  await b.until(async (url) => Boolean(await (await caches.open("mesibo-files")).match(url)), url);
  await b.evaluate(async (url) => {
    await fetch(url.replace(/[0-9a-f]{32}/, "0".repeat(32)));
    await fetch(`${url}?token=secret`);
    await fetch(url, { headers: { range: "bytes=0-3" } });
    await fetch("/healthz");
  }, url);
  assert.deepEqual(await kept(), [url]);
  await world.server.kill();
  try {
    assert.deepEqual(await load(), { width: 30, loads: 1 });
  } finally {
    await world.server.start();
  }
});
