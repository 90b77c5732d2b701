// Messages that do not stay: with an age, for who is there now, kept by the page, filtered.
import assert from "node:assert/strict";
import { test } from "node:test";
import { World } from "./harness/world.js";
import { SENT, arrived, online, reached, seen, send, twoOnline } from "./harness/chat.js";

const world = World.forThisFile();
const CUSTOM = 0x20;
const USER_OFFLINE = 0x81;

const two = (settings) => twoOnline(world, { database: "chat", ...settings });

/** Texts of the conversation as the database has it. */
const stored = (page, peer) =>
  page.evaluate(
    (peer) =>
      new Promise((done) => {
        const session = chat.api.getProfile(peer, 0).createReadSession({
          Mesibo_onMessage: (m) => {
            if (m === null) done(session.getMessages().map((m) => m.message));
          },
        });
        session.read(100);
      }),
    peer,
  );

test("a message with an age disappears on both sides, also when it came before a reload", async () => {
  const { ada, bob, a, b } = await two();
  await a.evaluate((peer) => {
    const profile = chat.api.getProfile(peer, 0);
    const stays = profile.newMessage();
    stays.message = "stays";
    stays.send();
    const goes = profile.newMessage();
    goes.message = "goes";
    goes.setAge(4);
    goes.setSensitivity(3);
    goes.setUserData(77);
    goes.send();
  }, bob.address);
  await b.until(() => chat.seen.received.length === 2);
  const numbers = await b.evaluate(
    (mid) => {
      const m = chat.api.getMessage(mid);
      return [m.getAge(), m.getAgeAfterRead(), m.getSensitivity(), m.getUserData()];
    },
    (await seen(b)).received[1].mid,
  );
  assert.deepEqual(numbers, [4, 0, 3, 77]);
  await b.reload();
  await online(b);
  for (const [page, peer] of [
    [a, bob.address],
    [b, ada.address],
  ]) {
    await page.until(
      (peer) =>
        new Promise((done) => {
          const session = chat.api.getProfile(peer, 0).createReadSession({
            Mesibo_onMessage: (m) => m ?? done(session.getMessages().length === 1),
          });
          session.read(100);
        }),
      peer,
    );
    assert.deepEqual(await stored(page, peer), ["stays"]);
  }
});

test("an age after reading runs from the reading, and open sessions lose the message", async () => {
  const { ada, bob, a, b } = await two();
  await a.evaluate((peer) => {
    globalThis.mine = chat.api.getProfile(peer, 0).createReadSession({});
    mine.start();
    const m = chat.api.getProfile(peer, 0).newMessage();
    m.message = "once read, gone";
    m.setAgeAfterRead(1);
    m.send();
  }, bob.address);
  await arrived(b, 1);
  assert.equal(await a.evaluate(() => mine.getMessages().length), 1);
  await b.evaluate((peer) => chat.ask("read", peer, 10), ada.address);
  await a.until(() => mine.getMessages().length === 0);
  await b.until((peer) => chat.shown(peer).length === 0, ada.address);
});

test("what the page saves is kept, never sent, and no message", async () => {
  const { ada, bob, a, b } = await two();
  const saved = await a.evaluate((peer) => {
    const m = chat.api.getProfile(peer, 0).newMessage();
    m.message = "a note";
    const result = m.save();
    const custom = chat.api.getProfile(peer, 0).newMessage();
    custom.message = "another";
    custom.enableCustom(true);
    custom.send();
    return [result, m.status, m.isCustom(), m.isSavedMessage(), m.isMessage(), m.isOutgoing()];
  }, bob.address);
  assert.deepEqual(saved, [0, CUSTOM, true, true, false, false]);
  await send(a, bob, ["real"]);
  await arrived(b, 1);
  assert.deepEqual(await stored(b, ada.address), ["real"]);
  await a.reload();
  await online(a);
  assert.deepEqual((await stored(a, bob.address)).sort(), ["a note", "another", "real"]);
});

test("a transient message reaches who is there and is stored nowhere", async () => {
  const { ada, bob, a, b } = await two();
  const sendTransient = (peer) => {
    const m = chat.api.getProfile(peer, 0).newMessage();
    m.message = "now or never";
    m.enableTransient(true);
    return m.send();
  };
  await a.evaluate(sendTransient, bob.address);
  await arrived(b, 1);
  await reached(a, SENT, 1);
  for (const [page, peer] of [
    [a, bob.address],
    [b, ada.address],
  ]) {
    await page.reload();
    await online(page);
    assert.deepEqual(await stored(page, peer), []);
  }
  await a.evaluate(() => chat.api.stop());
  await a.evaluate(sendTransient, bob.address);
  await a.until((status) => chat.seen.statuses.some((s) => s.status === status), USER_OFFLINE);
});

test("a broadcast reaches each of several, and is in no conversation of its sender", async () => {
  const { ada, bob, a, b } = await two();
  const [carol] = await world.people("carol");
  const c = await world.visit(carol, "chat.html");
  await online(c);
  const flag = await a.evaluate(
    (peers) => {
      const m = new MesiboMessage(peers.join(","));
      m.setPeer(peers.join(", "));
      m.message = "to all";
      m.send();
      return m.flag & MESIBO_FLAG_BROADCAST;
    },
    [bob.address, carol.address],
  );
  assert.ok(flag);
  for (const page of [b, c]) {
    await arrived(page, 1);
    const [m] = (await seen(page)).received;
    assert.deepEqual([m.text, m.peer], ["to all", ada.address]);
  }
  await reached(a, SENT, 2);
  assert.deepEqual(await stored(a, bob.address), []);
});

test("a filter is asked before anything is stored or told", async () => {
  const { ada, bob, a, b } = await two();
  await b.evaluate(() => {
    globalThis.asked = [];
    chat.listener.Mesibo_onMessageFilter = (m) => {
      asked.push([m.message, m.origin, m.isIncoming(), chat.seen.received.length]);
      return m.type !== 13;
    };
  });
  await a.evaluate((peer) => {
    for (const type of [0, 13]) {
      const m = chat.api.getProfile(peer, 0).newMessage();
      m.message = `type ${type}`;
      m.type = type;
      m.send();
    }
  }, bob.address);
  await send(a, bob, ["last"]);
  await b.until(() => chat.seen.received.at(-1)?.text === "last");
  const told = (await seen(b)).received.map((m) => m.text);
  assert.deepEqual(told, ["type 0", "last"]);
  const asked = await b.evaluate(() => asked);
  assert.deepEqual(asked[0], ["type 0", 4, true, 0]);
  assert.equal(asked.length, 3);
  assert.deepEqual((await stored(b, ada.address)).sort(), ["last", "type 0"]);
});

test("a place is a message of its own kind", async () => {
  const { bob, a, b } = await two();
  await a.evaluate((peer) => {
    const m = chat.api.getProfile(peer, 0).newMessage();
    m.setLatitude(48.4);
    m.setLongitude(9.99);
    m.title = "Ulm";
    m.send();
  }, bob.address);
  await arrived(b, 1);
  const { mid } = (await seen(b)).received[0];
  const place = await b.evaluate((mid) => {
    const m = chat.api.getMessage(mid);
    return [m.filetype, m.latitude, m.longitude, m.hasLocation(), m.hasFile(), m.isRichMessage()];
  }, mid);
  assert.deepEqual(place, [4, 48.4, 9.99, true, false, true]);
});

test("how long and what may be taken back is the page's to narrow", async () => {
  const { bob, a, b } = await two();
  const [mid] = await send(a, bob, ["first"]);
  await arrived(b, 1);
  const narrowed = await a.evaluate((mid) => {
    const m = chat.api.getMessage(mid);
    const before = [chat.api.getMessageRetractionInterval(), m.mayBeRetracted()];
    chat.api.setMessageRetractionInterval(0);
    const none = [chat.api.getMessageRetractionInterval(), m.mayBeRetracted()];
    chat.api.setMessageRetractionInterval(9_999_999);
    return [...before, ...none, chat.api.getMessageRetractionInterval()];
  }, mid);
  assert.deepEqual(narrowed.slice(0, 3).concat(narrowed[4]), [3600, true, 0, 3600]);
  await b.evaluate(() => chat.api.setRemoteRetractionPolicy(MESIBO_RETRACT_WIPE));
  await a.evaluate((mid) => {
    const m = chat.api.getMessage(mid);
    m.message = "second";
    m.sendUpdate();
  }, mid);
  await send(a, bob, ["after"]);
  await arrived(b, 2);
  assert.equal(await b.evaluate((mid) => chat.api.getMessage(mid).message, mid), "first");
});

test("defaults of how messages behave are set for later ones and restored", async () => {
  const { a } = await two();
  const states = await a.evaluate(() => {
    const of = () => {
      const m = chat.api.getProfile("x", 0).newMessage();
      return [m.urlPreview, m.emojify, m.thumbnailMaxSide, Object.keys(m).includes("emojify")];
    };
    const before = of();
    MesiboMessage.setDefaults({ emojify: false, thumbnailMaxSide: 100 });
    const changed = of();
    MesiboMessage.initDefaults();
    const m = chat.api.getProfile("x", 0).newMessage();
    m.emojify = false;
    return [before, changed, of(), m.emojify, m.sendToWebhook() !== 0];
  });
  const usual = [true, true, 400, false];
  assert.deepEqual(states, [usual, [true, false, 100, false], usual, false, true]);
});

test("a page that switches file transfer off sends no file", async () => {
  const { bob, a } = await two();
  const enabled = await a.evaluate((peer) => {
    const before = chat.api.isFileTransferEnabled();
    chat.api.enableFileTransfer(false);
    const m = chat.api.getProfile(peer, 0).newMessage();
    m.setContent(new Blob(["x"], { type: "text/plain" }));
    m.send();
    return [before, chat.api.isFileTransferEnabled()];
  }, bob.address);
  assert.deepEqual(enabled, [true, false]);
  await a.until(() => chat.seen.statuses.some((s) => s.status === 0x80));
});
