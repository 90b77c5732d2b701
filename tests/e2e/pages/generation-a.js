// A messenger as pages of 2020 and early 2021 were written: a scope object in the manner of the
// frameworks of the time, read sessions that the SDK fills, contacts that the page makes.
var settings = JSON.parse(decodeURIComponent(location.hash.slice(1)));
var MAX_MESSAGES_READ = 3;
var MAX_USERS_READ = 100;

var $scope = {
  users: [],
  selected_user: null,
  summarySession: null,
  messageSession: null,
  messages: [],
  reads: [],
  syncs: [],
  redraws: 0,
  status: MESIBO_STATUS_UNKNOWN,
};

function Messenger(scope) {
  this.scope = scope;
  this.api = new Mesibo();
}

Messenger.prototype.Mesibo_OnConnectionStatus = function (status) {
  this.scope.status = status;
  if (status == MESIBO_STATUS_ONLINE) this.refresh();
};

Messenger.prototype.Mesibo_OnMessage = async function (m, data) {
  if (!m.mid || m.presence) return;
  // A conversation is drawn from the array of its session, which has the message already.
  this.refresh();
};

Messenger.prototype.Mesibo_OnMessageStatus = function (m) {
  this.last_status = m.status;
  this.refresh();
};

Messenger.prototype.refresh = function () {
  this.scope.redraws++;
  if (this.scope.messageSession) this.scope.messages = this.scope.messageSession.getMessages();
  if (this.scope.summarySession) this.scope.users = this.scope.summarySession.getMessages();
};

Messenger.prototype.sessionReadSummary = function () {
  var scope = this.scope;
  var self = this;
  scope.summarySession = this.api.readDbSession(null, 0, null, function on_read(count) {
    scope.reads.push(["summary", count, this === scope.summarySession]);
    scope.users = this.getMessages();
    self.refresh();
  });
  scope.summarySession.enableSummary(true);
  scope.summarySession.readCount = MAX_USERS_READ;
  scope.summarySession.read(MAX_USERS_READ);
};

Messenger.prototype.select = function (user) {
  var scope = this.scope;
  var self = this;
  scope.selected_user = user;
  if (scope.messageSession) scope.messageSession.stop();
  scope.messageSession = this.api.readDbSession(
    user.address,
    user.groupid,
    null,
    function on_read(result) {
      scope.reads.push(["messages", result, this === scope.messageSession]);
      if (result == undefined) throw new Error("a count is never undefined");
      if (result < this.readCount) {
        this.sync(this.readCount - result, function on_sync(count) {
          scope.syncs.push([count, this === scope.messageSession]);
          if (count > 0) this.read(count);
        });
      }
      self.refresh();
    },
  );
  scope.messageSession.enableReadReceipt(true);
  scope.messageSession.readCount = MAX_MESSAGES_READ;
  scope.messageSession.read(MAX_MESSAGES_READ);
};

Messenger.prototype.more = function () {
  this.scope.messageSession.read(MAX_MESSAGES_READ);
};

Messenger.prototype.add_contact = function (contact) {
  var profile = this.api.setContact(contact);
  this.scope.contact = profile;
  return [profile.getName(), profile.getAddress(), profile.getGroupId()];
};

Messenger.prototype.send = function (text) {
  var user = this.scope.selected_user;
  var m = { peer: user.address, groupid: user.groupid, flag: MESIBO_FLAG_DEFAULT };
  var id = parseInt(Math.floor(2147483647 * Math.random()));
  m.id = id;
  m.message = text;
  this.api.sendMessage(m, m.id, m.message);
  this.refresh();
  return id;
};

Messenger.prototype.forward = function (to, message) {
  return this.api.forwardMessage({ peer: to }, this.api.random(), message.id);
};

Messenger.prototype.remove = function (message) {
  return this.scope.messageSession.deleteMessage(message.id);
};

Messenger.prototype.start = function () {
  var self = this;
  this.api.setAppName(settings.app);
  this.api.setListener(this);
  this.api.setCredentials(settings.token);
  this.api.setDatabase("mesibodb", function (opened) {
    self.opened = opened;
    self.sessionReadSummary();
  });
  this.api.start();
};

/** A row of the list, as a template draws it. */
function row(entry) {
  return {
    name: entry.name,
    address: entry.address,
    groupid: entry.groupid,
    last: entry.lastMessage && entry.lastMessage.message,
    status: entry.lastMessage && entry.lastMessage.status,
    date: typeof (entry.lastMessage && entry.lastMessage.date.date),
    picture: entry.picture,
  };
}

/** A bubble of the conversation, as a template draws it. */
function bubble(m) {
  return {
    text: m.message,
    out: m.status <= MESIBO_MSGSTATUS_READ || m.status & MESIBO_MSGSTATUS_FAIL ? true : false,
    date: m.date.date,
    time: m.date.time,
    today: m.date.yd == 0,
    file: m.filetype !== undefined,
  };
}

var messenger = new Messenger($scope);
messenger.start();
