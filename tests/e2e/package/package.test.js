// The npm package as a stranger meets it: packed, installed, loaded in every way it promises.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { root } from "../harness/environment.js";
import { Front } from "../harness/front.js";
import { World } from "../harness/world.js";
import { arrived, numbered, online, received, send } from "../harness/chat.js";

const world = World.forThisFile();
const bin = (name) => join(root, "node_modules/.bin", name);
const run = (program, words, cwd) =>
  execFileSync(program, words, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

/** Somebody's project with the package installed from its tarball. */
let project;
/** The installed package's folder. */
let installed;
/** Their site, on an origin that is not the server's. */
let site;

before(async () => {
  await world.open();
  project = mkdtempSync(join(tmpdir(), "mesibo-package-"));
  const [{ filename }] = JSON.parse(
    run("npm", ["pack", "--json", "--pack-destination", project], join(root, "pkg")),
  );
  writeFileSync(join(project, "package.json"), '{ "private": true, "type": "module" }\n');
  run("npm", ["install", "--offline", "--no-audit", "--no-fund", join(project, filename)], project);
  installed = join(project, "node_modules/mesibo");
  cpSync(join(root, "tests/e2e/pages"), join(project, "test"), { recursive: true });
  site = await new Front(project, world.server.url).start();
});
after(async () => {
  await site?.stop();
  if (project) rmSync(project, { recursive: true, force: true });
});

/** Writes a page into the project; it may load `/test/chat.js`, which does the talking. */
function writePage(name, ...scripts) {
  const all = ['<script src="/test/lines.js"></script>', ...scripts].join("\n");
  const head = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Package</title>';
  writeFileSync(join(project, "test", name), `${head}\n${all}\n</html>\n`);
}

/** Opens the page on the stranger's origin and talks with somebody who uses the server's own page. */
async function talks(name) {
  const [ada, bob] = await world.people("ada", "bob");
  const a = await world.visit(ada, name, { server: world.server.url }, { from: site.url });
  const b = await world.visit(bob, "chat.html");
  await a.until(() => globalThis.chat !== undefined);
  await Promise.all([online(a), online(b)]);
  await send(a, bob, numbered("there", 2));
  await send(b, ada, numbered("back", 2));
  await Promise.all([arrived(a, 2), arrived(b, 2)]);
  assert.deepEqual(await received(a), numbered("back", 2));
  assert.deepEqual(await received(b), numbered("there", 2));
}

test("the package holds what its package.json names, and nothing else", () => {
  const manifest = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
  for (const file of manifest.files) assert.ok(existsSync(join(installed, file)), file);
  const named = JSON.stringify(manifest.exports).match(/\.\/[^"]+/g);
  for (const path of named.filter((path) => !path.endsWith("package.json") && path !== "./mesibo"))
    assert.ok(existsSync(join(installed, path)), path);
});

test("its wasm asks nothing of `env`: everything it needs is told by name", async () => {
  const module = await WebAssembly.compile(readFileSync(join(installed, "mesibo_bg.wasm")));
  const asked = WebAssembly.Module.imports(module).map(({ module }) => module);
  assert.ok(asked.length > 0);
  assert.ok(!asked.includes("env"), asked.join(" "));
});

test("its wasm carries no reader or writer of floating-point numbers: the browser has both", () => {
  // One number written as text by Rust costs 23 KB of download (`docs/decisions/0005`).
  const wasm = readFileSync(join(installed, "mesibo_bg.wasm"), "latin1");
  assert.ok(!/flt2dec|dec2flt/.test(wasm));
});

test("its classic script, copied to a site of one's own, sends and receives", async () => {
  writePage(
    "tag.html",
    '<script src="/node_modules/mesibo/mesibo.js"></script>',
    '<script src="/test/chat.js"></script>',
  );
  await talks("tag.html");
});

// Rules: 2.1.8.
test("its ES module, unbundled, sends and receives", async () => {
  const script = `import init from "/node_modules/mesibo/index.js";
globalThis.Mesibo = (await init()).Mesibo;
await import("/test/chat.js");
`;
  writeFileSync(join(project, "test/esm.js"), script);
  writePage("esm.html", '<script type="module" src="/test/esm.js"></script>');
  await talks("esm.html");
});

test("in a worker its classic script sends and receives", async () => {
  writeFileSync(
    join(project, "test/worker.js"),
    readFileSync(join(project, "test/worker.js"), "utf8").replace(
      "/mesibo.js",
      "/node_modules/mesibo/mesibo.js",
    ),
  );
  await talks("worker.html");
});

test("bundled by esbuild, with the wasm as an asset, it sends and receives", async () => {
  const entry = `import init from "mesibo";
import wasm from "mesibo/mesibo_bg.wasm";
globalThis.Mesibo = (await init(new URL(wasm, import.meta.url))).Mesibo;
await import("./test/chat.js");
`;
  writeFileSync(join(project, "app.js"), entry);
  const words = ["app.js", "--bundle", "--format=esm", "--splitting", "--outdir=test/bundle"];
  run(bin("esbuild"), [...words, "--loader:.wasm=file", "--log-level=error"], project);
  writePage("bundle.html", '<script type="module" src="/test/bundle/app.js"></script>');
  await talks("bundle.html");
});

// Rules: 5.10.3.
test("importing it on a server runs nothing and defines no global", () => {
  const script = `const before = Object.getOwnPropertyNames(globalThis).length;
const mesibo = await import("mesibo");
if (typeof mesibo.default !== "function") throw new Error("no init");
if (Object.getOwnPropertyNames(globalThis).length !== before) throw new Error("a global appeared");
`;
  writeFileSync(join(project, "server.js"), script);
  run("node", ["server.js"], project);
});

// Rules: 1.1.4.
test("strict TypeScript understands pages of every generation, and refuses what is wrong", () => {
  const config = {
    compilerOptions: {
      strict: true,
      noEmit: true,
      target: "es2022",
      module: "esnext",
      moduleResolution: "bundler",
      lib: ["es2022", "dom"],
      types: [],
      skipLibCheck: false,
    },
    include: ["typed"],
  };
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify(config));
  cpSync(join(root, "tests/e2e/package/typed"), join(project, "typed"), { recursive: true });
  run(bin("tsc"), ["--project", "."], project);

  const present = join(project, "typed/present.ts");
  const good = readFileSync(present, "utf8");
  for (const wrong of [
    good.replace("m.send()", 'm.send().then(() => "")'),
    good.replace("history.read(20)", 'history.read("many", () => 0)'),
    good.replace("MESIBO_MEMBERFLAG_ALL }", 'String("all") }'),
  ]) {
    assert.notEqual(wrong, good);
    writeFileSync(present, wrong);
    assert.throws(() => run(bin("tsc"), ["--project", "."], project));
  }
});
