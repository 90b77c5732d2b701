// Classic script, ES module and worker: each sends and receives, under a strict content security policy.
import assert from "node:assert/strict";
import { test } from "node:test";
import { World } from "./harness/world.js";
import { arrived, numbered, online, received, send } from "./harness/chat.js";

const world = World.forThisFile();

for (const browser of ["chromium", "firefox"]) {
  for (const [host, page] of [
    ["a classic script", "chat.html"],
    ["an ES module", "module.html"],
    ["a worker", "worker.html"],
  ]) {
    // Rules: 5.1.7, 5.10.1.
    test(`${host} in ${browser} sends and receives under script-src 'self' 'wasm-unsafe-eval'`, async () => {
      const [ada, bob] = await world.people("ada", "bob");
      const a = await world.visit(ada, page, {}, { browser: await world[browser]() });
      await a.until(() => globalThis.chat !== undefined);
      const b = await world.visit(bob, "chat.html");
      await Promise.all([online(a), online(b)]);
      await send(a, bob, numbered("there", 3));
      await send(b, ada, numbered("back", 3));
      await Promise.all([arrived(a, 3), arrived(b, 3)]);
      assert.deepEqual(await received(a), numbered("back", 3));
      assert.deepEqual(await received(b), numbered("there", 3));
      assert.deepEqual(await a.evaluate(() => lines.filter((line) => line.type === "thrown")), []);
    });
  }
}

test("the pages are served with a policy, and the scripts with types, compressed, by hash for ever", async () => {
  const ask = (path, headers = {}) => fetch(`${world.server.url}${path}`, { headers });
  const page = await ask("/test/chat.html");
  const policy = page.headers.get("content-security-policy");
  assert.match(policy, /script-src 'self' 'wasm-unsafe-eval'/);
  assert.doesNotMatch(policy, /script-src[^;]*'unsafe-(inline|eval)'/);

  for (const [path, type] of [
    ["/mesibo.js", "text/javascript"],
    ["/sdk/index.js", "text/javascript"],
    ["/sdk/mesibo_bg.wasm", "application/wasm"],
  ]) {
    for (const encoding of ["br", "gzip"]) {
      const answer = await ask(path, { "accept-encoding": encoding });
      assert.equal(answer.status, 200);
      assert.ok(answer.headers.get("content-type").startsWith(type), path);
      assert.equal(answer.headers.get("content-encoding"), encoding, path);
      assert.equal(answer.headers.get("cache-control"), "no-cache", path);
    }
  }
});
