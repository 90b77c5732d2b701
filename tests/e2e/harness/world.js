// A server, an app and its people, made for one test file and gone after it.
import { after, afterEach, before, beforeEach } from "node:test";
import { Admin } from "./admin.js";
import { Chromium } from "./chromium.js";
import { Firefox } from "./firefox.js";
import { Front } from "./front.js";
import { beginTest, writeRecord } from "./record.js";
import { Server } from "./server.js";

export class World {
  #browsers = new Map();
  #disposals = [];
  /** Pages of the test that runs; they are closed at its end, so that they take no time of the next. */
  #pages = null;
  #people = 0;
  #opening;
  #serverArguments;

  constructor(serverArguments) {
    this.#serverArguments = serverArguments;
  }

  /** To be called at the top of a test file: a world from before its first test to after its last. */
  static forThisFile(serverArguments) {
    const world = new World(serverArguments);
    before(() => world.open());
    beforeEach((test) => {
      beginTest(test.name);
      world.#pages = [];
    });
    afterEach(() => world.#closePages());
    after(() => world.close().finally(writeRecord));
    return world;
  }

  /** Opens it once; a file's own `before` waits here, because hooks of a file start together. */
  open() {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  async #open() {
    this.server = new Server(this.#serverArguments);
    await this.server.start();
    this.admin = new Admin(this.server.url);
    this.app = await this.admin.addApp("world");
  }

  async #closePages() {
    const pages = this.#pages ?? [];
    this.#pages = null;
    await Promise.all(pages.map((page) => page.close().catch(() => {})));
  }

  async close() {
    for (const dispose of this.#disposals.reverse()) await dispose();
    for (const browser of this.#browsers.values()) await (await browser).stop();
    await this.server?.dispose();
  }

  /**
   * People with addresses nobody else has: `[ada, bob] = await world.people("ada", "bob")`. They are added
   * one after the other: their ids, by which the server sorts, are in the order of the names.
   */
  async people(...names) {
    const mark = ++this.#people;
    const people = [];
    for (const name of names) people.push(await this.app.addUser(`${name}-${mark}`, { name }));
    return people;
  }

  /** A front whose WebSockets can be cut; its pages may have another policy. */
  async front(policy) {
    const front = await new Front(this.server.site, this.server.url, policy).start();
    this.#disposals.push(() => front.stop());
    return front;
  }

  chromium() {
    return this.#browser("chromium", Chromium);
  }

  firefox() {
    return this.#browser("firefox", Firefox);
  }

  #browser(name, kind) {
    if (!this.#browsers.has(name)) this.#browsers.set(name, kind.start());
    return this.#browsers.get(name);
  }

  /**
   * Opens one of the tests' pages for somebody. `settings` reach the page behind the `#`;
   * `from` is the origin, the server's own when not said; `at` a whole address instead.
   */
  visit(person, page, settings = {}, { browser, from, at } = {}) {
    return this.openPage(this.address(person, page, settings, from, at), browser);
  }

  /** A page of somebody who has never been here; it is closed at the end of its test. */
  async openPage(address, browser = this.chromium()) {
    const opened = await (await browser).open(address);
    if (this.#pages) this.#pages.push(opened);
    else this.#disposals.push(() => opened.close().catch(() => {}));
    return opened;
  }

  /** The address of a demo page for somebody: who it is and whom it knows stands behind the `#`. */
  demoAddress(folder, person, { peers = [], group } = {}) {
    const { app, token, name } = person;
    const values = new URLSearchParams({ app, token, name });
    if (peers.length) {
      values.set("peers", peers.map((peer) => `${peer.address}:${peer.name}`).join(","));
    }
    if (group) values.set("group", `${group.gid}:${group.name}`);
    return `${this.server.url}/${folder}/#${values}`;
  }

  address(person, page, settings = {}, from = this.server.url, at = `${from}/test/${page}`) {
    const all = {
      app: person.app,
      token: person.token,
      name: person.name,
      ...settings,
    };
    return `${at}#${encodeURIComponent(JSON.stringify(all))}`;
  }
}
