// Chromium through Playwright: one browser, a context for each person.
import { chromium as playwright } from "playwright-core";
import { chromium as program, DEADLINE_MS } from "./environment.js";
import { watch } from "./record.js";
import { until } from "./until.js";

const ARGUMENTS = [
  "--no-sandbox",
  "--disable-dev-shm-usage",
  "--disable-gpu",
  // Half as many pictures as its camera has by itself: when two cores run many browsers, one that
  // cannot keep up makes its picture smaller, and tests wait for pictures of a known size.
  "--use-fake-device-for-media-stream=fps=10",
  "--use-fake-ui-for-media-stream",
  "--autoplay-policy=no-user-gesture-required",
  "--allow-loopback-in-peer-connection",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
  "--disable-quic",
  // A name that no browser takes for this machine: plain http there is plain http.
  "--host-resolver-rules=MAP insecure.test 127.0.0.1",
  "--auto-select-desktop-capture-source=Entire screen",
];
const launch = () => ({ executablePath: program(), args: ARGUMENTS, headless: true });

export class Chromium {
  name = "Chromium";
  #browser;

  static async start() {
    const chromium = new Chromium();
    chromium.#browser = await playwright.launch(launch());
    return chromium;
  }

  /** A page of somebody who has never been here: own storage, own sessions. */
  async open(url) {
    const context = await this.#browser.newContext();
    await watch(context);
    return ChromiumPage.open(context, url);
  }

  async stop() {
    await this.#browser.close();
  }
}

/** A browser with a profile on disk, as people have: storage costs what it costs them. */
export async function openWithProfile(folder, url) {
  const context = await playwright.launchPersistentContext(folder, launch());
  return ChromiumPage.open(context, url);
}

export class ChromiumPage {
  #page;
  #context;
  #debugger;
  /** What the page wrote to the console, and what it threw without catching. */
  lines = [];

  static async open(context, url) {
    const self = new ChromiumPage();
    self.#context = context;
    context.setDefaultTimeout(DEADLINE_MS);
    self.#page = await context.newPage();
    self.#page.on("console", (line) => self.lines.push({ type: line.type(), text: line.text() }));
    self.#page.on("pageerror", (error) => self.lines.push({ type: "thrown", text: String(error) }));
    await self.#page.goto(url);
    return self;
  }

  /** Another tab of the same browser profile. */
  tab(url) {
    return ChromiumPage.open(this.#context, url);
  }

  /** Runs a function in the page and returns what it returns, a Promise's value included. */
  evaluate(what, argument) {
    return this.#page.evaluate(what, argument);
  }

  /** Waits until a function in the page answers something truthy, a Promise's value included. */
  until(what, argument, deadline = DEADLINE_MS) {
    return until(String(what), () => this.evaluate(what, argument), deadline);
  }

  async reload() {
    await this.#page.reload();
  }

  /** Closes this tab only. */
  async leave() {
    await this.#page.close();
  }

  /**
   * The tab stops at its next line and keeps its locks, as a frozen one does. (The browser itself
   * freezes hidden tabs only, and here all are seen.)
   */
  async freeze() {
    this.#debugger = await this.#context.newCDPSession(this.#page);
    await this.#debugger.send("Debugger.enable");
    const stopped = new Promise((resume) => this.#debugger.once("Debugger.paused", resume));
    await this.#debugger.send("Debugger.pause");
    await stopped;
  }

  async thaw() {
    await this.#debugger.send("Debugger.resume");
    await this.#debugger.detach();
  }

  /** Closes the tab as a person does: the page may say goodbye. */
  async close() {
    await this.#context.close();
  }

  /** The renderer dies: no goodbye at all. */
  async crash() {
    const died = this.#page.waitForEvent("crash");
    this.#page.goto("chrome://crash").catch(() => {});
    await died;
  }

  /** Playwright's own page, for what only it can do: clicks, keys, pictures. */
  get raw() {
    return this.#page;
  }
}
