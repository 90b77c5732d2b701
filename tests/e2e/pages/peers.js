"use strict";
// Keeps every peer connection the SDK makes, so that a test can ask what is really decoded.
window.peers = [];
const network = (() => {
  try {
    return JSON.parse(decodeURIComponent(location.hash.slice(1)));
  } catch {
    return {};
  }
})();
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(configuration = {}) {
    const { iceServers = [], ...rest } = configuration;
    // `through`: what the network lets through of relays, such as `transport=tcp`; `relayed`: and
    // nothing else.
    const reached = iceServers.filter(({ urls }) => urls.includes(network.through ?? ""));
    if (network.relayed) rest.iceTransportPolicy = "relay";
    super({ ...rest, iceServers: reached });
    window.peers.push(this);
  }
};
/** Everything received now: one entry for each incoming track. */
window.inbound = async () => {
  const all = [];
  for (const peer of window.peers) {
    if (peer.connectionState === "closed") continue;
    for (const report of (await peer.getStats()).values()) {
      if (report.type !== "inbound-rtp") continue;
      all.push({
        id: `${window.peers.indexOf(peer)} ${report.id}`,
        kind: report.kind,
        frames: report.framesDecoded ?? 0,
        energy: report.totalAudioEnergy ?? 0,
        packets: report.packetsReceived ?? 0,
        width: report.frameWidth ?? 0,
      });
    }
  }
  return all;
};
/** Everything sent now: one entry for each encoding. */
window.outbound = async () => {
  const all = [];
  for (const peer of window.peers) {
    if (peer.connectionState === "closed") continue;
    for (const report of (await peer.getStats()).values()) {
      if (report.type !== "outbound-rtp") continue;
      const { kind, rid = "", active = true, framesSent = 0, frameWidth = 0 } = report;
      all.push({ kind, rid, active, frames: framesSent, width: frameWidth });
    }
  }
  return all;
};
/** What the encodings of everything sent are held to: kbit/s in all by kind of track, frames a second. */
window.caps = () => {
  const caps = { fps: 0 };
  for (const peer of window.peers) {
    if (peer.connectionState === "closed") continue;
    for (const sender of peer.getSenders()) {
      if (!sender.track) continue;
      const { encodings } = sender.getParameters();
      caps.fps = Math.max(caps.fps, ...encodings.map((one) => one.maxFramerate ?? 0));
      const rates = encodings.map((one) => one.maxBitrate ?? 0);
      caps[sender.track.kind] = Math.round(rates.reduce((sum, rate) => sum + rate, 0) / 1000);
    }
  }
  return caps;
};
/** By which ways media goes now: how the relay is reached, or the type of a candidate without one. */
window.ways = async () => {
  const all = [];
  for (const peer of window.peers) {
    if (peer.connectionState === "closed") continue;
    const stats = await peer.getStats();
    // What is selected: a pair that carries media may be checked again, and is not "succeeded" then.
    for (const transport of stats.values()) {
      const pair = transport.type === "transport" && stats.get(transport.selectedCandidatePairId);
      const own = pair && stats.get(pair.localCandidateId);
      if (own) all.push(own.relayProtocol ?? own.candidateType);
    }
  }
  return all;
};
