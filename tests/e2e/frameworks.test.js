// Pages in frameworks: what they keep in their state comes back wrapped in proxies, or frozen.
import assert from "node:assert/strict";
import { test } from "node:test";
import { World } from "./harness/world.js";
import { arrived, online, send } from "./harness/chat.js";

const world = World.forThisFile();

/** Two people who talk; the first one's page keeps everything in a state of deep proxies. */
async function wrapped() {
  const [ada, bob] = await world.people("ada", "bob");
  const [a, b] = await Promise.all([
    world.visit(ada, "chat.html"),
    world.visit(bob, "chat.html", { database: "chat" }),
  ]);
  await Promise.all([online(a), online(b)]);
  await a.evaluate(() => {
    const proxies = new WeakMap();
    const isPlain = (value) => Object.prototype.toString.call(value) === "[object Object]";
    /** As frameworks do: objects and lists, and what is read from them. */
    const wrap = (value) => {
      if (!(isPlain(value) || Array.isArray(value))) return value;
      if (!proxies.has(value)) {
        const get = (target, name, self) => wrap(Reflect.get(target, name, self));
        proxies.set(value, new Proxy(value, { get }));
      }
      return proxies.get(value);
    };
    window.state = wrap({ api: chat.api });
  });
  return { ada, bob, a, b };
}

test("messages, profiles and sessions do the same through a proxy", async () => {
  const { ada, bob, a, b } = await wrapped();
  await a.evaluate((peer) => {
    state.profile = state.api.getProfile(peer, 0);
    state.session = state.profile.createReadSession({ Mesibo_onMessage() {} });
    state.session.enableReadReceipt(true);
    state.session.read(10);
  }, bob.address);
  await b.evaluate((peer) => {
    const m = chat.api.getProfile(peer, 0).newMessage();
    m.message = "hello";
    m.setString("key", "value");
    m.setThreadId(7);
    window.first = m;
    m.send();
    const copy = m.forward(chat.api.getProfile(peer, 0));
    copy.send();
  }, ada.address);
  await a.until(() => state.session.getMessages().length === 2);
  const said = await a.evaluate(() => {
    state.messages = state.session.getMessages();
    const [first, second] = state.messages;
    return [
      [first.isIncoming(), first.isOutgoing(), first.getString("key"), first.getThreadId()],
      [first.isForwarded(), second.isForwarded(), second.profile === state.profile],
      [
        first.getReadSession() !== null,
        first.reply().isReply(),
        first.isDestinedFor(state.profile),
      ],
    ];
  });
  assert.deepEqual(said, [
    [true, false, "value", 7],
    [false, true, true],
    [true, true, true],
  ]);
  await b.until(() => first.status === 3);
  // Written and sent through one, with a file.
  const sent = await a.evaluate(() => {
    state.draft = state.profile.newMessage();
    state.draft.message = "a picture";
    const canvas = new OffscreenCanvas(8, 8);
    canvas.getContext("2d");
    const content = state.draft.setContent(canvas);
    return [content, state.draft.send(), state.draft.mid > 0, state.draft.isImage()];
  });
  assert.deepEqual(sent, [true, 0, true, true]);
  await a.until(() => state.draft.status >= 2 && state.draft.isFileReady());
  await arrived(b, 1);
  const edited = await a.evaluate(async () => {
    state.draft.message = "another text";
    return [state.draft.sendUpdate(), state.draft.mayBeRetracted(), await state.draft.recall()];
  });
  assert.deepEqual(edited, [0, true, true]);
});

test("pictures, transfers and the smaller objects do, too", async () => {
  const { bob, a } = await wrapped();
  const answers = await a.evaluate((peer) => {
    state.profile = state.api.getProfile(peer, 0);
    state.image = state.profile.getImage();
    state.contacts = new MesiboContactSynchronizer();
    state.contacts.setContact(true);
    state.contacts.sync([peer]);
    state.request = state.api.createhttpRequest();
    state.request.setUrl("/mesibo.js");
    state.search = new MesiboProfileSearch();
    state.search.setQuery("bob");
    state.places = state.api.getLocationManager();
    state.place = state.profile.location();
    state.when = new MesiboDateTime(Date.now());
    return [
      [state.image.getImage(), state.image.getThumbnail(), state.image.getIndex()],
      [state.image.getNext(), state.image.isEmpty(), state.image.getProfile().getAddress()],
      [state.request.send(null, () => {}), state.search.search(), state.when.isToday()],
      [state.places.getLocation(), state.place.get(), state.api.e2ee().isEnabled()],
    ];
  }, bob.address);
  assert.deepEqual(answers, [
    [null, null, 0],
    [null, true, bob.address],
    [true, true, true],
    [null, null, false],
  ]);
  await a.until((peer) => chat.api.getProfile(peer, 0).isContact(), bob.address);
});

test("a message that a page has frozen stays as it was, and disturbs nothing", async () => {
  const { ada, bob, a, b } = await wrapped();
  await a.evaluate((peer) => {
    const m = chat.api.getProfile(peer, 0).newMessage();
    m.message = "frozen";
    m.send();
    window.frozen = Object.freeze(m);
    Object.freeze(chat.api.getProfile(peer, 0));
  }, bob.address);
  await arrived(b, 1);
  await send(b, ada, ["and on"]);
  await arrived(a, 1);
  assert.deepEqual(
    await a.evaluate((peer) => {
      const profile = chat.api.getProfile(peer, 0);
      profile.setUserData("kept");
      return [frozen.status, frozen.message, profile.getUserData()];
    }, bob.address),
    [0, "frozen", "kept"],
  );
});

test("a page may make classes of ours its own", async () => {
  const { bob, a, b, ada } = await wrapped();
  await send(b, ada, ["hello"]);
  await arrived(a, 1);
  const answers = await a.evaluate((peer) => {
    class Api extends Mesibo {
      constructor() {
        super();
        this.mine = true;
      }
      profileOf(address) {
        return this.getProfile(address, 0);
      }
      getAddress() {
        return `<${super.getAddress()}>`;
      }
    }
    class Reader extends MesiboReadSession {
      count() {
        return this.getMessages().length;
      }
    }
    class Note extends MesiboMessage {
      text(text) {
        this.message = text;
        return this;
      }
    }
    const api = new Api();
    window.reader = new Reader(() => {});
    reader.read(10);
    const sent = new Note(peer).text("a note").send();
    return [
      api.mine,
      api instanceof Mesibo,
      api.profileOf(peer).getAddress(),
      api.getAddress(),
      sent,
    ];
  }, bob.address);
  assert.deepEqual(answers, [true, true, bob.address, "<>", 0]);
  await a.until(() => reader.count() === 2);
  await arrived(b, 1);
});
