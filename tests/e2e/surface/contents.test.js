// What a message carries beside its text, how it behaves, and what each setting of it does.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { covers } from "../harness/record.js";
import { World } from "../harness/world.js";
import { online, twoOnline } from "../harness/chat.js";

const world = World.forThisFile();
let still;
before(async () => {
  await world.open();
  const nobody = { app: "world", name: "nobody", token: "" };
  still = await world.visit(nobody, "chat.html", { start: false });
});

/** Two people online; `all` has the message objects a page was told of, as they are. */
async function two() {
  const { ada, bob, a, b } = await twoOnline(world, { database: "contents" });
  for (const page of [a, b]) {
    await page.evaluate(() => {
      window.all = [];
      chat.api.addListener({ Mesibo_onMessage: (m, data) => data && all.push(m) });
      window.picture = (width, height) => {
        const canvas = document.createElement("canvas");
        Object.assign(canvas, { width, height });
        canvas.getContext("2d").fillRect(0, 0, width / 2, height);
        return canvas;
      };
    });
  }
  return { ada, bob, a, b };
}

const BEHAVIOUR = {
  copyFiles: true,
  urlPreview: true,
  urlPreviewServer: true,
  urlPreviewCache: true,
  urlPreviewShare: true,
  extractUrlFromMessage: true,
  sendFileName: true,
  imageProcessing: true,
  sendThumbnail: true,
  extractThumbnail: true,
  sendHqThumbnail: false,
  horizontalThumbnail: false,
  verticalThumbnail: false,
  matureContent: false,
  emojify: true,
  contentRating: 0,
  saveImageUrl: false,
  saveVideoUrl: false,
  saveAudioUrl: false,
  saveAllFileUrl: false,
  thumbnailMaxSide: 400,
  thumbnailAspectRatio: 0,
  maxPreviewSize: 0,
  trackingProtectionLevel: 0,
  passthroughSize: 0,
  urlTransferSize: 0,
  urlPreviewExpiry: 0,
  secureDownload: false,
  openExternally: false,
  markForwarded: true,
};

test("how messages behave has its documented defaults, is set for one, for all later ones, and restored", async () => {
  const said = await still.evaluate((behaviour) => {
    const names = Object.keys(behaviour);
    const of = (m) => Object.fromEntries(names.map((name) => [name, m[name]]));
    const other = (value) => (typeof value === "boolean" ? !value : value + 7);
    const others = Object.fromEntries(names.map((name) => [name, other(behaviour[name])]));
    const usual = of(new MesiboMessage("somebody"));
    const set = new MesiboMessage("somebody");
    for (const name of names) set[name] = others[name];
    const own = names.every((name) => Object.keys(set).includes(name));
    const untouched = of(new MesiboMessage("somebody"));
    MesiboMessage.setDefaults(set);
    const later = of(new MesiboMessage("somebody"));
    MesiboMessage.initDefaults();
    return { usual, own, mine: of(set), untouched, later, others, now: of(new MesiboMessage()) };
  }, BEHAVIOUR);
  assert.deepEqual(said.usual, BEHAVIOUR);
  assert.equal(said.own, true);
  assert.deepEqual(said.mine, said.others);
  assert.deepEqual(said.untouched, BEHAVIOUR);
  assert.deepEqual(said.later, said.others);
  assert.deepEqual(said.now, BEHAVIOUR);
  covers(...Object.keys(BEHAVIOUR).map((name) => `MesiboMessage.${name}`));
});

test("the accessor forms are the fields, and what is mature says so", async () => {
  const said = await still.evaluate(() => {
    const m = new MesiboMessage("somebody");
    const before = [m.getContent(), m.getTitle(), m.getLatitude(), m.isMatureContent()];
    m.setTitle("t");
    m.setSubtitle("s");
    m.setMessage("text");
    const text = m.getContent();
    m.setData(new Uint8Array([1, 2]));
    m.setLatitude(48.4);
    m.setLongitude(9.99);
    m.matureContent = true;
    const { title, subtitle, message, latitude, longitude } = m;
    return {
      before,
      fields: [title, subtitle, message, [...m.data], latitude, longitude],
      getters: [m.getTitle(), m.getSubtitle(), m.getLatitude(), m.getLongitude()],
      content: [text, [...m.getContent()]],
      mature: m.isMatureContent(),
      properties: [m.setMediaProperties(new MesiboMediaProperties()), m.setMediaProperties(null)],
    };
  });
  assert.deepEqual(said, {
    before: [undefined, undefined, -720, false],
    fields: ["t", "s", "text", [1, 2], 48.4, 9.99],
    getters: ["t", "s", 48.4, 9.99],
    content: ["text", [1, 2]],
    mature: true,
    properties: [true, false],
  });
});

test("a page to open travels without a file: a link preview is rich, no file, and nothing uploads", async () => {
  const { ada, bob, a, b } = await two();
  const sent = await a.evaluate((peer) => {
    const m = chat.api.getProfile(peer, 0).newMessage();
    m.message = "look at this";
    m.launchurl = "https://example.org/page";
    m.title = "Example";
    m.setThumbnail(new Uint8Array([1, 2, 3]));
    return [m.isRichMessage(), m.canSend(), m.send(), m.isFileTransferInProgress()];
  }, bob.address);
  assert.deepEqual(sent, [true, true, 0, false]);
  const says = () => {
    const [m] = all;
    return {
      launchurl: m.launchurl,
      text: [m.message, m.title],
      tn: [...m.tn],
      file: [m.filetype, m.fileurl, m.size, m.file, m.hasFile()],
      rich: [m.isRichMessage(), m.isPlainMessage()],
    };
  };
  const expected = {
    launchurl: "https://example.org/page",
    text: ["look at this", "Example"],
    tn: [1, 2, 3],
    file: [undefined, undefined, undefined, undefined, false],
    rich: [true, false],
  };
  await b.until(() => all.length === 1);
  assert.deepEqual(await b.evaluate(says), expected);
  assert.deepEqual(await a.evaluate(says), expected);
  await a.until(() => all[0].status >= MESIBO_MSGSTATUS_SENT);
  // It is stored so, too; and a session of files does not have it.
  await b.reload();
  await online(b);
  const stored = await b.evaluate(async (peer) => {
    const read = (files) =>
      new Promise((resolve) => {
        const session = chat.api.getProfile(peer, 0).createReadSession({
          Mesibo_onMessage: (m) => m ?? resolve(session.getMessages()),
        });
        if (files) session.enableFiles(true);
        session.read(10);
      });
    const [m] = await read(false);
    return [m.launchurl, m.filetype, (await read(true)).length];
  }, ada.address);
  assert.deepEqual(stored, ["https://example.org/page", undefined, 0]);
});

test("thumbnails: made unless the page says no, as large as it says, or its own instead", async () => {
  const { bob, a, b } = await two();
  const cases = await a.evaluate(async (peer) => {
    const send = (name, prepare) => {
      const m = chat.api.getProfile(peer, 0).newMessage();
      m.setContent(picture(900, 300));
      m.message = name;
      const answer = prepare(m);
      m.send();
      return answer;
    };
    const own = await new Promise((resolve) => picture(32, 16).toBlob(resolve, "image/png"));
    const bytes = new Uint8Array(await own.arrayBuffer());
    return [
      send("usual", () => {}),
      send("none", (m) => void (m.sendThumbnail = false)),
      send("not extracted", (m) => void (m.extractThumbnail = false)),
      send("small", (m) => void (m.thumbnailMaxSide = 60)),
      send("replaced", (m) => m.replaceThumbnail(bytes)),
      send("image", (m) => m.replaceThumbnailImage(picture(64, 64))),
      send("map", (m) => m.replaceThumbnailWithLocation(12, "key")),
      send("blob", (m) => m.replaceThumbnail(own)),
      send("bad", (m) => m.setThumbnail("no such element")),
    ];
  }, bob.address);
  assert.deepEqual(cases.slice(4), [true, true, false, true, false]);
  await b.until(() => all.length === 9);
  const sides = await b.evaluate(async () => {
    const found = {};
    for (const m of all) {
      const picture = m.hasThumbnail() && (await createImageBitmap(new Blob([m.tn])));
      found[m.message] = picture ? [picture.width, picture.height] : null;
    }
    return found;
  });
  assert.deepEqual(sides, {
    usual: [400, 133],
    none: null,
    "not extracted": null,
    small: [60, 20],
    replaced: [32, 16],
    image: [64, 64],
    map: [400, 133],
    blob: [32, 16],
    bad: [400, 133],
  });
});

test("the name of a file stays here when the page says so, and a transfer starts again by hand", async () => {
  const { bob, a, b } = await two();
  await a.evaluate((peer) => {
    for (const named of [true, false]) {
      const m = chat.api.getProfile(peer, 0).newMessage();
      m.sendFileName = named;
      m.setContent(new File(["text"], "secret.txt", { type: "text/plain" }));
      m.message = named ? "named" : "nameless";
      m.send();
    }
  }, bob.address);
  await b.until(() => all.length === 2);
  const names = await b.evaluate(() => all.map((m) => [m.message, m.getFileName(), m.title]));
  assert.deepEqual(names.sort(), [
    ["named", "secret.txt", "secret.txt"],
    ["nameless", null, undefined],
  ]);
  await a.evaluate((peer) => {
    window.transfers = [];
    chat.listener.Mesibo_onFileTransferProgress = (ft) => transfers.push(ft);
    window.m = chat.api.getProfile(peer, 0).newMessage();
    m.setContent(new Blob(["x".repeat(1000)], { type: "text/plain" }));
    m.message = "started again";
    m.send();
    window.started = m.startFileTransfer();
  }, bob.address);
  assert.equal(await a.evaluate(() => started), true);
  await b.until(() => all.length === 3);
  await a.until(() => transfers.length > 0);
  const done = await a.evaluate(() => {
    const ft = transfers.at(-1);
    return [
      ft instanceof MesiboFileTransfer,
      ft.getUserObject() === m,
      ft.start(),
      m.fileurl?.length > 0,
    ];
  });
  // What is there needs no other start.
  assert.deepEqual(done, [true, true, false, true]);
});

test("sendPresence reaches who is there, and is stored on neither side", async () => {
  const { ada, bob, a, b } = await two();
  const result = await a.evaluate((peer) => {
    const m = chat.api.getProfile(peer, 0).newMessage();
    m.message = "I am drawing";
    const result = m.sendPresence();
    return [result, (m.flag & MESIBO_FLAG_PRESENCE) !== 0, (m.flag & MESIBO_FLAG_TRANSIENT) !== 0];
  }, bob.address);
  assert.deepEqual(result, [0, true, true]);
  await b.until(() => all.length === 1);
  assert.equal(await b.evaluate(() => all[0].message), "I am drawing");
  for (const [page, peer] of [
    [a, bob.address],
    [b, ada.address],
  ]) {
    await page.reload();
    await online(page);
    const left = await page.evaluate(
      (peer) =>
        new Promise((resolve) => {
          const session = chat.api.getProfile(peer, 0).createReadSession({
            Mesibo_onMessage: (m) => m ?? resolve(session.getMessages().length),
          });
          session.read(10);
        }),
      peer,
    );
    assert.equal(left, 0);
  }
});

test("an age after delivery travels with the message, and it goes on both sides", async () => {
  const { ada, bob, a, b } = await two();
  const sent = await a.evaluate((peer) => {
    const m = chat.api.getProfile(peer, 0).newMessage();
    const before = m.getAgeAfterDelivered();
    m.message = "soon gone";
    m.setAgeAfterDelivered(2);
    window.session = chat.api.getProfile(peer, 0).createReadSession({});
    session.start();
    m.send();
    return [before, m.getAgeAfterDelivered(), m.getAge(), session.getMessages().length];
  }, bob.address);
  assert.deepEqual(sent, [0, 2, 0, 1]);
  await b.evaluate((peer) => {
    window.session = chat.api.getProfile(peer, 0).createReadSession({});
    session.read(10);
  }, ada.address);
  await b.until(() => all.length === 1);
  assert.equal(await b.evaluate(() => all[0].getAgeAfterDelivered()), 2);
  await a.until(() => session.getMessages().length === 0);
  await b.until(() => session.getMessages().length === 0);
});

// Rules: 5.13.5, 5.13.6.
test("marks are the page's own; a message has the server's lifetime and an hour to be taken back", async () => {
  const { bob, a, b } = await two();
  const marks = await a.evaluate((peer) => {
    const m = chat.api.getProfile(peer, 0).newMessage();
    m.message = "marked";
    m.send();
    window.m = m;
    const of = () => [m.isDeleted(), m.isWiped(), m.isDeletedOrExpired(), m.isMessage()];
    const states = [of()];
    m.markDeleted(true);
    states.push(of());
    m.markDeleted(false);
    m.markWiped(true);
    states.push(of());
    m.markWiped(false);
    states.push(of());
    return states;
  }, bob.address);
  assert.deepEqual(marks, [
    [false, false, false, true],
    [true, false, true, true],
    [false, true, true, true],
    [false, false, false, true],
  ]);
  await b.until(() => all.length === 1);
  const there = await b.evaluate(() => [all[0].isDeleted(), all[0].message]);
  assert.deepEqual(there, [false, "marked"]);
  await a.until(() => m.status >= MESIBO_MSGSTATUS_SENT);
  const limits = await a.evaluate(() => {
    const now = Date.now;
    // -1: the page gave none, the server's year holds.
    const said = [m.expiry, chat.api.getMessageRetractionInterval(), m.mayBeRetracted()];
    chat.api.setMessageRetractionPolicy(MESIBO_RETRACT_WIPE);
    Date.now = now;
    return said;
  });
  assert.deepEqual(limits, [-1, 3600, true]);
  const refused = await a.evaluate(() => {
    chat.api.setMessageRetractionInterval(0);
    m.message = "too late";
    return m.sendUpdate();
  });
  assert.equal(refused, 193);
});

test("a record of a call says its kind; nothing is dynamic, or encrypted from end to end", async () => {
  const said = await still.evaluate(() => {
    const of = (status, type) => {
      const m = new MesiboMessage("somebody");
      m.setStatus(status);
      m.setType(type);
      return [m.isVideoCall(), m.isVoiceCall(), m.isPstnCall(), m.getCallDuration()];
    };
    const m = new MesiboMessage("somebody");
    const notice = new MesiboMessage("somebody");
    notice.setStatus(MESIBO_MSGSTATUS_E2E);
    const entry = Object.assign(new MesiboMessage("x"), { origin: MESIBO_ORIGIN_DBSUMMARY });
    return {
      calls: [
        of(MESIBO_MSGSTATUS_CALLMISSED, MESIBO_CALLFLAG_VIDEO),
        of(MESIBO_MSGSTATUS_CALLINCOMING, 0),
        of(0, 1),
      ],
      none: [m.isDynamic(), m.isEndToEndEncrypted(), m.isEndToEndEncryptionStatus()],
      notice: notice.isEndToEndEncryptionStatus(),
      list: [m.isChatListMessage(), entry.isChatListMessage()],
      session: m.getReadSession(),
    };
  });
  assert.deepEqual(said, {
    calls: [
      [true, false, false, 0],
      [false, true, false, 0],
      [false, false, false, 0],
    ],
    none: [false, false, false],
    notice: true,
    list: [false, true],
    session: null,
  });
});
