"use strict";
// A page that calls and is called, as pages do since the first generation.
{
  const settings = JSON.parse(decodeURIComponent(location.hash.slice(1)));
  const api = Mesibo.getInstance();
  const seen = {
    connection: [],
    calls: [],
    statuses: [],
    permissions: [],
    media: [],
    records: [],
  };
  const views = document.getElementById("views");
  let callid = 0;
  let atEnd = null;

  function elements() {
    if (views.childElementCount) return;
    for (const [tag, id] of [
      ["video", "localVideo"],
      ["video", "remoteVideo"],
      ["audio", "audioPlayer"],
    ]) {
      const element = document.createElement(tag);
      element.id = id;
      element.playsInline = true;
      views.append(element);
    }
  }
  if (!settings.lateViews) elements();

  const setup = (video) =>
    video
      ? api.setupVideoCall("localVideo", "remoteVideo", true)
      : api.setupVoiceCall("audioPlayer");

  api.setAppName(settings.app);
  api.setCredentials(settings.token);
  api.setListener({
    Mesibo_OnConnectionStatus: (status) => seen.connection.push(status),
    Mesibo_onPermission: (on) => seen.permissions.push(on),
    Mesibo_onLocalMedia: (m) => seen.media.push(m && m.id),
    Mesibo_onCall(id, from, video) {
      callid = id;
      seen.calls.push({ id, from, video });
      setup(video);
      if (settings.answers) queueMicrotask(() => [api.answer(true), api.answer(true)]);
    },
    Mesibo_onCallStatus(id, status) {
      callid = id;
      const local = document.getElementById("localVideo")?.srcObject;
      seen.statuses.push({ id, status, released: !local });
      if (status === MESIBO_CALLSTATUS_UPDATE) setup(true);
      // Pages do so; one whose second call was refused has another one.
      if (status & 0x40) atEnd = api.hangup(api.getActiveCall() ? id : 0);
    },
    Mesibo_OnMessage(m) {
      if (m && m.isCall())
        seen.records.push({
          peer: m.peer,
          missed: m.isMissedCall(),
          incoming: m.isIncomingCall(),
          outgoing: m.isOutgoingCall(),
          video: m.isVideoCall(),
          seconds: m.getCallDuration(),
          message: m.isMessage() || m.isIncoming() || m.isOutgoing(),
        });
    },
  });
  if (settings.database) api.setDatabase("calls");
  api.start();

  window.phone = {
    seen,
    api,
    elements,
    setup,
    dial(address, video = true) {
      setup(video);
      return api.call(address);
    },
    statuses: () => seen.statuses.map(({ status }) => status),
    ids: () => [...new Set(seen.statuses.map(({ id }) => id))],
    atEnd: () => atEnd,
    last: () => seen.statuses.at(-1),
    callid: () => callid,
    playing: () => {
      const video = document.getElementById("remoteVideo");
      const audio = document.getElementById("audioPlayer");
      return {
        width: video?.videoWidth ?? 0,
        audio: Boolean(audio?.srcObject) && !audio.paused,
        shown: Boolean(video?.srcObject || audio?.srcObject),
      };
    },
    history: () =>
      new Promise((done) => {
        const all = [];
        const session = MesiboReadSession.createReadSession({
          Mesibo_onMessage: (m) => (m ? m.isCall() && all.push(m.status) : done(all)),
        });
        session.read(100);
      }),
  };
}
