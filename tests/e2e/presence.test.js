// Who is seen online, by whom and when; requests, places, the foreground.
import assert from "node:assert/strict";
import { test } from "node:test";
import { World } from "./harness/world.js";
import { arrived, online, reached, seen, send, READ, DELIVERED } from "./harness/chat.js";

const world = World.forThisFile();

async function two(settings = {}) {
  const [ada, bob] = await world.people("ada", "bob");
  const [a, b] = await Promise.all([
    world.visit(ada, "chat.html", { start: false, ...settings }),
    world.visit(bob, "chat.html"),
  ]);
  await online(b);
  await b.until((peer) => chat.api.getProfile(peer, 0).isLookedup(), ada.address);
  return { ada, bob, a, b };
}

const isOnline = (peer) => chat.api.getProfile(peer, 0).isOnline();
const isOffline = (peer) => !chat.api.getProfile(peer, 0).isOnline();

test("in manual mode others see the user when the page says so", async () => {
  const { ada, bob, a, b } = await two();
  await a.evaluate(() => {
    chat.api.setOnlineStatusMode(MESIBO_ONLINEMODE_MANUAL);
    chat.api.start();
  });
  await online(a);
  // What comes later shows that nothing came before.
  await send(a, bob, ["here, unseen"]);
  await arrived(b, 1);
  assert.equal(await b.evaluate(isOnline, ada.address), false);
  const say = (verb) => a.evaluate((verb) => new MesiboPresence()[verb](), verb);
  const ownOnline = () => a.evaluate(() => chat.api.getSelfProfile().isOnline());
  assert.equal(await ownOnline(), false);
  assert.equal(await say("sendOnline"), 0);
  await b.until(isOnline, ada.address);
  assert.equal(await ownOnline(), true);
  await say("sendOffline");
  await b.until(isOffline, ada.address);
});

test("in foreground mode others see the user while the page is looked at", async () => {
  const { ada, a, b } = await two();
  const told = await a.evaluate(async () => {
    const told = [];
    chat.listener.Mesibo_onForeground = (...all) => told.push(all);
    const before = chat.api.isAppInForeground();
    const answer = chat.api.setAppInForeground(null, 7, false);
    const during = told.length;
    await Promise.resolve();
    await Promise.resolve();
    chat.api.setOnlineStatusMode(MESIBO_ONLINEMODE_FOREGROUND);
    chat.api.start();
    return { before, answer, during, told, now: chat.api.isAppInForeground() };
  });
  assert.deepEqual(told, {
    before: true,
    answer: true,
    during: 0,
    told: [[null, 7, false]],
    now: false,
  });
  await online(a);
  assert.equal(await b.evaluate(isOnline, ada.address), false);
  await a.evaluate(() => chat.api.setForegroundContext(null, 7, true));
  await b.until(isOnline, ada.address);
  await a.evaluate(() => chat.api.setAppInForeground(null, 7, false));
  await b.until(isOffline, ada.address);
});

test("a page in the background sends no read receipts until it comes back", async () => {
  const { ada, bob, a, b } = await two();
  await a.evaluate(() => chat.api.start());
  await online(a);
  await b.evaluate((peer) => chat.ask("read", peer, 10), ada.address);
  await b.evaluate(() => chat.api.setAppInForeground(null, 0, false));
  await send(a, bob, ["look"]);
  await arrived(b, 1);
  await reached(a, DELIVERED, 1);
  assert.ok((await seen(a)).statuses.every((s) => s.status !== READ));
  await b.evaluate(() => chat.api.setAppInForeground(null, 0, true));
  await reached(a, READ, 1);
});

test("only the audience sees who is online", async () => {
  const { ada, bob, a, b } = await two();
  await a.evaluate(() => chat.api.start());
  await online(a);
  await b.until(isOnline, ada.address);
  await a.evaluate(() => chat.api.setOnlineStatusTarget(MESIBO_GROUP_CONTACTS));
  await b.until(isOffline, ada.address);
  await a.evaluate((peer) => {
    const profile = chat.api.getProfile(peer, 0);
    profile.setContact(true);
    profile.save();
  }, bob.address);
  await a.until((peer) => chat.api.getProfile(peer, 0).isContact(), bob.address);
  await a.evaluate(() => chat.api.setOnlineStatusPrivacy(0));
  await b.until(isOnline, ada.address);
  await a.evaluate(() => chat.api.setOnlineStatusPrivacy(1));
  await send(a, bob, ["still there"]);
  await arrived(b, 1);
  assert.equal(await b.evaluate(isOnline, ada.address), true);
});

test("a request for presence is told and answered, unless the mode is manual", async () => {
  const { ada, bob, a, b } = await two();
  await a.evaluate(() => {
    globalThis.asked = [];
    chat.listener.Mesibo_onPresenceRequest = (p) => asked.push([p.peer, p.isRequest()]);
    chat.api.start();
  });
  await online(a);
  const ask = () =>
    b.evaluate((peer) => chat.api.getProfile(peer, 0).newPresence().sendRequest(), ada.address);
  const answers = async () => (await seen(b)).presence.filter((p) => p.kind === "isOnline").length;
  await b.until(isOnline, ada.address);
  const before = await answers();
  await ask();
  await b.until((n) => chat.seen.presence.filter((p) => p.kind === "isOnline").length > n, before);
  assert.deepEqual(await a.evaluate(() => asked), [[bob.address, true]]);
  await a.evaluate(() => chat.api.setOnlineStatusMode(MESIBO_ONLINEMODE_MANUAL));
  await b.until(isOffline, ada.address);
  const told = await answers();
  await ask();
  await a.until(() => asked.length === 2);
  await send(a, bob, ["no answer"]);
  await arrived(b, 1);
  assert.equal(await answers(), told);
});

test("a place is shared with one user, for a while, and nobody else", async () => {
  const { ada, bob, a, b } = await two();
  await a.evaluate(() => chat.api.start());
  await online(a);
  const listen = () => {
    globalThis.places = [];
    const note = (name) => (profile, value) =>
      places.push([name, profile.getAddress(), value ?? null]);
    chat.api.getLocationManager().addListener({
      Mesibo_onLocationReceived: note("received"),
      Mesibo_onLocationRequest: note("request"),
      Mesibo_onLocationShared: note("shared"),
    });
    return MesiboLocationManager.getInstance() === chat.api.getLocationManager();
  };
  assert.equal(await a.evaluate(listen), true);
  await b.evaluate(listen);
  const status = await b.evaluate((peer) => {
    const location = chat.api.getProfile(peer, 0).location();
    const before = location.getSubscriptionStatus();
    return [before, location.subscribe(60), location.getSubscriptionStatus(), location.get()];
  }, ada.address);
  assert.deepEqual(status, [0, 0, 1, null]);
  await a.until(() => places.length === 1);
  assert.deepEqual(await a.evaluate(() => places), [["request", bob.address, 60]]);
  const shared = await a.evaluate((peer) => {
    const manager = chat.api.getLocationManager();
    const bad = manager.setLocation({ latitude: 91, longitude: 0 });
    const good = manager.setLocation({ latitude: 48.4, longitude: 9.99 });
    return [bad, good, chat.api.getProfile(peer, 0).location().share(600)];
  }, bob.address);
  assert.deepEqual(shared, [false, true, 0]);
  await b.until(() => places.some(([name]) => name === "received"));
  const told = await b.evaluate((peer) => {
    const location = chat.api.getProfile(peer, 0).location();
    const { latitude, longitude } = location.get();
    return [location.getSubscriptionStatus(), latitude, longitude, places[0].slice(0, 2)];
  }, ada.address);
  assert.deepEqual(told, [2, 48.4, 9.99, ["shared", ada.address]]);
  await a.evaluate(() =>
    chat.api.getLocationManager().setLocation({ latitude: 48.5, longitude: 10 }),
  );
  await b.until(
    (peer) => chat.api.getProfile(peer, 0).location().get()?.latitude === 48.5,
    ada.address,
  );
  assert.deepEqual(
    (await seen(b)).presence.filter((p) => p.kind === undefined),
    [],
  );
  await a.evaluate((peer) => chat.api.getProfile(peer, 0).location().endSharing(), bob.address);
  await b.until((peer) => chat.api.getProfile(peer, 0).location().get() === null, ada.address);
});

test("nothing says that something is encrypted from end to end", async () => {
  const { bob, a } = await two();
  const answers = await a.evaluate((peer) => {
    const all = [chat.api.e2ee(), chat.api.getProfile(peer, 0).e2ee()];
    return all.map((e) => [
      e instanceof MesiboEndToEndEncryption,
      e.enable(true),
      e.isEnabled(),
      e.isActive(peer),
      e.getStatus(peer),
      e.setPassword("x"),
      e.getFingerprint(peer),
    ]);
  }, bob.address);
  const none = [true, false, false, false, 0, false, null];
  assert.deepEqual(answers, [none, none]);
});

test("what the browser and the instance know is answered", async () => {
  const { a } = await two();
  await a.evaluate(() => chat.api.start());
  await online(a);
  const answers = await a.evaluate(() => ({
    network: typeof chat.api.getNetworkConnectivity(),
    token: chat.api.setPushToken("push-1"),
    url: new URL(chat.api.getUploadUrl()).pathname,
    auth: chat.api.getUploadAuthToken().length > 10,
    started: chat.api.getStartTimestamp() <= chat.api.getTimestamp(),
    types: ["a.png", "a.mp4", "a.mp3", "a.pdf"].map((name) => chat.api.getFileType(name)),
    days: chat.api.daysElapsed(Date.now() - 86_400_000),
    none: [chat.api.getAccessTokenValidity(), chat.api.getAppIdForAccessToken()],
    buffer: chat.api.setBufferLen(1, true),
    today:
      (MesiboDateTime.setDefaultRelativeDateText("Today", "Yesterday"),
      new MesiboDateTime(Date.now()).getDate()),
  }));
  assert.deepEqual(answers, {
    network: "number",
    token: 0,
    url: "/upload",
    auth: true,
    started: true,
    types: [1, 2, 3, 10],
    days: 1,
    none: [0, ""],
    buffer: 0,
    today: "Today",
  });
});
