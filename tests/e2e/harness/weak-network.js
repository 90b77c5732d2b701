// A network that delays, loses, reorders and is narrow, between somebody and one port: datagrams and
// streams. Chance is a seed: the same packets meet the same fate.
import { createSocket } from "node:dgram";
import { connect, createServer } from "node:net";
import { once } from "node:events";

/** What a network does to each packet, one way. Nothing, unless it is said. */
const GOOD = {
  /** ms each way, and up to so much more. */
  delay: 0,
  jitter: 0,
  /** Of 1: datagrams that do not arrive, and that are overtaken. Streams are delayed only. */
  loss: 0,
  reorder: 0,
  /** bit/s, 0 = any number; and bytes that wait for their turn before further ones are dropped. */
  rate: 0,
  queue: 32_000,
};

/** How much later than others one comes that is overtaken, ms. */
const OVERTAKEN = 30;

/** Numbers between 0 and 1 (mulberry32). */
function chance(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One direction: every client's packets share it. */
class Line {
  #free = 0;
  #last = 0;

  constructor(network) {
    this.network = network;
  }

  /** When a packet arrives that is sent now, or null. */
  #arrival(bytes, ordered) {
    const { is, draw } = this.network;
    const now = performance.now();
    let at = now;
    if (is.rate) {
      const waits = Math.max(this.#free - now, 0);
      if (!ordered && (waits * is.rate) / 8000 > is.queue) return null;
      this.#free = now + waits + (bytes * 8000) / is.rate;
      at = this.#free;
    }
    at += is.delay + draw() * is.jitter;
    const [lost, overtaken] = [draw() < is.loss, draw() < is.reorder];
    if (ordered) return (this.#last = Math.max(at, this.#last));
    return lost ? null : at + (overtaken ? OVERTAKEN : 0);
  }

  datagram(bytes, arrive) {
    if (this.network.dark) return;
    const at = this.#arrival(bytes.length, false);
    if (at === null) return;
    if (at <= performance.now()) return arrive();
    setTimeout(arrive, at - performance.now());
  }

  /** A piece of a stream waits for light. */
  piece(bytes, arrive) {
    const wait = this.#arrival(bytes.length, true) - performance.now();
    setTimeout(() => this.network.light().then(arrive), Math.max(wait, 0));
  }
}

export class WeakNetwork {
  #front;
  #streams;
  #clients = new Map();
  #up = new Line(this);
  #down = new Line(this);
  #waiting = [];
  #sockets = new Set();
  dark = false;
  is = GOOD;

  constructor(seed = 1) {
    this.draw = chance(seed);
  }

  /** Opens its port, for datagrams and streams. */
  async start() {
    this.#streams = createServer((socket) => this.#stream(socket));
    this.#streams.listen(0, "127.0.0.1");
    await once(this.#streams, "listening");
    this.port = this.#streams.address().port;
    this.#front = createSocket("udp4");
    this.#front.on("message", (bytes, from) => this.#datagram(bytes, from));
    this.#front.bind(this.port, "127.0.0.1");
    await once(this.#front, "listening");
    this.address = `127.0.0.1:${this.port}`;
    return this;
  }

  /** Where packets go: `host:port`. */
  leadsTo(address) {
    this.to = Number(address.split(":").at(-1));
  }

  /** From now on it is like this. */
  becomes(what = {}) {
    this.is = { ...GOOD, ...what };
  }

  /** Nothing passes any more; streams wait. */
  blackOut() {
    this.dark = true;
  }

  /** It is as before. */
  lightUp() {
    this.dark = false;
    this.#waiting.splice(0).forEach((resume) => resume());
  }

  light() {
    return this.dark ? new Promise((resume) => this.#waiting.push(resume)) : Promise.resolve();
  }

  /** All clients come from other addresses now, as behind a router that was restarted; streams break. */
  changeAddresses() {
    for (const socket of this.#clients.values()) socket.close();
    this.#clients.clear();
    for (const socket of this.#sockets) socket.destroy();
  }

  stop() {
    this.changeAddresses();
    this.#front.close();
    this.#streams.close();
    this.lightUp();
  }

  #datagram(bytes, from) {
    const name = `${from.address}:${from.port}`;
    let client = this.#clients.get(name);
    if (!client) {
      client = createSocket("udp4");
      client.on("message", (bytes) => {
        this.#down.datagram(bytes, () => this.#send(this.#front, bytes, from.port, from.address));
      });
      // A server that was killed answers by ICMP.
      client.on("error", () => {});
      this.#clients.set(name, client);
    }
    this.#up.datagram(bytes, () => this.#send(client, bytes, this.to, "127.0.0.1"));
  }

  #send(socket, bytes, port, host) {
    try {
      socket.send(bytes, port, host, () => {});
    } catch {
      // Closed while it was under way.
    }
  }

  #stream(near) {
    const far = connect(this.to, "127.0.0.1");
    for (const [from, to, line] of [
      [near, far, this.#up],
      [far, near, this.#down],
    ]) {
      this.#sockets.add(from);
      from.setNoDelay(true);
      from.on("data", (bytes) => line.piece(bytes, () => to.writable && to.write(bytes)));
      from.on("error", () => {});
      from.on("close", () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }
}
