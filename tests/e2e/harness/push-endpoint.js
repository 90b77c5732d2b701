// A push service on this machine: takes what the server sends and reads it as a browser would.
import {
  createDecipheriv,
  createECDH,
  createPublicKey,
  hkdfSync,
  randomBytes,
  verify,
} from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { until } from "./until.js";

const base64url = (bytes) => Buffer.from(bytes).toString("base64url");

export class PushEndpoint {
  #server;
  #sockets = new Set();
  /** Status of its answers; null: it never answers. */
  status = 201;
  /** Requests: path, headers, and what was in them. */
  taken = [];

  async start() {
    this.#server = createServer(async (request, response) => {
      const parts = [];
      for await (const part of request) parts.push(part);
      const browser = this.browsers.get(request.url);
      const body = Buffer.concat(parts);
      const { url: path, headers } = request;
      this.taken.push({ path, headers, said: JSON.parse(browser.read(body)) });
      if (this.status !== null) response.writeHead(this.status).end();
    });
    this.#server.on("connection", (socket) => this.#sockets.add(socket));
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    this.url = `http://127.0.0.1:${this.#server.address().port}`;
    return this;
  }

  browsers = new Map();

  /** A subscription as `PushSubscription.toJSON` has it. */
  subscribe(path) {
    const keys = createECDH("prime256v1");
    const p256dh = keys.generateKeys();
    const auth = randomBytes(16);
    this.browsers.set(path, { read: (body) => decrypt(body, keys, p256dh, auth) });
    const said = { p256dh: base64url(p256dh), auth: base64url(auth) };
    return { endpoint: this.url + path, expirationTime: null, keys: said };
  }

  /** What came to a place, as soon as so many did. */
  async requests(path, count = 1) {
    const found = () => this.taken.filter((request) => request.path === path);
    await until(`${count} push messages to ${path}`, () => found().length >= count);
    return found();
  }

  stop() {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

/** RFC 8291 section 4, RFC 8188 section 2. */
function decrypt(body, keys, own, auth) {
  const salt = body.subarray(0, 16);
  const from = body.subarray(21, 21 + body[20]);
  const info = Buffer.concat([Buffer.from("WebPush: info\0"), own, from]);
  const ikm = Buffer.from(hkdfSync("sha256", keys.computeSecret(from), auth, info, 32));
  const derive = (label, length) =>
    Buffer.from(hkdfSync("sha256", ikm, salt, `Content-Encoding: ${label}\0`, length));
  const sealed = body.subarray(21 + body[20]);
  const open = createDecipheriv("aes-128-gcm", derive("aes128gcm", 16), derive("nonce", 12));
  open.setAuthTag(sealed.subarray(-16));
  const padded = Buffer.concat([open.update(sealed.subarray(0, -16)), open.final()]);
  return padded.subarray(0, padded.lastIndexOf(2)).toString();
}

/** The claims of a signature (RFC 8292), after it was checked with the key it names. */
export function signedClaims(authorization) {
  const [, token, key] = authorization.match(/^vapid t=([^,]+), k=(.+)$/);
  const [head, claims, signature] = token.split(".");
  const point = Buffer.from(key, "base64url");
  const jwk = {
    kty: "EC",
    crv: "P-256",
    x: base64url(point.subarray(1, 33)),
    y: base64url(point.subarray(33)),
  };
  const good = verify(
    "sha256",
    Buffer.from(`${head}.${claims}`),
    { key: createPublicKey({ key: jwk, format: "jwk" }), dsaEncoding: "ieee-p1363" },
    Buffer.from(signature, "base64url"),
  );
  if (!good) throw new Error("the signature is not of this key");
  return { key, ...JSON.parse(Buffer.from(claims, "base64url")) };
}
