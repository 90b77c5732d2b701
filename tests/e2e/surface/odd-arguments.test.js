// What pages pass by mistake: no method throws, and what is missing takes its default.
import assert from "node:assert/strict";
import { test } from "node:test";
import { World } from "../harness/world.js";

const world = World.forThisFile();

/** A page that has not started: everything works at once. */
async function page() {
  const [ada, bob] = await world.people("ada", "bob");
  const opened = await world.visit(ada, "chat.html", {
    database: "odd",
    start: false,
  });
  return { bob, page: opened };
}

// Rules: 0.1.10, 0.1.11.
test("no method throws, whatever it is given, before the page has started", async () => {
  const { bob, page: ada } = await page();
  const thrown = await ada.evaluate(async (peer) => {
    const { api } = chat;
    const of = api.getProfile(peer, 0);
    const group = api.getProfile(null, 4711);
    const objects = {
      api,
      of,
      group,
      self: api.getSelfProfile(),
      message: of.newMessage(),
      presence: of.newPresence(),
      session: of.createReadSession(null),
      image: of.getImage(),
      date: new MesiboDateTime(5),
      http: api.createhttpRequest(),
      search: new MesiboProfileSearch(),
      synchronizer: new MesiboContactSynchronizer(),
      call: api.groupCall(null, 4711),
      publisher: api.groupCall(null, 4711).createPublisher(0),
      encryption: api.e2ee(),
      places: api.getLocationManager(),
      place: of.location(),
      statics: Mesibo,
      moments: MesiboDateTime,
      sessions: MesiboReadSession,
      messages: MesiboMessage,
      made: {
        message: (value) => new MesiboMessage(value).send(),
        presence: (value) => new MesiboPresence(value).send(),
        date: (value) => [new MesiboDateTime(value).getDate(), new MesiboDateTime(value).getTime()],
        session: (value) => new MesiboReadSession(value),
        text: (...values) => array2String(...values),
      },
      given: {
        // What a page writes into a message before it sends it, and asks it afterwards.
        fields(value) {
          const names = Object.keys(of.newMessage()).filter((name) => name !== "status");
          for (const name of names) {
            const m = of.newMessage();
            m.message = "x";
            m[name] = value;
            void [m.profile, m.groupProfile, m.address, m.name, m.members, m.picture, m.file];
            for (const verb of verbs) m[verb](of);
          }
        },
        to(value) {
          for (const name of ["peer", "groupid", "type", "expiry", "flag", "id", "message"]) {
            const to = Object.freeze({ peer, message: "m", [name]: value });
            api.sendMessage(to, 0, "x");
            api.sendFile(to, 0, { fileurl: "https://x.test/y.png" });
            api.forwardMessage(to, 0, 1);
            api.deleteMessages({ [name]: value });
            api.isReading({ [name]: value });
            of.matches({ [name]: value });
          }
        },
        files(value) {
          const names = "type filetype fileurl url file size title message tn launchurl".split(" ");
          for (const name of names) {
            api.sendFile({ peer }, 0, {
              fileurl: "https://x.test/y.png",
              [name]: value,
            });
          }
        },
        contacts(value) {
          for (const name of ["groupid", "name", "picture", "status", "members", "hidden"]) {
            api.setContact({ address: "odd", [name]: value });
          }
        },
        order(value) {
          const names = "orderedBySelf orderedByTalking orderedByVideo orderedByName";
          const on = Object.fromEntries(names.split(" ").map((name) => [name, true]));
          const shapes = { forceAspectRatio: value, maxHorzAspectRatio: value };
          const other = { flexibleOrientation: true, minVertAspectRation: value };
          const { call, publisher } = objects;
          for (const params of [{ ...on, ...shapes }, { ...on, ...other }, value]) {
            for (const view of [value, publisher])
              call.sortStreams(null, [view, publisher], 100, 300, 0, 0, params);
            const listener = { ParticipantSort_onGetParticipant: value };
            call.sortStreams(listener, [publisher], value, value, value, value, params);
          }
        },
        settings(value) {
          for (const name of Object.keys(new MesiboGroupSettings())) {
            api.createGroup({ name: "odd", [name]: value });
            group.addMembers([peer], { [name]: value });
            group.addPin({ [name]: value });
          }
        },
      },
    };
    const verbs = "canSend hasLocation isRichMessage isGroupMessage isFailed isDestinedFor".split(
      " ",
    );
    verbs.push("getTimestamp", "getThumbnail", "getFilePath", "getProgress", "getReadSession");
    verbs.push("send", "forward", "reply", "replyToPeer", "sendUpdate", "resend", "cloneDate");
    verbs.push("mayBeRetracted", "getSenderProfile", "compare", "isFromSamePeer");
    const odd = [undefined, null, NaN, Infinity, -1, 1.5, 1e20, true, "", "x", "12"];
    odd.push({}, [], [null], () => 1, new Date(0), new Uint8Array(3), document.body);
    // What JavaScript itself turns into no text or number without throwing.
    const never = () => {
      throw new Error("not to be read");
    };
    const circular = {};
    circular.self = circular;
    odd.push(1n, Symbol("odd"), Object.create(null), {
      toString: never,
      valueOf: never,
    });
    odd.push([Symbol("odd")], circular, "data:image/png;base64,@@@", "data:,%E0%A4%A");
    // What ends the page's sign-in or asks for a camera is not about arguments.
    const left =
      /^(constructor|free|call|answer|start|stop|initServiceWorker|set(AccessToken|Credentials|Server)|_.*)$/;
    const thrown = [];
    const names = (object) => {
      const all = new Set();
      const ends = [Object.prototype, Function.prototype];
      for (let at = object; !ends.includes(at); at = Object.getPrototypeOf(at)) {
        for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
          if (typeof value === "function" && !left.test(name)) all.add(name);
        }
      }
      return all;
    };
    let calls = 0;
    for (const [kind, object] of Object.entries(objects)) {
      for (const name of names(object)) {
        for (const value of odd) {
          for (const values of [[value], [value, value, value, value]]) {
            const say = (error) => thrown.push(`${kind}.${name}(${typeof value}) ${error?.stack}`);
            calls += 1;
            try {
              const answer = object[name](...values);
              if (answer instanceof Promise) answer.catch(say);
            } catch (error) {
              say(error);
            }
          }
        }
      }
    }
    await new Promise((done) => queueMicrotask(done));
    return { thrown: thrown.slice(0, 20), calls };
  }, bob.address);
  assert.deepEqual(thrown.thrown, []);
  assert.ok(thrown.calls > 10_000, `${thrown.calls} calls`);
  assert.deepEqual(
    ada.lines.filter(({ type }) => type === "thrown"),
    [],
  );
});

test("what is missing takes its default, and names that nobody has are null", async () => {
  const { bob, page: ada } = await page();
  const said = await ada.evaluate((peer) => {
    const of = chat.api.getProfile(peer, 0);
    const expiry = (...values) => {
      const m = of.newMessage();
      m.setExpiry(...values);
      return m.getExpiry();
    };
    const m = of.newMessage();
    return {
      expiry: [expiry(), expiry(null), expiry("60"), expiry(0), expiry(-1)],
      names: [of.getName(), of.getFirstName(), of.getNameOrAddress(null) === peer],
      destined: [m.isDestinedFor(of), m.isDestinedFor({}), m.isDestinedFor("x")],
      // Not a user of that name, and no group.
      nobody: [NaN, Infinity, {}, [], 1n].map((value) => chat.api.getProfile(value, 0)),
      groups: [-1, 2 ** 32, 77.9, "77"].map((gid) => new MesiboMessage(gid).groupid),
      moments: [1e20, "x", null, Symbol("odd")].map((ts) => new MesiboDateTime(ts).isValid()),
      words: [undefined, "x", 2].map((accuracy) =>
        new MesiboDateTime(Date.now() - 93_600_000).getDateInNaturalLanguage(accuracy),
      ),
    };
  }, bob.address);
  assert.deepEqual(said, {
    expiry: [-1, -1, 60, 0, -1],
    names: [null, null, true],
    destined: [true, false, false],
    nobody: [null, null, null, null, null],
    groups: [0, 0, 77, 0],
    moments: [false, false, false, false],
    words: ["1 day ago", "1 day ago", "1 day, 2 hours ago"],
  });
});
