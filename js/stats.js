// How the media of a participant does: what the browser counts, in one plain object.

import { fieldOf } from "./hidden.js";

/** Seconds, as browsers count, in milliseconds. */
const ms = (seconds) => (seconds === undefined ? null : Math.round(seconds * 1000));
const sum = (reports, name) => reports.reduce((sum, report) => sum + (report[name] ?? 0), 0);

/** Statistics of one track out of what the browser reports of it; `own` keeps what was counted last. */
function trackStats(report, own) {
  const all = [...report.values()];
  const of = (type) => all.filter((entry) => entry.type === type);
  const [received, sent] = [of("inbound-rtp"), of("outbound-rtp")];
  const media = received.length ? received : sent;
  if (!media.length) return null;
  // Of a picture in several sizes: the largest that is sent.
  const wide = (entry) => (entry.active === false ? -1 : (entry.frameWidth ?? 0));
  const main = media.reduce((best, entry) => (wide(entry) > wide(best) ? entry : best));
  // What is sent is counted by who receives it.
  const far = received.length ? received : of("remote-inbound-rtp");
  const now = {
    at: main.timestamp,
    bytes: sum(media, received.length ? "bytesReceived" : "bytesSent"),
    packets: sum(media, received.length ? "packetsReceived" : "packetsSent"),
    lost: sum(far, "packetsLost"),
  };
  const before = own.last ?? now;
  own.last = now;
  const [passed, packets, lost] = ["at", "packets", "lost"].map((name) => now[name] - before[name]);
  const expected = packets + (received.length ? lost : 0);
  const stats = {
    bitrate: passed > 0 ? Math.max(0, Math.round(((now.bytes - before.bytes) * 8000) / passed)) : 0,
    packets: now.packets,
    lost: now.lost,
    loss: expected > 0 ? Math.min(Math.max(lost / expected, 0), 1) : 0,
    jitter: ms(far[0]?.jitter),
    codec: report.get(main.codecId)?.mimeType?.split("/")[1] ?? "",
  };
  const path = of("candidate-pair").find((pair) => pair.nominated)?.currentRoundTripTime;
  const roundTrip = ms(path ?? far[0]?.roundTripTime);
  if (main.kind === "audio") return { roundTrip, stats };
  const picture = {
    width: main.frameWidth ?? 0,
    height: main.frameHeight ?? 0,
    frameRate: Math.round(main.framesPerSecond ?? 0),
    layers: media.filter((entry) => entry.active !== false && entry.frameWidth).length,
    freezes: main.freezeCount ?? 0,
    frozen: ms(main.totalFreezesDuration ?? 0),
    dropped: main.framesDropped ?? 0,
    limitedBy: main.qualityLimitationReason ?? "none",
  };
  return { roundTrip, stats: { ...stats, ...picture } };
}

/** Of all that a participant sends or that is received of it by `peer`; `null` while nothing is. */
export async function statsOf(participant, peer) {
  const own = (fieldOf(participant).stats ??= { audio: {}, video: {} });
  const found = { timestamp: Date.now(), roundTrip: null, audio: null, video: null };
  for (const track of (peer && participant._stream()?.getTracks()) || []) {
    // A track that is not negotiated yet, or no more, has none.
    const report = await peer.getStats(track).catch(() => null);
    const told = report && trackStats(report, own[track.kind]);
    if (!told) continue;
    found[track.kind] = told.stats;
    found.roundTrip ??= told.roundTrip;
  }
  return found.audio || found.video ? found : null;
}
