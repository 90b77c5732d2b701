"use strict";
// A page in a room, written in the present generation: publishes itself and views everybody else.
{
  const settings = JSON.parse(decodeURIComponent(location.hash.slice(1)));
  const api = Mesibo.getInstance();
  const seen = {
    connection: [],
    publishers: [],
    events: [],
    errors: [],
    subscribers: [],
    asked: [],
    recording: [],
    speakers: [],
  };
  const others = new Map();
  let me = null;

  const key = (p) => `${p.getAddress()}/${p.getSid()}`;
  const tell = (what, p, more) =>
    seen.events.push({ what, who: key(p), local: p.isLocal(), ...more });

  // Called for the streams in progress, own and others'.
  const call = {
    MesiboGroupcall_OnConnected: (p, connected) => tell("connected", p, { connected }),
    MesiboGroupcall_OnVideo(p) {
      tell("video", p);
      p.setVideoView(p.isLocal() ? "me" : element(p), null, 100, 20);
    },
    MesiboGroupcall_OnAudio: (p) => tell("audio", p),
    MesiboGroupcall_OnMute: (p, audio, video, remote) => tell("mute", p, { audio, video, remote }),
    MesiboGroupcall_OnHangup: (p, reason) => tell("hangup", p, { reason }),
    MesiboGroupcall_OnTalking: (p, talking) => tell("talking", p, { talking }),
    MesiboGroupcall_OnVideoSourceChanged: (p, source, index) =>
      tell("source", p, { source, index }),
    MesiboGroupcall_OnVisibilityPreference: (p, visible, fullscreen, priority) =>
      tell("display", p, { visible, fullscreen, priority }),
  };

  // What admins ask for: noted, and refused when the settings say so.
  const asked =
    (what) =>
    (requester, admin, ...rest) => {
      const plain = rest.map((value) => (value?.getSid ? key(value) : value));
      seen.asked.push([what, requester.getAddress(), admin, ...plain]);
      return !settings.refuses;
    };
  const names = [
    "Mute",
    "StopPublishing",
    "StartPublishing",
    "Subscribe",
    "MakeFullScreen",
    "Leave",
  ];
  const admin = Object.fromEntries(
    names.map((name) => [`MesiboGroupcallAdmin_On${name}`, asked(name)]),
  );

  function element(p) {
    const id = `view-${key(p)}`;
    if (!document.getElementById(id)) {
      const video = document.createElement("video");
      video.id = id;
      video.autoplay = true;
      video.playsInline = true;
      video.requestVideoFrameCallback(() => (seen.firstFrame ??= performance.now()));
      document.body.append(video);
    }
    return id;
  }

  const listener = {
    MesiboGroupcall_OnPublisher(p, here) {
      seen.publishers.push({ who: key(p), name: p.getName(), here });
      if (!here) return void others.delete(key(p));
      others.set(key(p), p);
      if (settings.subscribe === false) return;
      seen.called ??= performance.now();
      p.call(true, true, call);
    },
    MesiboGroupcall_OnSpeakers: (speakers) => seen.speakers.push(speakers.map(key)),
    MesiboGroupcall_OnRecording: (recording) => seen.recording.push(recording),
    MesiboGroupcall_OnSubscriber: (p, here) =>
      seen.subscribers.push({ who: p.address ?? p.getAddress(), here }),
  };

  api.setAppName(settings.app);
  api.setAccessToken(settings.token);
  api.addListener({
    Mesibo_onConnectionStatus: (status) => seen.connection.push(status),
    Mesibo_onGroupError: (profile, error) =>
      seen.errors.push({ group: profile.getGroupId(), error }),
  });
  api.start();
  const room = api.groupCall(listener, settings.group);
  room.join(listener, settings.obeys ? null : admin);
  if (settings.publish !== false) {
    me = room.createPublisher(0);
    if (me) {
      me.setName(settings.name);
      me.setVideoSource(MESIBOCALL_VIDEOSOURCE_CAMERADEFAULT);
      me.call(true, true, call);
    }
  }

  window.room = {
    seen,
    api,
    present: () => [...others.keys()],
    mute: (video) => (video ? me.toggleVideoMute() : me.toggleAudioMute()),
    muted: (who) => ({
      audio: others.get(who).getMuteStatus(false),
      video: others.get(who).getMuteStatus(true),
    }),
    leave: () => room.leave(),
    call: room,
    calls: call,
    listener,
    me: () => me,
    of: (who) => others.get(who),
    /** Sizes of the pictures of the others, as they are shown. */
    views: () =>
      [...document.querySelectorAll("video")]
        .filter((video) => video.id !== "me" && video.srcObject)
        .map((video) => ({ id: video.id, width: video.videoWidth, time: video.currentTime })),
  };
}
