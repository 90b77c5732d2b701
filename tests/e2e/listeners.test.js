// A page's listener may do what it likes: throw, send, stop, start.
import assert from "node:assert/strict";
import { test } from "node:test";
import { World } from "./harness/world.js";
import { arrived, numbered, online, received, send, twoOnline } from "./harness/chat.js";

const world = World.forThisFile();

const two = () => twoOnline(world, { database: "chat" });

test("a listener that throws in every callback loses nothing and disturbs nobody", async () => {
  const { ada, bob, a, b } = await two();
  await b.evaluate(() => {
    const throwing = {};
    for (const name of ["onMessage", "onMessageStatus", "onConnectionStatus", "onPresence"])
      throwing[`Mesibo_${name}`] = () => {
        throw new Error("the page's own mistake");
      };
    // Before the one that records: it must be heard all the same.
    chat.api.removeListener(chat.listener);
    chat.api.addListener(throwing);
    chat.api.addListener(chat.listener);
  });
  await send(a, bob, numbered("hello", 10));
  await arrived(b, 10);
  assert.deepEqual(await received(b), numbered("hello", 10));
  await send(b, ada, ["still here"]);
  await arrived(a, 1);
  const reported = await b.evaluate(
    () => lines.filter((l) => l.text.includes("own mistake")).length,
  );
  assert.ok(reported >= 10, "each mistake is reported to the console");
});

test("a listener may send from inside every callback", async () => {
  const { bob, a, b } = await two();
  await b.evaluate((to) => {
    chat.api.addListener({
      Mesibo_onMessage(m, data) {
        if (data && m.isIncoming()) chat.send(m.peer, [`echo ${m.message}`]);
      },
      Mesibo_onMessageStatus(m) {
        if (m.status === 1 && m.message.startsWith("echo"))
          chat.send(m.peer, [`sent ${m.message}`]);
      },
    });
  }, null);
  await send(a, bob, numbered("hello", 5));
  await arrived(a, 10);
  const texts = await received(a);
  const expected = numbered("hello", 5).flatMap((text) => [`echo ${text}`, `sent echo ${text}`]);
  assert.deepEqual([...texts].sort(), expected.sort());
});

test("a listener may stop and start from inside callbacks, and every message still arrives once", async () => {
  const { bob, a, b } = await two();
  await b.evaluate(() => {
    let stops = 0;
    chat.api.addListener({
      Mesibo_onMessage() {
        if (stops++ < 3) chat.api.stop();
      },
      Mesibo_onConnectionStatus(status) {
        if (status === 5) chat.api.start();
      },
    });
  });
  await send(a, bob, numbered("hello", 30));
  await arrived(b, 30);
  assert.deepEqual(await received(b), numbered("hello", 30));
  // The last of them may have stopped it a moment ago.
  await online(b);
  const statuses = await b.evaluate(() => chat.seen.connection);
  assert.ok(statuses.includes(5) && statuses.at(-1) === 1, String(statuses));
});

// Rules: 0.1.2, 5.4.1.
test("nothing calls back inside the call that causes it", async () => {
  const { bob, a } = await two();
  const inside = await a.evaluate((to) => {
    let calling = null;
    const inside = [];
    const note = (name) => () => calling && inside.push(`${name} inside ${calling}`);
    const names = ["onMessage", "onMessageStatus", "onConnectionStatus", "onProfileUpdated"];
    const all = Object.fromEntries(names.map((name) => [`Mesibo_${name}`, note(name)]));
    chat.api.addListener(all);
    const during = (name, call) => {
      calling = name;
      call();
      calling = null;
    };
    const profile = chat.api.getProfile(to, 0);
    during("send", () => chat.send(to, ["hello"]));
    during("read", () => profile.createReadSession({ Mesibo_onMessage: note("session") }).read(5));
    during("setDatabase", () => chat.api.setDatabase("other", note("database")));
    during("sendTyping", () => profile.sendTyping());
    during("stop", () => chat.api.stop());
    during("start", () => chat.api.start());
    during("groupCall", () => chat.api.groupCall({}, 1)?.join({}));
    return inside;
  }, bob.address);
  assert.deepEqual(inside, []);
});
