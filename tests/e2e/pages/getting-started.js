// A page as the oldest documents teach it: an object that is its own listener, everything called straight
// after the script tag, nothing awaited, the room set up while still offline.
var settings = JSON.parse(decodeURIComponent(location.hash.slice(1)));

function DemoPage() {
  this.api = new Mesibo();
  this.status = [];
  this.received = [];
  this.messageStatus = [];
  this.participants = [];
  this.streams = [];
  this.callStatus = [];
}

DemoPage.prototype.Mesibo_OnConnectionStatus = function (status, value) {
  this.status.push(status);
};

DemoPage.prototype.Mesibo_OnMessage = function (m, data) {
  if (!data || m.presence) return;
  this.received.push({ peer: m.peer, text: array2String(data, 0, data.length) });
};

DemoPage.prototype.Mesibo_OnMessageStatus = function (m) {
  this.messageStatus.push({ id: m.id, status: m.status });
};

DemoPage.prototype.Mesibo_OnParticipants = function (all, latest) {
  for (var i in latest) {
    var p = latest[i];
    this.participants.push(p.getName());
    p.call(null, "remoteVideo", this.onStream.bind(this), this.onStatus.bind(this));
  }
};

DemoPage.prototype.onStream = function (p) {
  this.streams.push({ name: p.getName(), local: p.isLocal() });
};

DemoPage.prototype.onStatus = function (p, status, video) {
  this.callStatus.push({ name: p.getName(), status: status });
};

DemoPage.prototype.begin = function () {
  this.api.setAppName(settings.app);
  this.api.setListener(this);
  if (false == this.api.setCredentials(settings.token)) return -1;
  this.api.setDatabase("mesibo");
  this.api.start();

  if (settings.group) {
    var live = this.api.initGroupCall();
    live.setRoom(settings.group);
    this.local = live.getLocalParticipant(settings.name, settings.address);
    var o = { peer: 0, name: settings.name, groupid: settings.group, source: 1 };
    this.local.call(o, "localVideo", this.onStream.bind(this), this.onStatus.bind(this));
  }
  return 0;
};

DemoPage.prototype.send = function (to, text) {
  var p = { peer: to, flag: MESIBO_FLAG_DEFAULT };
  var id = this.api.random();
  return this.api.sendMessage(p, id, text) === 0 ? id : -1;
};

var page = new DemoPage();
page.result = page.begin();
