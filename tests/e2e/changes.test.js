// Messages that change: edited, recalled, removed, forwarded, answered, with fields of the page's own.
import assert from "node:assert/strict";
import { test } from "node:test";
import { arrived, online, reached, send, DELIVERED } from "./harness/chat.js";
import { World } from "./harness/world.js";

const world = World.forThisFile();

/** Two people who have a conversation open, each with what its session shows. */
async function conversation(settings = { database: "changes" }) {
  const people = await world.people("ada", "bob");
  const pages = await Promise.all(
    people.map((person) => world.visit(person, "chat.html", settings)),
  );
  await Promise.all(pages.map(online));
  for (const [page, other] of [
    [pages[0], people[1]],
    [pages[1], people[0]],
  ]) {
    await page.evaluate(async (address) => {
      globalThis.updates = [];
      const listener = {
        Mesibo_onMessageUpdate: (m) =>
          updates.push({
            mid: m.mid,
            text: m.message,
            modified: m.isModified(),
            deleted: m.isDeleted(),
          }),
      };
      globalThis.profile = chat.api.getProfile(address, 0);
      globalThis.session = profile.createReadSession(listener);
      globalThis.shown = () => session.getMessages().map((m) => m.message);
      session.read(100);
    }, other.address);
  }
  return { people, pages };
}

const sendAndArrive = async ({ people, pages }, texts) => {
  const mids = await send(pages[0], people[1], texts);
  await arrived(pages[1], texts.length);
  await reached(pages[0], DELIVERED, texts.length);
  return mids;
};

const last = (page) => page.evaluate(() => session.getMessages().at(-1).mid);

// Rules: 5.11.4, 7.20.
test("an edited message says the new on both sides, also after a reload", async () => {
  const two = await conversation();
  const [ada, bob] = two.pages;
  await sendAndArrive(two, ["teh text"]);
  const rc = await ada.evaluate(() => {
    const m = session.getMessages().at(-1);
    m.message = "the text";
    return m.sendUpdate();
  });
  assert.equal(rc, 0);
  await bob.until(() => updates.length === 1);
  const mid = await last(bob);
  const update = { mid, text: "the text", modified: true, deleted: false };
  assert.deepEqual(await bob.evaluate(() => updates), [update]);
  assert.deepEqual(await ada.evaluate(() => updates), [update]);
  await bob.reload();
  await online(bob);
  const again = await bob.evaluate(async (address) => {
    const profile = chat.api.getProfile(address, 0);
    const read = profile.createReadSession(null);
    read.read(10);
    return new Promise((done) => {
      const look = () => (read.getMessages().length ? done(read) : setTimeout(look, 10));
      look();
    }).then((read) => read.getMessages().map((m) => [m.message, m.isModified()]));
  }, two.people[0].address);
  assert.deepEqual(again, [["the text", true]]);
});

test("a recalled message is gone from both sides, its place stays", async () => {
  const two = await conversation();
  const [ada, bob] = two.pages;
  await sendAndArrive(two, ["regretted"]);
  const ok = await ada.evaluate(async () => {
    const m = session.getMessages().at(-1);
    return [
      m.mayBeRetracted(),
      await m.wipeAndRecall(),
      m.isDeleted(),
      m.message,
      m.mayBeRetracted(),
    ];
  });
  assert.deepEqual(ok, [true, true, true, "", false]);
  await bob.until(() => updates.length === 1);
  const [seen] = await bob.evaluate(() => updates);
  assert.deepEqual([seen.deleted, seen.text], [true, ""]);
  const bobs = await bob.evaluate(() => {
    const m = session.getMessages().at(-1);
    return [m.isDeleted(), m.isIncoming(), m.isMessage(), m.mayBeRetracted()];
  });
  assert.deepEqual(bobs, [true, true, true, false]);
});

test("deleting removes from the arrays and the database of this page, and nowhere else", async () => {
  const two = await conversation();
  const [ada, bob] = two.pages;
  await sendAndArrive(two, ["one", "two", "three"]);
  const after = await ada.evaluate(async () => {
    const summary = MesiboReadSession.createReadSummarySession({});
    summary.read(10);
    const m = session.getMessages()[2];
    const ok = await m.delete();
    globalThis.latest = () => summary.getMessages().map((entry) => entry.message);
    return [ok, shown()];
  });
  assert.deepEqual(after, [true, ["one", "two"]]);
  await ada.until(() => latest().join() === "two");
  await ada.evaluate(() => profile.deleteMessages());
  await ada.until(() => latest().length === 0);
  assert.deepEqual(await ada.evaluate(() => shown()), []);
  assert.deepEqual(await bob.evaluate(() => shown()), ["one", "two", "three"]);
});

test("a message is forwarded, answered and carries fields of its own", async () => {
  const two = await conversation();
  const [ada, bob] = two.pages;
  const [carol] = await world.people("carol");
  const carols = await world.visit(carol, "chat.html");
  await online(carols);
  await ada.evaluate(() => {
    const m = profile.newMessage();
    m.message = "a question";
    m.setString("colour", "green");
    m.setInt("count", 3.7);
    m.setBoolean("urgent", true);
    m.setThreadId(9);
    m.send();
  });
  await arrived(bob, 1);
  const [fields, rc] = await bob.evaluate((address) => {
    const m = session.getMessages().at(-1);
    const answer = m.reply();
    answer.message = "an answer";
    const forwarded = m.forward(chat.api.getProfile(address, 0));
    const values = [m.getString("colour", ""), m.getInt("count", 0), m.getBoolean("urgent", false)];
    const more = [m.getInt("colour", -1), m.getThreadId(), m.isForwarded(), m.isReply()];
    return [
      [...values, ...more],
      [answer.send(), forwarded.send()],
    ];
  }, carol.address);
  assert.deepEqual(fields, ["green", 3, true, -1, 9, false, false]);
  assert.deepEqual(rc, [0, 0]);

  await arrived(ada, 1);
  const answered = await ada.evaluate(
    () =>
      new Promise((done) => {
        const m = session.getMessages().at(-1);
        const now = m.getRepliedToMessage((then) =>
          done([m.isReply(), now === then, then.message, then === session.getMessages()[0]]),
        );
      }),
  );
  assert.deepEqual(answered, [true, true, "a question", true]);
  await arrived(carols, 1);
  const { received } = await carols.evaluate(() => chat.ask("answer"));
  assert.equal(received[0].text, "a question");
});
