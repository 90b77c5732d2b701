// The real server on a data folder: started, killed, started again on the same port.
import { spawn } from "node:child_process";
import { cpSync, createWriteStream, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { once } from "node:events";
import { outputFolder, root, serverProgram, siteFolder } from "./environment.js";

export const ADMIN_KEY = "end-to-end-admin-key";
let count = 0;

/** A folder as the server serves it, with the tests' own pages under `/test/`. */
function layOutSite(folder) {
  cpSync(siteFolder(), folder, { recursive: true });
  cpSync(join(root, "tests/e2e/pages"), join(folder, "test"), {
    recursive: true,
  });
}

export class Server {
  #child;
  #log;
  #port = 0;

  #arguments;

  /** With more arguments than the tests need as a rule. */
  constructor(more = []) {
    this.#arguments = more;
    this.folder = mkdtempSync(join(tmpdir(), "mesibo-e2e-"));
    this.data = join(this.folder, "data");
    this.site = join(this.folder, "site");
    layOutSite(this.site);
    mkdirSync(outputFolder, { recursive: true });
    const name = `server-${process.pid}-${count++}.log`;
    this.#log = createWriteStream(join(outputFolder, name));
  }

  /** Starts it, for the first time or again; returns when it is ready. */
  async start() {
    // Media on every address, as by default: Firefox offers none at which it could reach 127.0.0.1.
    const listen = ["--listen", `127.0.0.1:${this.#port}`, "--media", "0.0.0.0:0"];
    const folders = ["--data", this.data, "--site", this.site];
    const child = spawn(
      serverProgram(),
      [...listen, ...folders, "--admin-key", ADMIN_KEY, ...this.#arguments],
      {
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...process.env, RUST_BACKTRACE: "1" },
      },
    );
    this.#child = child;
    child.stderr.pipe(this.#log, { end: false });
    const ended = once(child, "exit").then(([code, signal]) => {
      throw new Error(`the server ended before it was ready: ${signal ?? code}`);
    });
    const lines = createInterface({ input: child.stdout });
    const [line] = await Promise.race([once(lines, "line"), ended]);
    ended.catch(() => {});
    const { url, media, relay } = JSON.parse(line);
    Object.assign(this, { url, media, relay });
    this.#port = Number(new URL(this.url).port);
    return this;
  }

  get pid() {
    return this.#child.pid;
  }

  /** As a power cut: SIGKILL, no farewell. */
  async kill() {
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }

  /** In order; returns the exit code. */
  async stop() {
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    const [code] = await ended;
    return code;
  }

  /** Ends whatever is left and removes the folders. */
  async dispose() {
    if (this.#child?.exitCode === null && this.#child.signalCode === null) await this.kill();
    this.#log.end();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
