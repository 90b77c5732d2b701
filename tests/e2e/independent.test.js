// A WebRTC stack that shares no line with the browsers' or the server's (werift, written in
// TypeScript) watches a page by WHEP and sends what it gets by WHIP, so that the page sees and hears
// itself through two foreign connections.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { RTCPeerConnection, RTCRtpCodecParameters, MediaStreamTrack } from "werift";
import { key } from "./harness/room.js";
import { until } from "./harness/until.js";
import { World } from "./harness/world.js";

const world = World.forThisFile();

const CODECS = {
  audio: [new RTCRtpCodecParameters({ mimeType: "audio/opus", clockRate: 48_000, channels: 2 })],
  video: [
    new RTCRtpCodecParameters({
      mimeType: "video/VP8",
      clockRate: 90_000,
      rtcpFeedback: [{ type: "nack" }, { type: "nack", parameter: "pli" }],
    }),
  ],
};

const connections = [];
// A test that failed has closed none; their sockets would keep this file running.
after(() => Promise.all(connections.map((connection) => connection.close())));

/** One connection of the foreign stack, made by a single exchange of HTTP. */
class Foreign {
  #pc = new RTCPeerConnection({
    codecs: CODECS,
    iceAdditionalHostAddresses: ["127.0.0.1"],
    iceUseIpv6: false,
    // Else it opens sockets for each medium and forgets those it does not need.
    bundlePolicy: "max-bundle",
  });
  #place;

  constructor() {
    connections.push(this.#pc);
  }

  transceiver(what, direction) {
    return this.#pc.addTransceiver(what, { direction });
  }

  async connect(path, token) {
    await this.#pc.setLocalDescription(await this.#pc.createOffer());
    const headers = { "content-type": "application/sdp", authorization: `Bearer ${token}` };
    const body = this.#pc.localDescription.sdp;
    const response = await fetch(world.server.url + path, { method: "POST", headers, body });
    const answer = await response.text();
    assert.equal(response.status, 201, answer);
    this.#place = new URL(response.headers.get("location"), response.url);
    await this.#pc.setRemoteDescription({ type: "answer", sdp: answer });
    await until("connected", () => this.#pc.connectionState === "connected");
  }

  async end() {
    assert.equal((await fetch(this.#place, { method: "DELETE" })).status, 200);
    await this.#pc.close();
  }
}

test("a foreign stack gets sound and picture of a page, and the page gets them back from it", async () => {
  const people = await world.people("ada", "bob", "carol");
  const [ada, bob, carol] = people;
  const gid = await world.app.addGroup(
    "room",
    people.map((person) => person.address),
  );
  const page = await world.visit(ada, "room.html", { group: gid, name: "ada" });
  await page.until(() => room.seen.events.some((event) => event.what === "connected"));

  const [player, studio] = [new Foreign(), new Foreign()];
  const came = { audio: 0, video: 0 };
  for (const kind of ["audio", "video"]) {
    const track = new MediaStreamTrack({ kind });
    const sender = studio.transceiver(track, "sendonly").sender;
    const receiver = player.transceiver(kind, "recvonly");
    receiver.onTrack.subscribe((source) => {
      source.onReceiveRtp.subscribe((packet) => {
        came[kind] += 1;
        track.writeRtp(packet);
      });
      // A viewer who comes in needs a whole picture: the one who has the camera is asked for it.
      sender.onPictureLossIndication.subscribe(() => receiver.receiver.sendRtcpPLI(source.ssrc));
    });
  }
  await player.connect(`/whep/${gid}?publisher=${ada.address}`, bob.token);
  await until("sound and picture of the page", () => came.audio > 20 && came.video > 20);

  await studio.connect(`/whip/${gid}?name=werift`, carol.token);
  await page.until((who) => room.present().includes(who), key(carol));
  assert.equal(await page.evaluate((who) => room.of(who).getName(), key(carol)), "werift");
  await page.until(async () => {
    const all = await inbound();
    const frames = all.some((one) => one.kind === "video" && one.frames > 5);
    return frames && all.some((one) => one.kind === "audio" && one.energy > 0);
  });

  await studio.end();
  await page.until((who) => !room.present().includes(who), key(carol));
  await player.end();
});
