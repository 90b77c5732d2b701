"use strict";
// A page (or worker) that signs in, keeps what the SDK tells it, and does what a test asks.
{
  const settings = JSON.parse(decodeURIComponent(location.hash.slice(1)));
  const api = new Mesibo();
  const sent = new Map();
  const readers = new Map();

  const record = (m) => ({
    mid: m.mid,
    text: m.message,
    peer: m.peer,
    group: m.groupid,
    status: m.status,
  });

  // Everything in the order it was told. Copies: the SDK's own objects change.
  const seen = {
    connection: [],
    received: [],
    own: [],
    statuses: [],
    presence: [],
    joined: [],
    database: null,
  };

  const listener = {
    Mesibo_onConnectionStatus(status) {
      seen.connection.push(status);
    },
    Mesibo_onMessage(m) {
      (m.isIncoming() ? seen.received : seen.own).push(record(m));
    },
    Mesibo_onMessageStatus(m) {
      seen.statuses.push({ mid: m.mid, status: m.status, same: sent.get(m.mid) === m });
    },
    Mesibo_onPresence(p) {
      const kinds = ["isTyping", "isTypingCleared", "isOnline", "isOffline"];
      const kind = kinds.find((name) => p[name]());
      seen.presence.push({ peer: p.peer, group: p.groupid, kind });
    },
    Mesibo_onGroupJoined(profile) {
      seen.joined.push(profile.getGroupId());
    },
  };

  const profile = (to) =>
    typeof to === "number" ? api.getProfile(null, to) : api.getProfile(to, 0);

  const chat = {
    api,
    seen,
    listener,
    async ask(method, ...values) {
      return chat[method](...values);
    },
    answer: () => seen,
    connection: () => api.getConnectionStatus(),
    /** Sends each text, without waiting for any; returns the message ids. */
    send(to, texts) {
      return texts.map((text) => {
        const m = profile(to).newMessage();
        m.message = text;
        const result = m.send();
        if (result !== 0) throw new Error(`send() answers ${result}`);
        sent.set(m.mid, m);
        return m.mid;
      });
    },
    /** As `send`, one text in each turn of the event loop, so that two pages take turns. */
    async sendSlowly(to, texts) {
      const mids = [];
      const turn = new MessageChannel();
      for (const text of texts) {
        mids.push(...chat.send(to, [text]));
        await new Promise((resume) => {
          turn.port2.onmessage = resume;
          turn.port1.postMessage(0);
        });
      }
      turn.port1.close();
      return mids;
    },
    /** Opens a conversation as somebody who looks at it, and reads the newest `count`. */
    read(to, count, receipts = true) {
      const reader = { ended: 0, batches: 0 };
      reader.session = profile(to).createReadSession({
        Mesibo_onMessage(m) {
          if (m === null) reader.ended += 1;
          else if (m.isDbMessage() && m.isLastMessage()) reader.batches += 1;
        },
      });
      reader.session.enableReadReceipt(receipts);
      reader.session.read(count);
      readers.set(to, reader);
    },
    readMore: (to, count) => readers.get(to).session.read(count),
    /** The open conversation: texts, oldest first. */
    shown: (to) =>
      readers
        .get(to)
        .session.getMessages()
        .map((m) => m.message),
    messages: (to) => readers.get(to).session.getMessages(),
    reader: (to) => ({ ended: readers.get(to).ended, batches: readers.get(to).batches }),
    typing: (to) => void profile(to).sendTyping(),
    start: () => api.start(),
    stop: () => api.stop(),
  };
  globalThis.chat = chat;

  api.setAppName(settings.app);
  api.setListener(listener);
  chat.tokenTaken = api.setAccessToken(settings.token);
  if (settings.server) api.setServer(settings.server);
  if (settings.database) api.setDatabase(settings.database, (ok) => (seen.database = ok));
  if (settings.tabs) api.enableCrossTabSessions(true);
  if (settings.start !== false) chat.started = api.start();
}
