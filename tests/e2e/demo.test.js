// The one command of the README: it starts, answers, stops, and comes back with the same links.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { Admin, App } from "./harness/admin.js";
import { Chromium } from "./harness/chromium.js";
import { outputFolder, root, xtaskProgram } from "./harness/environment.js";

const children = [];
let folder;
let browser;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "mesibo-demo-"));
  browser = await Chromium.start();
});
after(async () => {
  // A test that failed has not stopped what it started.
  for (const child of children) child.kill("SIGTERM");
  await browser.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Starts the demo; returns its process and the first line it prints. */
async function start() {
  const words = ["demo", "--debug", "--port", "0", "--data", folder, "--json"];
  mkdirSync(outputFolder, { recursive: true });
  const log = openSync(join(outputFolder, `demo-${process.pid}-${children.length}.log`), "w");
  const child = spawn(xtaskProgram(), words, { cwd: root, stdio: ["ignore", "pipe", log] });
  children.push(child);
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`the demo ended with ${code} before it was ready`);
  });
  const [line] = await Promise.race([
    once(createInterface({ input: child.stdout }), "line"),
    ended,
  ]);
  ended.catch(() => {});
  return { child, world: JSON.parse(line) };
}

async function stop(child, signal) {
  const ended = once(child, "exit");
  child.kill(signal);
  return (await ended)[0];
}

test("cargo xtask demo --json is ready with one line, stops on SIGTERM and SIGINT, and keeps its links", async () => {
  const first = await start();
  const { world } = first;
  assert.deepEqual(Object.keys(world), ["url", "app", "app_token", "users", "group"]);
  assert.deepEqual(
    world.users.map((user) => Object.keys(user)),
    Array(3).fill(["address", "name", "token"]),
  );
  assert.deepEqual(Object.keys(world.group), ["gid", "name"]);
  const app = new App(new Admin(world.url), world.app, world.app_token);
  const { members } = await app.call("groupgetmembers", { group: { gid: world.group.gid } });
  assert.deepEqual(
    members.map((member) => member.address).sort(),
    world.users.map((user) => user.address).sort(),
  );
  assert.equal(await stop(first.child, "SIGTERM"), 0);

  const second = await start();
  assert.deepEqual({ ...second.world, url: "" }, { ...world, url: "" });
  for (const path of ["/", "/messenger/", "/conference/"]) {
    const page = await browser.open(second.world.url + path);
    assert.notEqual(await page.evaluate(() => document.title), "");
    await page.close();
  }
  assert.equal(await stop(second.child, "SIGINT"), 0);
});
