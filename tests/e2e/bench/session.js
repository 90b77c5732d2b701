// The smallest session that stays: signs in over a bare socket and answers pings. Thousands fit into one
// process, which no browser does. Frames are those of `crates/wire/proto/mesibo.proto`.
import { randomBytes } from "node:crypto";
import { connect } from "node:net";

/** A length-delimited field of Protobuf. */
function field(number, content) {
  const bytes = Buffer.from(content);
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...varint(bytes.length)]), bytes]);
}

function varint(value) {
  const bytes = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return [...bytes, value];
}

/** A number as a field of Protobuf. */
const integer = (number, value) => Buffer.from([number << 3, ...varint(value)]);

/** A client's WebSocket message; the mask is zero, which leaves the content as it is (RFC 6455, 5.3). */
function message(content) {
  const { length } = content;
  const head = length < 126 ? [0x82, 0x80 | length] : [0x82, 0xfe, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), content]);
}

/** Signs somebody in; resolves when the server has welcomed them. */
export function signIn(port, { token, app }) {
  const device = randomBytes(16);
  const hello = field(1, Buffer.concat([field(1, token), field(2, app), field(3, device)]));
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("the server closed a session")));
    socket.write(
      `GET /ws HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mesibo.v1\r\n` +
        `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}\r\n\r\n`,
    );
    let waiting = Buffer.alloc(0);
    let upgraded = false;
    socket.on("data", (bytes) => {
      waiting = Buffer.concat([waiting, bytes]);
      if (!upgraded) {
        const end = waiting.indexOf("\r\n\r\n");
        if (end < 0) return;
        if (!waiting.toString("latin1", 0, 12).endsWith("101"))
          return reject(new Error(waiting.toString("latin1", 0, end)));
        waiting = waiting.subarray(end + 4);
        upgraded = true;
        socket.write(message(hello));
      }
      for (;;) {
        if (waiting.length < 2) return;
        const short = waiting[1];
        const head = short < 126 ? 2 : 4;
        if (waiting.length < head) return;
        const length = short < 126 ? short : waiting.readUInt16BE(2);
        if (waiting.length < head + length) return;
        const frame = waiting.subarray(head, head + length);
        // Which of the frames it is: the number of the field, times eight, plus two.
        if (frame[0] === 0x0a) resolve(socket);
        else if (frame[0] === 0x12) reject(new Error("refused"));
        // One message is stored.
        else if (frame[0] === 0x2a) socket.emit("accepted");
        else if (frame[0] === 0x32) socket.destroy(new Error("the server refused a message"));
        // A ping's content is a pong's content.
        else if (frame[0] === 0x1a) socket.write(message(field(2, frame.subarray(2))));
        waiting = Buffer.from(waiting.subarray(head + length));
      }
    });
  });
}

/** Messages on their way, as a client has them (`OUTBOX_IN_FLIGHT_MAX`). */
const IN_FLIGHT = 256;

/** Sends messages to somebody; resolves when the server has all. Ids begin behind `first`. */
export function sendMessages(socket, to, count, first = 0) {
  let sent = 0;
  let accepted = 0;
  return new Promise((resolve, reject) => {
    const go = () => {
      const frames = [];
      for (; sent < count && sent - accepted < IN_FLIGHT; sent++) {
        const id = first + sent + 1;
        const content = field(1, `message number ${first + sent}`);
        const body = [integer(1, id), field(2, field(1, to)), integer(4, 3), field(7, content)];
        frames.push(message(field(4, Buffer.concat(body))));
      }
      if (frames.length) socket.write(Buffer.concat(frames));
    };
    const on = () => {
      accepted += 1;
      if (accepted < count) return go();
      socket.off("accepted", on);
      socket.off("close", gone);
      resolve();
    };
    socket.on("accepted", on);
    const gone = () => reject(new Error("the server closed the sender's session"));
    socket.once("close", gone);
    go();
  });
}
