// Reading: what the server keeps for a browser that has nothing, searching, counting, filters.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { arrived, numbered, online, reached, received, send, SENT } from "./harness/chat.js";
import { World } from "./harness/world.js";

const world = new World();
before(() => world.open());
after(() => world.close());

/** Reads until nothing is left, here and on the server; texts, oldest first. */
const readAll = (page, to, count) =>
  page.evaluate(
    ([to, count]) =>
      new Promise((done) => {
        const synced = [];
        const session = chat.api.getProfile(to, 0).createReadSession({
          Mesibo_onMessage(m) {
            if (m === null) session.sync(count);
            else if (m.isLastMessage()) session.read(count);
          },
          Mesibo_onSync(of, found) {
            synced.push(found);
            if (of !== session) throw new Error("another session");
            if (found > 0) return session.read(count);
            done({ texts: session.getMessages().map((m) => m.message), synced });
          },
        });
        session.read(count);
      }),
    [to, count],
  );

test("a browser that has nothing reads what the server keeps", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const a = await world.visit(ada, "chat.html", { database: "chat" });
  const texts = numbered("hello", 30);
  await send(a, bob, texts);
  await reached(a, SENT, texts.length);
  const first = await world.visit(bob, "chat.html", { database: "chat" });
  await arrived(first, texts.length);
  await send(first, ada, ["answer"]);
  await reached(first, SENT, 1);

  const fresh = await world.visit(bob, "chat.html", { database: "chat" });
  await online(fresh);
  const { texts: read, synced } = await readAll(fresh, ada.address, 20);
  assert.deepEqual(read, [...texts, "answer"]);
  assert.deepEqual(synced, [20, 11, 0]);
  assert.deepEqual(await received(fresh), [], "nothing of it is news");
  const summary = await fresh.evaluate(
    () =>
      new Promise((done) => {
        const session = MesiboReadSession.createReadSummarySession({
          Mesibo_onMessage(m) {
            if (m === null) done(session.getMessages().map((m) => m.message));
          },
        });
        session.read(10);
      }),
  );
  assert.deepEqual(summary, ["answer"]);
});
