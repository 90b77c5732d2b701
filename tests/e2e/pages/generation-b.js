"use strict";
// A messenger as pages of 2021 and 2022 were written: a class, profiles that carry the operations,
// `MesiboGroupcall_On…` for rooms, still the older spelling for messages.
const settings = JSON.parse(decodeURIComponent(location.hash.slice(1)));

class MessengerApp {
  constructor() {
    this.api = new Mesibo();
    this.seen = { updates: [], reads: [], typing: [], status: [], files: [] };
    this.profile = null;
    this.session = null;
  }

  Mesibo_OnConnectionStatus(status) {
    this.seen.status.push(status);
    if (MESIBO_STATUS_ONLINE == status) this.self = this.api.getSelfProfile();
  }

  Mesibo_OnMessage(m, data) {
    if (m.isRealtimeMessage && !m.isRealtimeMessage()) return;
    if (data && m.filetype !== undefined) this.seen.files.push([m.filetype, m.fileurl, m.title]);
    this.draw();
  }

  Mesibo_OnMessageStatus(m) {
    if (m.groupid && m.rcount) this.last = { rcount: m.rcount, rc: m.rc };
    this.draw();
  }

  Mesibo_OnPresence(p) {
    if (p.isTyping()) this.seen.typing.push(p.profile.getNameOrAddress("+"));
  }

  Mesibo_onProfileUpdated(profile) {
    this.seen.updates.push(profile.getNameOrAddress());
  }

  draw() {
    if (!this.session) return;
    const list = document.getElementById("messages");
    list.replaceChildren(
      ...this.session.getMessages().map((m) => {
        const row = document.createElement("li");
        row.textContent = m.message;
        row.dataset.mid = String(m.mid);
        row.dataset.status = m.status;
        return row;
      }),
    );
  }

  open(address, gid) {
    this.profile = this.api.getProfile(address, gid);
    const app = this;
    // Two forms were taught: with and without something to search for.
    const on_read = function (count) {
      app.seen.reads.push([count, this === app.session]);
      app.draw();
    };
    this.session = settings.search
      ? this.profile.readDbSession(settings.search, on_read)
      : this.profile.readDbSession(on_read);
    this.session.enableReadReceipt(true);
    this.session.read(10);
  }

  send(text) {
    return this.profile.sendMessage(this.api.random(), text);
  }

  sendFileOf(id, caption) {
    const file = { file: id, message: caption };
    return this.profile.sendFile(this.api.random(), file);
  }

  typing() {
    this.profile.createPresence().sendTyping();
  }

  setStatus(text) {
    const self = this.api.getSelfProfile();
    self.setStatus(text);
    self.save();
  }

  start() {
    this.api.setAppName(settings.app);
    this.api.setCredentials(settings.token);
    this.api.setListener(this);
    this.api.setDatabase("mesibo");
    return this.api.start();
  }
}

const app = new MessengerApp();
app.result = app.start();
