// A page's service worker: keeps files of messages, so that they are shown at once, also without a
// network, and shows a notification when the server wakes it.

const CACHE = "mesibo-files";
// As many as a page shows of some conversations; the browser's own limit on bytes comes on top.
// Those kept first go first.
const FILES_KEPT = 500;
// A file of ours never changes. One with a query may be somebody's own: it bears a token.
const FILE = /\/files\/\d+-[0-9a-f]{32}\.[a-z0-9]{1,8}$/;

/** Called by the worker's script, in its first turn. */
export function initServiceWorker(caches, self) {
  self.addEventListener("install", () => self.skipWaiting());
  self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
  self.addEventListener("fetch", (event) => {
    const { request } = event;
    const file =
      request.method === "GET" && !request.headers.has("range") && FILE.test(request.url);
    if (file) event.respondWith(answer(caches, event));
  });
  self.addEventListener("push", (event) => event.waitUntil(notify(self, event.data)));
  self.addEventListener("notificationclick", (event) => {
    event.notification.close();
    event.waitUntil(openPage(self));
  });
  return true;
}

const pagesOf = (self) => self.clients.matchAll({ type: "window", includeUncontrolled: true });

async function notify(self, said) {
  // Who looks at a page sees it there.
  if ((await pagesOf(self)).some((page) => page.focused)) return;
  let data = {};
  try {
    data = said.json();
  } catch {
    // Something has come, and the browser wants a notification.
  }
  await self.registration.showNotification(data.title || self.location.hostname, {
    body: data.alert || (data.call ? "Missed call" : "New message"),
    tag: `mesibo-${data.uid}-${data.gid}`,
    data,
  });
}

async function openPage(self) {
  const [page] = await pagesOf(self);
  return page ? page.focus() : self.clients.openWindow(self.registration.scope);
}

async function answer(caches, event) {
  const { request } = event;
  const cache = await caches.open(CACHE);
  const known = await cache.match(request.url);
  if (known) return known;
  let response;
  try {
    // Not as an image of another origin asks: what cannot be read cannot be told from a failure.
    response = await fetch(request.url, { mode: "cors", credentials: "omit" });
  } catch {
    return fetch(request);
  }
  if (response.status === 200) event.waitUntil(keep(cache, request.url, response.clone()));
  return response;
}

async function keep(cache, url, response) {
  try {
    await cache.put(url, response);
    const kept = await cache.keys();
    await Promise.all(kept.slice(0, -FILES_KEPT).map((request) => cache.delete(request)));
  } catch (error) {
    console.warn("mesibo: a file is not cached:", error);
  }
}

let registering;

/** `api.startServiceWorker`: never throws, a page works without it. */
export function startServiceWorker(url) {
  const warn = (error) => console.warn("mesibo: the service worker does not start:", error);
  try {
    registering = navigator.serviceWorker.register(url).catch(warn);
    return true;
  } catch (error) {
    warn(error);
    return false;
  }
}

/** `api.enablePush`: asks the user, then the server wakes this browser while no page is open. */
export async function enablePush(on = true) {
  try {
    await registering;
    const worker = await navigator.serviceWorker.getRegistration();
    if (!worker) throw new Error("call startServiceWorker before");
    const { pushManager } = await navigator.serviceWorker.ready;
    const former = await pushManager.getSubscription();
    if (!on) {
      this.setPushToken("");
      return (await former?.unsubscribe()) ?? true;
    }
    if ((await Notification.requestPermission()) !== "granted") {
      throw new Error("the user does not want notifications");
    }
    const answer = await fetch(`${this._uploadTarget()[2].replace(/\/$/, "")}/push/key`);
    const applicationServerKey = await answer.text();
    const subscribe = () => pushManager.subscribe({ userVisibleOnly: true, applicationServerKey });
    // One that was made for another server is in the way.
    const subscription = await subscribe().catch(() => former?.unsubscribe().then(subscribe));
    if (!subscription) throw new Error("the push service of this browser does not answer");
    return this.setPushToken(JSON.stringify(subscription)) === 0;
  } catch (error) {
    console.warn("mesibo: nobody is woken by push messages:", error);
    return false;
  }
}
