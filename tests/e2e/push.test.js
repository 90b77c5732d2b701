// Push messages: who is away is woken by the real service worker, and only then.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { online, send } from "./harness/chat.js";
import { PushEndpoint, signedClaims } from "./harness/push-endpoint.js";
import { until } from "./harness/until.js";
import { World } from "./harness/world.js";

const world = World.forThisFile(["--push-allow-private", "true"]);
let endpoint;
let count = 0;

before(async () => {
  endpoint = await new PushEndpoint().start();
  await world.open();
});
after(() => endpoint.stop());

/** A page that is signed in and has subscribed at `place`; this browser has no push service. */
async function subscribed(person, place, at = endpoint) {
  const page = await world.visit(person, "chat.html");
  await page.raw.context().grantPermissions(["notifications"]);
  await online(page);
  const subscription = at.subscribe(place);
  const done = await page.evaluate(async (subscription) => {
    PushManager.prototype.getSubscription = async () => null;
    PushManager.prototype.subscribe = async (options) => {
      globalThis.asked = options;
      return subscription;
    };
    chat.api.startServiceWorker("service-worker.js");
    return chat.api.enablePush();
  }, subscription);
  assert.ok(done);
  return page;
}

/** Somebody away with a place, and somebody who writes. */
async function sleeping(at = endpoint) {
  const [ada, bob] = await world.people("ada", "bob");
  const place = `/place-${++count}`;
  const page = await subscribed(bob, place, at);
  const a = await world.visit(ada, "chat.html");
  await online(a);
  return { ada, bob, a, page, place };
}

/** Its sessions are gone, as far as the server knows. */
async function away(page, person) {
  await page.evaluate(() => chat.api.stop());
  await until(`${person.name} is away`, async () => {
    const { users } = await world.app.call("usersget", { user: { address: person.address } });
    return users[0].online === 0;
  });
}

test("who is away is woken by a message, which tells the push service nothing", async () => {
  const { ada, bob, a, page, place } = await sleeping();
  await away(page, bob);
  await send(a, bob, ["a secret"]);
  const [{ headers, said }] = await endpoint.requests(place);
  assert.equal(said.uid, ada.uid);
  assert.deepEqual(Object.keys(said).sort(), ["aid", "gid", "ts", "type", "uid"]);
  assert.equal(headers["content-encoding"], "aes128gcm");
  assert.ok(Number(headers.ttl) > 0);
  assert.ok(headers.topic.length <= 32);
  const claims = signedClaims(headers.authorization);
  assert.equal(claims.aud, endpoint.url);
  assert.equal(claims.key, await page.evaluate(() => asked.applicationServerKey));
  assert.ok(await page.evaluate(() => asked.userVisibleOnly));
});

test("the service worker shows a notification, and a click opens the page", async () => {
  await world.app.call("appset", { app: { pushflags: 1 } });
  const { ada, bob, a, page, place } = await sleeping();
  const context = page.raw.context();
  const worker = context.serviceWorkers()[0] ?? (await context.waitForEvent("serviceworker"));
  await away(page, bob);
  await send(a, bob, ["lunch at one?"]);
  const [{ said }] = await endpoint.requests(place);
  assert.deepEqual([said.title, said.alert], [ada.name, "lunch at one?"]);

  const elsewhere = await context.newPage();
  await page.raw.close();
  const cdp = await context.newCDPSession(elsewhere);
  const registered = new Promise((resolve) =>
    cdp.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
      const found = registrations.find((one) => one.scopeURL.startsWith(world.server.url));
      if (found) resolve(found.registrationId);
    }),
  );
  await cdp.send("ServiceWorker.enable");
  const registrationId = await registered;
  const deliver = (data) =>
    cdp.send("ServiceWorker.deliverPushMessage", {
      origin: world.server.url,
      registrationId,
      data,
    });
  // Asking the browser for its notifications while it is showing one loses that one (Chromium brings
  // its list into line with the screen), so it is asked when all are shown.
  await worker.evaluate(() => {
    const show = self.registration.showNotification.bind(self.registration);
    self.shown = 0;
    self.registration.showNotification = async (...what) => {
      await show(...what);
      self.shown++;
    };
  });
  const all = (count) =>
    until(`${count} notifications`, () => worker.evaluate((count) => self.shown >= count, count));
  const listed = () =>
    worker.evaluate(async () => {
      const all = await self.registration.getNotifications();
      return all.map(({ title, body }) => `${title}: ${body}`).sort();
    });
  await deliver(JSON.stringify(said));
  await all(1);
  // Of the same conversation: one takes the other's place.
  await deliver(JSON.stringify({ ...said, alert: "or two?" }));
  await all(2);
  await deliver("what no server of ours sends");
  await all(3);
  assert.deepEqual(await listed(), ["127.0.0.1: New message", "ada: or two?"]);

  // No test can click what the system shows: the browser's event, with what it would be allowed.
  const opened = await worker.evaluate(async () => {
    const [notification] = await self.registration.getNotifications();
    const opened = new Promise((resolve) => {
      self.clients.openWindow = async (url) => resolve(url);
    });
    self.dispatchEvent(new NotificationEvent("notificationclick", { notification }));
    return opened;
  });
  assert.equal(opened, `${world.server.url}/test/`);
  await until("one is gone", async () => (await listed()).length === 1);
  await world.app.call("appset", { app: { pushflags: 0 } });
});

test("a subscription that is no more is forgotten, a slow service slows nobody", async () => {
  const slow = await new PushEndpoint().start();
  slow.status = null;
  const late = await sleeping(slow);
  const gone = await sleeping();
  await away(late.page, late.bob);
  await away(gone.page, gone.bob);
  await send(late.a, late.bob, ["hello"]);
  await slow.requests(late.place);
  endpoint.status = 410;
  await send(gone.a, gone.bob, ["hello"]);
  await endpoint.requests(gone.place);
  endpoint.status = 201;
  await until("the failure is counted", async () => {
    const metrics = await (await fetch(`${world.server.url}/metrics`)).text();
    return /mesibo_push_failures_total [1-9]/.test(metrics);
  });
  // Bob was there again and has gone, and has not subscribed anew.
  await gone.page.evaluate(() => chat.api.start());
  await online(gone.page);
  await away(gone.page, gone.bob);
  await send(gone.a, gone.bob, ["hello again"]);
  const other = await sleeping();
  await away(other.page, other.bob);
  await send(other.a, other.bob, ["hello"]);
  await endpoint.requests(other.place);
  assert.equal((await endpoint.requests(gone.place)).length, 1);
  slow.stop();
});

test("without a worker or the user's will nobody is woken, and the page is told", async () => {
  const [ada] = await world.people("ada");
  const page = await world.visit(ada, "chat.html");
  assert.equal(await page.evaluate(() => chat.api.enablePush()), false);
  assert.ok(page.lines.some(({ text }) => text.includes("call startServiceWorker before")));
  await page.evaluate(() => chat.api.startServiceWorker("service-worker.js"));
  await page.evaluate(() => {
    Notification.requestPermission = async () => "denied";
  });
  assert.equal(await page.evaluate(() => chat.api.enablePush()), false);
  assert.ok(page.lines.some(({ text }) => text.includes("does not want notifications")));
});
