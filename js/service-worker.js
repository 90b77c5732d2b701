// Files of messages, kept by a page's service worker: shown at once, also without a network.

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
  return true;
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

/** `api.startServiceWorker`: never throws, a page works without it. */
export function startServiceWorker(url) {
  const warn = (error) => console.warn("mesibo: the service worker does not start:", error);
  try {
    navigator.serviceWorker.register(url).catch(warn);
    return true;
  } catch (error) {
    warn(error);
    return false;
  }
}
