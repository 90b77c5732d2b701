// A conference as the first pages of 2020 were written: numbers of their own for streams, functions
// instead of listeners, and an element made whenever a stream is there.
var settings = JSON.parse(decodeURIComponent(location.hash.slice(1)));
var STREAM_CAMERA = 1;
var api = new Mesibo();
var seen = { streams: [], attached: [], own: 0 };
var live, publisher;

function element_of(p) {
  return "video-" + (p.getType() * 4294967296 + p.getId());
}

api.setListener({
  Mesibo_OnParticipants: function (all, latest) {
    for (var i in latest) subscribe(latest[i]);
  },
});

function subscribe(p) {
  p.call(
    null,
    null,
    function on_stream(p) {
      seen.streams.push(p.getName());
      var video = document.createElement("video");
      video.id = element_of(p);
      document.getElementById("videos").appendChild(video);
      p.attach(element_of(p), (ok) => seen.attached.push(ok), 100, 10);
    },
    function on_status(p, status) {
      if (status == MESIBO_CALLSTATUS_COMPLETE) document.getElementById(element_of(p)).remove();
    },
  );
}

function publish() {
  publisher = live.getLocalParticipant(settings.name, "");
  var o = { peer: 0, name: "the hall", groupid: settings.gid, source: STREAM_CAMERA };
  return publisher.call(
    o,
    "own",
    function on_stream() {
      seen.own++;
    },
    function on_status() {},
  );
}

api.setAppName(settings.app);
api.setCredentials(settings.token);
api.start();
live = api.initGroupCall();
live.setRoom(settings.gid);
