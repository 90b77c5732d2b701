// The twelve rules of the API (`client-api.md` 0.1), one test each, in a real page.
import assert from "node:assert/strict";
import { test } from "node:test";
import { World } from "./harness/world.js";
import { arrived, send, twoOnline } from "./harness/chat.js";

const world = World.forThisFile();

/** Two people online, with pages that keep what they are told. */
const two = () => twoOnline(world, { database: "chat" });

/** A page that has not even started: what holds there holds without a network. */
async function alone() {
  const [ada, bob] = await world.people("ada", "bob");
  return { ada, bob, a: await world.visit(ada, "chat.html", { start: false }) };
}

// Rules: 0.1.1, 5.1.1, 5.1.2, 5.1.4.
test("1: everything is there when the script tag has executed, and works before there is a connection", async () => {
  const { a, bob } = await alone();
  const seen = await a.evaluate((peer) => {
    const profile = chat.api.getProfile(peer, 0);
    const m = profile.newMessage();
    m.message = "hello";
    const session = profile.createReadSession({});
    const functions =
      "Mesibo MesiboProfile MesiboGroupProfile MesiboSelfProfile MesiboGroupMember " +
      "MesiboMessageProperties MesiboMessage MesiboPresence MesiboReadSession MesiboDateTime array2String";
    const foreign =
      "MESIBO_APP_ID MESIBO_ACCESS_TOKEN MESIBO_API_URL MesiboFile MesiboCall MesiboWorker STREAM_CAMERA api live";
    const descriptor = Object.getOwnPropertyDescriptor(globalThis, "Mesibo");
    return {
      missing: functions.split(" ").filter((name) => typeof globalThis[name] !== "function"),
      foreign: foreign.split(" ").filter((name) => name in globalThis),
      descriptor: [descriptor.configurable, descriptor.writable, descriptor.enumerable],
      sent: m.send(),
      mid: m.mid,
      read: session.read(10),
      status: chat.api.getConnectionStatus(),
    };
  }, bob.address);
  assert.deepEqual(seen.missing, []);
  assert.deepEqual(seen.foreign, []);
  assert.deepEqual(seen.descriptor, [true, true, false]);
  assert.equal(seen.sent, 0);
  assert.ok(seen.mid > 0 && seen.mid < 2 ** 53);
  assert.ok(seen.read > 0);
  assert.equal(seen.status, 0);
});

// Rule 2 has its test in `listeners.test.js`: nothing calls back inside the call that causes it.

// Rules: 0.1.3, 7.6.
test("3: the same user, group and message is the same object wherever the page meets it", async () => {
  const { ada, bob, a, b } = await two();
  await b.evaluate((peer) => {
    window.met = [];
    chat.api.addListener({ Mesibo_onMessage: (m, data) => data && window.met.push(m) });
    window.session = chat.api.getProfile(peer, 0).createReadSession({
      Mesibo_onMessage: (m) => m && window.met.push(m),
    });
    session.read(10);
  }, ada.address);
  const same = await a.evaluate((peer) => {
    window.met = [];
    chat.api.addListener({
      Mesibo_onMessage: (m, data) => data && window.met.push(m),
      Mesibo_onMessageStatus: (m) => window.met.push(m),
    });
    window.m = chat.api.getProfile(peer, 0).newMessage();
    m.message = "hello";
    m.mark = "mine";
    m.send();
    return [
      chat.api.getProfile(peer, 0) === chat.api.getUserProfile(peer),
      m.profile === chat.api.getProfile(peer, 0),
      chat.api.getProfile(null, 77) === chat.api.getGroupProfile(77),
      chat.api.getSelfProfile() === chat.api.getSelfProfile(),
    ];
  }, bob.address);
  assert.deepEqual(same, [true, true, true, true]);
  await a.until(() => window.met.length >= 2);
  assert.ok(await a.evaluate(() => window.met.every((each) => each === m && each.mark === "mine")));
  await b.until(() => window.met.length >= 2 && session.getMessages().length > 0);
  assert.ok(
    await b.evaluate(
      (peer) =>
        window.met.every((m) => m === session.getMessages()[0]) &&
        window.met[0].profile === chat.api.getProfile(peer, 0),
      ada.address,
    ),
  );
});

// Rules: 0.1.4.
test("4: pages may hang anything on what they are given, under any name", async () => {
  const { ada, bob, a, b } = await two();
  const cloned = await a.evaluate((peer) => {
    const profile = chat.api.getProfile(peer, 0);
    Object.assign(profile, {
      address: "nobody",
      groupid: 99,
      name: "x",
      uid: -1,
      getAddress: () => "nobody",
      getGroupId: () => 99,
      $$hashKey: "object:1",
    });
    const m = profile.newMessage();
    m.message = "hello";
    Object.assign(m, { isVisible: true, isConnected: 1, send2: 2, isIncoming: "yes" });
    const result = m.send();
    m.own = { deep: [1] };
    delete m.isIncoming;
    return [
      result,
      Object.isExtensible(m) && Object.isExtensible(profile),
      structuredClone(m).message,
      JSON.parse(JSON.stringify(m)).own.deep[0],
      { ...m }.message,
    ];
  }, bob.address);
  assert.deepEqual(cloned, [0, true, "hello", 1, "hello"]);
  await arrived(b, 1);
  await send(b, ada, ["back"]);
  await arrived(a, 1);
});

// Rules: 0.1.5.
test("5: an array given to the page is the page's: sorted, spliced, frozen, it never disturbs the SDK", async () => {
  const { bob, a } = await two();
  await send(a, bob, ["one", "two"]);
  await a.evaluate((peer) => {
    window.session = chat.api.getProfile(peer, 0).createReadSession({});
    session.read(10);
    window.list = session.getMessages();
  }, bob.address);
  await a.until(() => window.list.length === 2);
  await a.evaluate(() => {
    window.list.reverse();
    window.list.splice(0, 1);
  });
  await send(a, bob, ["three"]);
  await a.until(() => window.list.some((m) => m.message === "three"));
  assert.ok(await a.evaluate(() => window.list === session.getMessages()));
  await a.evaluate(() => Object.freeze(window.list));
  await send(a, bob, ["four"]);
  await a.until(() => session.getMessages().some((m) => m.message === "four"));
  assert.ok(await a.evaluate(() => window.list !== session.getMessages()));
  // Another session of the same conversation is as if nothing had happened.
  await a.evaluate((peer) => chat.read(peer, 10), bob.address);
  await a.until((peer) => chat.shown(peer).length === 4, bob.address);
  const texts = await a.evaluate((peer) => chat.shown(peer), bob.address);
  assert.deepEqual(texts, ["one", "two", "three", "four"]);
});

// Rules: 0.1.6.
test("6: fields and arrays are updated before the callback that announces them", async () => {
  const { ada, bob, a, b } = await two();
  const watch = (peer) => {
    window.late = [];
    const session = chat.api.getProfile(peer, 0).createReadSession({
      Mesibo_onMessage(m) {
        if (m && !session.getMessages().includes(m)) late.push(`array without ${m.message}`);
      },
    });
    session.read(10);
    let status = -1;
    chat.api.addListener({
      Mesibo_onMessageStatus(m) {
        if (m.status <= status) late.push(`status ${m.status} after ${status}`);
        status = m.status;
      },
      Mesibo_onConnectionStatus(status) {
        if (chat.api.getConnectionStatus() !== status) late.push(`connection ${status}`);
      },
      Mesibo_onPresence(p) {
        if (p.isTyping() && !p.profile.isTyping()) late.push("typing");
      },
    });
  };
  await Promise.all([a.evaluate(watch, bob.address), b.evaluate(watch, ada.address)]);
  await send(a, bob, ["hello"]);
  await arrived(b, 1);
  await b.evaluate((peer) => chat.typing(peer), ada.address);
  await a.until((peer) => chat.api.getProfile(peer, 0).isTyping(), bob.address);
  await a.evaluate(() => chat.stop());
  await a.until(() => chat.seen.connection.at(-1) === 5);
  assert.deepEqual(await a.evaluate(() => late), []);
  assert.deepEqual(await b.evaluate(() => late), []);
});

// Rules: 0.1.7, 1.4.1, 1.4.6, 1.4.8.
test("7: a listener is looked up when the event fires: late, inherited, in either spelling", async () => {
  const { bob, a, b } = await two();
  await b.evaluate(() => {
    window.heard = [];
    const late = {};
    class Base {
      // Without a method for presence it comes here too, as it did then, and without data.
      Mesibo_OnMessage(m, data) {
        if (data) heard.push(`inherited ${m.message}`);
      }
    }
    class Derived extends Base {}
    const both = {
      Mesibo_onMessage: (m, data) => data && heard.push("newer"),
      Mesibo_OnMessage: (m, data) => data && heard.push("older"),
    };
    for (const listener of [late, new Derived(), both, both, {}]) chat.api.addListener(listener);
    late.mesibo_onMessage = (m, data) => data && heard.push("late");
  });
  await send(a, bob, ["hello"]);
  await arrived(b, 1);
  await b.until(() => heard.length >= 3);
  assert.deepEqual(await b.evaluate(() => heard), ["late", "inherited hello", "newer"]);
});

// Rules: 0.1.8.
test("8: `this` is the listener, and in a bare function the session", async () => {
  const { bob, a } = await two();
  await a.evaluate((peer) => {
    window.selves = [];
    const listener = {
      Mesibo_onMessage() {
        selves.push(this === listener);
      },
    };
    chat.api.addListener(listener);
    const session = chat.api.getProfile(peer, 0).createReadSession(function (count) {
      selves.push(this === session && typeof count === "number");
    });
    session.read(10);
  }, bob.address);
  await send(a, bob, ["hello"]);
  await a.until(() => selves.length >= 2);
  assert.ok((await a.evaluate(() => selves)).every(Boolean));
});

// Rules: 0.1.9.
test("9: a callback that throws or rejects is reported, and the next ones are called", async () => {
  const { bob, a, b } = await two();
  await b.evaluate(() => {
    window.reached = 0;
    const bad = [
      () => {
        throw new Error("thrown by the page");
      },
      async () => {
        throw new Error("rejected by the page");
      },
    ];
    for (const Mesibo_onMessage of bad) chat.api.addListener({ Mesibo_onMessage });
    chat.api.addListener({ Mesibo_onMessage: (m, data) => data && (reached += 1) });
  });
  await send(a, bob, ["one", "two"]);
  await b.until(() => reached === 2);
  const told = (text) => b.until((text) => lines.some((line) => line.text.includes(text)), text);
  await told("thrown by the page");
  await told("rejected by the page");
});

// Rules: 0.1.10.
test("10: bad input never throws: it returns the failure value and writes one line", async () => {
  const { a } = await alone();
  const thrown = await a.evaluate(() => {
    const { api } = chat;
    const bad = [undefined, null, "", 0, -1, NaN, 2 ** 60, "x", {}, [], () => {}, Symbol("s"), 1n];
    const profile = api.getProfile("somebody", 0);
    const session = profile.createReadSession(null);
    const m = profile.newMessage();
    const calls = {
      setAppId: (x) => api.setAppId(x),
      setAccessToken: (x) => new Mesibo().setAccessToken(x),
      addListener: (x) => api.addListener(x),
      removeListener: (x) => api.removeListener(x),
      getProfile: (x) => api.getProfile(x, x),
      getUserProfile: (x) => api.getUserProfile(x),
      getGroupProfile: (x) => api.getGroupProfile(x),
      sendMessage: (x) => api.sendMessage(x, x, x),
      groupCall: (x) => api.groupCall(x, x),
      createReadSession: (x) => profile.createReadSession(x),
      read: (x) => session.read(x),
      enableReadReceipt: (x) => session.enableReadReceipt(x),
      setPeer: (x) => m.setPeer(x),
      constructor: (x) => new MesiboMessage(x).send(),
      array2String: (x) => array2String(x, x, x),
    };
    const thrown = [];
    for (const [name, call] of Object.entries(calls)) {
      for (const x of bad) {
        try {
          call(x);
        } catch (error) {
          thrown.push(`${name}(${typeof x === "symbol" ? "symbol" : String(x)}): ${error}`);
        }
      }
    }
    return thrown;
  });
  assert.deepEqual(thrown, []);
  const refused = await a.evaluate(() => [
    chat.api.getProfile("", 0),
    chat.api.groupCall(null, 0),
    chat.api.setAppId(""),
    chat.api.getProfile("somebody", 0).newMessage().send() !== 0,
  ]);
  assert.deepEqual(refused, [null, null, false, true]);
});

// Rules: 0.1.11.
test("11: extra arguments are ignored, numeric strings accepted, fractions truncated", async () => {
  const { a } = await alone();
  const seen = await a.evaluate(() => {
    const { api } = chat;
    const p = { peer: "somebody" };
    return [
      api.getProfile(null, "1000") === api.getProfile(null, 1000),
      api.getProfile(15550100, 0).getAddress(),
      api.getProfile("somebody", null, "extra", {}) === api.getProfile("somebody"),
      api.sendMessage(p, 12345.678, "hello"),
      p.id ?? 12345,
    ];
  });
  assert.deepEqual(seen, [true, "15550100", true, 0, 12345]);
});

// Rules: 0.1.12.
test("12: constants are plain Numbers, and callbacks pass Numbers", async () => {
  const { a } = await two();
  const seen = await a.evaluate(() => {
    const names = Object.getOwnPropertyNames(globalThis).filter((n) => /^MESIBO(CALL)?_/.test(n));
    return {
      count: names.length,
      others: names.filter((name) => typeof globalThis[name] !== "number"),
      statuses: chat.seen.connection.map((status) => typeof status),
      some: [
        MESIBO_STATUS_ONLINE,
        MESIBO_MSGSTATUS_RECEIVEDNEW,
        MESIBO_MEMBERFLAG_DELETE,
        MESIBO_FLAG_DEFAULT,
        MESIBOCALL_VIDEOSOURCE_SCREEN,
      ],
    };
  });
  assert.ok(seen.count > 100, `${seen.count} constants`);
  assert.deepEqual(seen.others, []);
  assert.ok(seen.statuses.every((type) => type === "number"));
  assert.deepEqual(seen.some, [1, 0x12, 2147483648, 3, 4]);
});
