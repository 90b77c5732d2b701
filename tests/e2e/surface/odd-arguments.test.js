// What pages pass by mistake: no method throws, and what is missing takes its default.
import assert from "node:assert/strict";
import { test } from "node:test";
import { World } from "../harness/world.js";

const world = World.forThisFile();

/** A page that has not started: everything works at once. */
async function page() {
  const [ada, bob] = await world.people("ada", "bob");
  const opened = await world.visit(ada, "chat.html", { database: "odd", start: false });
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
    };
    const odd = [undefined, null, NaN, Infinity, -1, 1.5, 1e20, true, "", "x", "12"];
    odd.push({}, [], [null], () => 1, new Date(0), new Uint8Array(3), document.body);
    // What ends the page's sign-in or asks for a camera is not about arguments.
    const left =
      /^(constructor|free|call|answer|start|stop|set(AccessToken|Credentials|Server)|_.*)$/;
    const thrown = [];
    const names = (object) => {
      const all = new Set();
      for (let at = object; at !== Object.prototype; at = Object.getPrototypeOf(at)) {
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
            const say = (error) => thrown.push(`${kind}.${name}(${String(value)}) ${error}`);
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
    return { thrown, calls };
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
    };
  }, bob.address);
  assert.deepEqual(said, {
    expiry: [-1, -1, 60, 0, -1],
    names: [null, null, true],
    destined: [true, false, false],
  });
});
