// A chat as pages of 2018 and 2019 were written: global functions, one listener made by hand, bytes
// in `data`, and a history that the page keeps by itself.
var settings = JSON.parse(decodeURIComponent(location.hash.slice(1)));
var api = new Mesibo();
var history_of = {};
var statuses = {};
var connection = [];
var activities = [];
var unread = 0;

function MesiboListener() {}

MesiboListener.prototype.Mesibo_OnConnectionStatus = function (status, value) {
  connection.push([status, value]);
  var bar = document.getElementById("cstatus");
  if (status == MESIBO_STATUS_ONLINE) bar.className = "green";
  else if (status == MESIBO_STATUS_SIGNOUT) bar.innerText = "Signed Out";
  else if (status == MESIBO_STATUS_AUTHFAIL) bar.innerText = "Disconnected: Bad Token or App ID";
  else bar.className = "red";
  bar.setAttribute("data-status", status);
};

MesiboListener.prototype.Mesibo_OnMessage = function (m, data) {
  // Presence comes here too, without data.
  if (!data || 0 == data.length) {
    if (m.presence) activities.push(m.presence);
    return;
  }
  var text = new TextDecoder("utf-8").decode(data);
  var same = array2String(data, 0, data.length);
  if (text !== same) throw new Error("two ways to read the text differ");
  if (m.filetype !== undefined) {
    add_picture(m.groupid || m.peer, m, text);
  } else {
    add_bubble(m.groupid || m.peer, m.id, text, "in");
  }
  unread++;
  document.title = "(" + unread + ") chat";
  if (settings.read) api.sendReadReceipt({ peer: m.peer, groupid: m.groupid }, m.mid);
};

MesiboListener.prototype.Mesibo_OnMessageStatus = function (m) {
  (statuses[m.id] = statuses[m.id] || []).push(m.status);
  var tick = document.getElementById("tick-" + m.id);
  if (!tick) return;
  switch (m.status) {
    case MESIBO_MSGSTATUS_SENT:
      tick.innerText = "sent";
      break;
    case MESIBO_MSGSTATUS_DELIVERED:
      tick.innerText = "delivered";
      break;
    case MESIBO_MSGSTATUS_READ:
      tick.innerText = "read";
      break;
    default:
      if (m.status & MESIBO_MSGSTATUS_FAIL) tick.innerText = "failed";
  }
};

MesiboListener.prototype.Mesibo_OnActivity = function (m, activity) {
  document.getElementById("typing").innerText =
    activity == MESIBO_ACTIVITY_TYPING ? m.peer + " is typing" : "";
};

function add_bubble(who, id, text, side) {
  var all = (history_of[who] = history_of[who] || []);
  all.push({ id: id, text: text, side: side });
  var row = document.createElement("li");
  row.className = side;
  row.id = "bubble-" + id;
  row.innerText = text;
  if (side == "out") {
    var tick = document.createElement("span");
    tick.id = "tick-" + id;
    row.appendChild(tick);
  }
  document.getElementById("messages").appendChild(row);
}

function add_picture(who, m, caption) {
  var link = document.createElement("a");
  link.href = m.launchurl || m.fileurl;
  var picture = document.createElement("img");
  picture.src = m.fileurl;
  picture.alt = m.title || caption;
  link.appendChild(picture);
  document.getElementById("messages").appendChild(link);
  (history_of[who] = history_of[who] || []).push({
    id: m.id,
    text: caption,
    side: "in",
    url: m.fileurl,
    type: m.filetype,
    launch: m.launchurl,
    thumbnail: m.tn ? m.tn.length : 0,
  });
}

function send_text(to, text) {
  var p = {};
  p.peer = to;
  p.flag = MESIBO_FLAG_DEFAULT;
  p.expiry = 3600;
  var id = api.random();
  var result = api.sendMessage(p, id, text);
  if (result != 0) return -1;
  // The page shows its own message: nothing comes back for it.
  add_bubble(to, id, text, "out");
  return id;
}

function send_group(gid, text) {
  var p = { groupid: gid, type: 7 };
  var id = Math.random() * 100000 + 1;
  if (0 != api.sendMessage(p, id, text)) return -1;
  add_bubble(gid, Math.floor(id), text, "out");
  return Math.floor(id);
}

function send_bytes(to, bytes) {
  var p = { peer: to };
  return api.sendMessage(p, 0, new Uint8Array(bytes)) == 0 ? p.id : -1;
}

function send_file(to, url, caption) {
  var file = {};
  file.filetype = MESIBO_FILETYPE_IMAGE;
  file.size = 1023;
  file.fileurl = url;
  file.title = "A picture";
  file.message = caption;
  file.launchurl = "https://example.com/";
  file.tn = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]);
  return api.sendFile({ peer: to }, api.random(), file);
}

function start() {
  api.setAppName(settings.app);
  if (false == api.setCredentials(settings.token)) return -1;
  api.setListener(new MesiboListener());
  api.start();
  return 0;
}

var started = start();
