// A line to the real server that can become narrow: of an upload a part passes, then nothing more.
import { connect, createServer } from "node:net";
import { once } from "node:events";

export class Narrow {
  #server;
  #sockets = new Set();
  #allowed = Infinity;
  /** Heads of the requests that came, as text. */
  requests = [];

  constructor(upstream) {
    this.upstream = new URL(upstream);
  }

  async start() {
    this.#server = createServer((page) => this.#pass(page));
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    this.url = `http://127.0.0.1:${this.#server.address().port}`;
    return this;
  }

  /** From now on so many bytes of each upload pass. */
  holdUploadsAfter(bytes) {
    this.#allowed = bytes;
  }

  /** New uploads pass whole. */
  release() {
    this.#allowed = Infinity;
  }

  /** Requests of this method. */
  asked(method) {
    return this.requests.filter((head) => head.startsWith(`${method} `));
  }

  async stop() {
    this.#sockets.forEach((socket) => socket.destroy());
    this.#server.close();
    await once(this.#server, "close");
  }

  #pass(page) {
    const server = connect(Number(this.upstream.port), this.upstream.hostname);
    const end = () => {
      page.destroy();
      server.destroy();
    };
    for (const socket of [page, server]) {
      this.#sockets.add(socket);
      socket.on("error", end).on("close", end);
    }
    let uploaded = -1;
    // As it was when the upload began: what is to be held is, however late it comes.
    let allowed = Infinity;
    page.on("data", (bytes) => {
      const head = /^[A-Z]+ \/[^]*?\r\n\r\n/.exec(bytes.subarray(0, 4096).toString("latin1"))?.[0];
      if (head) {
        this.requests.push(head);
        uploaded = head.startsWith("PATCH ") ? 0 : -1;
        allowed = this.#allowed;
      }
      if (uploaded >= 0) {
        uploaded += bytes.length;
        if (uploaded > allowed) return page.pause();
      }
      server.write(bytes);
    });
    server.pipe(page);
  }
}
