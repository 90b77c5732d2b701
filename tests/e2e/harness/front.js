// A web server in front of the real one, as a proxy or a content network would be: pages come from here
// whether the real server runs or not, the WebSocket passes through and can be cut.
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { connect } from "node:net";
import { extname, join, normalize } from "node:path";
import { once } from "node:events";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".wasm": "application/wasm",
};
const POLICY =
  "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' ws: wss:; media-src 'self' blob:";

export class Front {
  #server;
  #pairs = new Set();
  #open = true;
  #deaf = false;
  /** WebSockets asked for since the start. */
  upgrades = 0;

  constructor(site, upstream, policy = POLICY) {
    this.site = site;
    this.policy = policy;
    this.upstream = new URL(upstream);
  }

  async start() {
    this.#server = createServer((request, response) => this.#serve(request, response));
    this.#server.on("upgrade", (request, socket, head) => this.#pass(request, socket, head));
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    this.url = `http://127.0.0.1:${this.#server.address().port}`;
    return this;
  }

  /** Breaks every WebSocket and lets none through. */
  cut() {
    this.#open = false;
    for (const pair of this.#pairs) pair.forEach((socket) => socket.destroy());
  }

  /** From now on nothing the server says arrives, while what the page says still does. */
  deafen() {
    this.#deaf = true;
  }

  /** Lets WebSockets through again. */
  restore() {
    this.#open = true;
    this.#deaf = false;
  }

  async stop() {
    this.cut();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  #serve(request, response) {
    const path = normalize(new URL(request.url, this.url).pathname);
    let file = join(this.site, path);
    if (existsSync(file) && statSync(file).isDirectory()) file = join(file, "index.html");
    if (!existsSync(file)) return response.writeHead(404).end();
    const type = TYPES[extname(file)] ?? "application/octet-stream";
    response.writeHead(200, { "content-type": type, "content-security-policy": this.policy });
    createReadStream(file).pipe(response);
  }

  #pass(request, page, head) {
    this.upgrades += 1;
    page.on("error", () => {});
    if (!this.#open) return page.destroy();
    const server = connect(Number(this.upstream.port), this.upstream.hostname);
    const pair = [page, server];
    this.#pairs.add(pair);
    const end = () => {
      this.#pairs.delete(pair);
      pair.forEach((socket) => socket.destroy());
    };
    server.on("error", end).on("close", end);
    page.on("close", end);
    const { rawHeaders: raw } = request;
    const headers = [];
    for (let at = 0; at < raw.length; at += 2) headers.push(`${raw[at]}: ${raw[at + 1]}\r\n`);
    server.write(`GET ${request.url} HTTP/1.1\r\n${headers.join("")}\r\n`);
    if (head.length) server.write(head);
    page.pipe(server);
    server.on("data", (bytes) => {
      if (!this.#deaf) page.write(bytes);
    });
  }
}
