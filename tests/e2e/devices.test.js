// Cameras, microphones and loudspeakers that come late, go away, or may not be used yet.
import assert from "node:assert/strict";
import { test } from "node:test";
import { event, key } from "./harness/room.js";
import { World } from "./harness/world.js";

const world = World.forThisFile();
const [CAMERA, SCREEN] = [0, 4];
const [CONNECTED, CANCEL] = [0x30, 0x41];

async function inRoom(settings = {}) {
  const people = await world.people("ada", "bob");
  const addresses = people.map((person) => person.address);
  const group = await world.app.addGroup("devices", addresses);
  const visit = (person) => world.visit(person, "room.html", { group, ...settings });
  return { people, pages: await Promise.all(people.map(visit)) };
}

async function onPhone(answers = true) {
  const people = await world.people("ada", "bob");
  const visit = (person, index) =>
    world.visit(person, "call.html", { answers: answers && index > 0 });
  const pages = await Promise.all(people.map(visit));
  for (const page of pages) await page.until(() => phone.seen.connection.at(-1) === 1);
  return { people, pages };
}

/** Nobody has answered the browser's question yet; `grant()` does. What was captured is kept. */
const askAndWait = () => {
  window.captured = [];
  const { mediaDevices } = navigator;
  const real = mediaDevices.getUserMedia.bind(mediaDevices);
  mediaDevices.getUserMedia = async (wanted) => {
    await new Promise((grant) => Object.assign(window, { grant }));
    const stream = await real(wanted);
    captured.push(stream);
    return stream;
  };
};
const isLetGo = () =>
  captured.length > 0 &&
  captured.every((stream) => stream.getTracks().every(({ readyState }) => readyState === "ended"));

/** The device of this track is pulled out; `others` are what there is then. */
const pullOut = (stream, kind) => {
  const track = stream.getTracks().find((track) => track.kind === kind);
  track.stop();
  track.dispatchEvent(new Event("ended"));
};
const without = (kind) => {
  const { mediaDevices } = navigator;
  window.real ??= mediaDevices.getUserMedia.bind(mediaDevices);
  mediaDevices.getUserMedia = (wanted) =>
    wanted[kind] ? Promise.reject(new DOMException("", "NotFoundError")) : real(wanted);
};
const pluggedIn = () => {
  navigator.mediaDevices.getUserMedia = real;
  navigator.mediaDevices.dispatchEvent(new Event("devicechange"));
};

test("a call hung up before the camera was allowed is over, and what comes then is let go of", async () => {
  const { people, pages } = await onPhone();
  const [a] = pages;
  await a.evaluate(askAndWait);
  await a.evaluate((to) => phone.dial(to), people[1].address);
  await a.until(() => Boolean(window.grant));
  assert.equal(await a.evaluate(() => phone.api.hangup()), 0);
  await a.until((cancel) => phone.statuses().at(-1) === cancel, CANCEL);
  await a.evaluate(() => grant());
  await a.until(isLetGo);
  const { statuses, media, permissions } = await a.evaluate(() => phone.seen);
  assert.deepEqual([statuses.length, media, permissions], [1, [], [true, false]]);
  assert.equal(await a.evaluate(() => document.getElementById("localVideo").srcObject), null);
});

test("a stream that was hung up before the camera was allowed leaves no camera on", async () => {
  const { pages } = await inRoom({ publish: false });
  const [a] = pages;
  await a.evaluate(askAndWait);
  await a.evaluate(() => {
    window.own = room.call.createPublisher(0);
    own.call(true, true, room.calls);
  });
  await a.until(() => Boolean(window.grant));
  assert.equal(await a.evaluate(() => own.hangup()), true);
  await a.evaluate(() => grant());
  await a.until(isLetGo);
  assert.deepEqual(await a.evaluate(() => room.seen.events), []);
});

test("what is muted while it rings is muted when it is answered, and the other side is told", async () => {
  const { people, pages } = await onPhone(false);
  const [a, b] = pages;
  await a.evaluate((to) => phone.dial(to), people[1].address);
  await b.until(() => phone.seen.calls.length > 0);
  assert.equal(await a.evaluate(() => phone.api.toggleAudioMute()), true);
  await b.evaluate(() => phone.api.answer(true));
  await b.until(() => phone.statuses().includes(MESIBO_CALLSTATUS_MUTE));
  for (const page of pages) {
    await page.until((status) => phone.statuses().includes(status), CONNECTED);
  }
  assert.equal(await a.evaluate(() => phone.api.getMuteStatus()), 1);
});

test("in a call the screen takes the camera's place, and the camera comes back when that is stopped", async () => {
  const { people, pages } = await onPhone();
  const [a, b] = pages;
  await a.evaluate((to) => phone.dial(to), people[1].address);
  for (const page of pages) {
    await page.until((status) => phone.statuses().at(-1) === status, CONNECTED);
  }
  const shape = () => {
    const { videoWidth, videoHeight } = document.getElementById("remoteVideo");
    return videoHeight && videoWidth / videoHeight;
  };
  await b.until(`Math.abs((${shape})() - 4 / 3) < 0.05`);
  await a.evaluate(() => phone.api.switchSource());
  await b.until(`(${shape})() > 1.5`);
  assert.equal(await a.evaluate(() => phone.api.getVideoSource()), SCREEN);
  await a.evaluate(`(${pullOut})(document.getElementById("localVideo").srcObject, "video")`);
  await b.until(`Math.abs((${shape})() - 4 / 3) < 0.05`);
  await a.until(() => phone.api.getVideoSource() === 0);

  // One camera: there is no other one. A number that no camera has is the browser's choice.
  const before = await a.evaluate(() => phone.seen.media.length);
  await a.evaluate(() => phone.api.switchCamera());
  await a.evaluate((camera) => phone.api.setVideoSource(camera, 7), CAMERA);
  await a.until((before) => phone.seen.media.length > before, before);
  assert.equal(await a.evaluate(() => phone.seen.media.length), before + 1);

  await a.evaluate(without, "audio");
  await a.evaluate(`(${pullOut})(document.getElementById("localVideo").srcObject, "audio")`);
  await a.until(() => phone.seen.media.at(-1) === null);
  await a.evaluate(pluggedIn);
  await a.until(() =>
    document
      .getElementById("localVideo")
      .srcObject.getAudioTracks()
      .every(({ readyState }) => readyState === "live"),
  );
  assert.deepEqual(await b.evaluate(() => phone.statuses().at(-1)), CONNECTED);
});

test("a call that begins with the screen shows that, with the microphone's sound, and the next one the camera", async () => {
  const { people, pages } = await onPhone();
  const [a, b] = pages;
  await a.evaluate((screen) => phone.api.setVideoSource(screen), SCREEN);
  const shape = () => {
    const { videoWidth, videoHeight } = document.getElementById("remoteVideo");
    return videoHeight && videoWidth / videoHeight;
  };
  const own = () => {
    const tracks = document.getElementById("localVideo").srcObject?.getTracks() ?? [];
    return tracks.map((track) => track.kind).sort();
  };
  for (const [source, isShape] of [
    [SCREEN, `(${shape})() > 1.5`],
    [CAMERA, `Math.abs((${shape})() - 4 / 3) < 0.05`],
  ]) {
    await a.evaluate((to) => phone.dial(to), people[1].address);
    for (const page of pages) {
      await page.until((status) => phone.statuses().at(-1) === status, CONNECTED);
    }
    assert.equal(await a.evaluate(() => phone.api.getVideoSource()), source);
    await b.until(isShape);
    assert.deepEqual(await a.evaluate(own), ["audio", "video"]);
    await a.evaluate(() => phone.api.hangup());
    for (const page of pages) await page.until(() => phone.statuses().at(-1) & 0x40);
  }
});

test("a call goes on with the microphone when the screen is not given, and a camera may come later", async () => {
  const { people, pages } = await onPhone();
  const [a, b] = pages;
  await a.evaluate((screen) => {
    navigator.mediaDevices.getDisplayMedia = () =>
      Promise.reject(new DOMException("no", "NotAllowedError"));
    phone.api.setVideoSource(screen);
  }, SCREEN);
  await a.evaluate((to) => phone.dial(to), people[1].address);
  for (const page of pages) {
    await page.until((status) => phone.statuses().at(-1) === status, CONNECTED);
  }
  await a.until(() => phone.playing().width > 0);
  assert.equal(await b.evaluate(() => phone.playing().width), 0);
  await a.evaluate((camera) => phone.api.setVideoSource(camera), CAMERA);
  await b.until(() => phone.playing().width > 0);
});

test("the microphone that a page chooses is heard, in a call and in a room, at once and later", async () => {
  const spy = async () => {
    window.heard = [];
    const { mediaDevices } = navigator;
    const real = mediaDevices.getUserMedia.bind(mediaDevices);
    mediaDevices.getUserMedia = async (wanted) => {
      const stream = await real(wanted);
      heard.push(stream.getAudioTracks()[0]?.getSettings().deviceId);
      return stream;
    };
    const inputs = (await mediaDevices.enumerateDevices()).filter((d) => d.kind === "audioinput");
    return inputs.map((device) => device.deviceId).filter((id) => id !== "default");
  };
  const isHeard = (page, id) => page.until((id) => heard.at(-1) === id, id);
  const energy = () => inbound().then((all) => all.find((it) => it.kind === "audio")?.energy ?? 0);
  const flows = async (page) => {
    const before = await page.evaluate(energy);
    await page.until(`(${energy})().then((now) => now > ${before})`);
  };

  const { people, pages } = await onPhone();
  const [a, b] = pages;
  const [first, second] = await a.evaluate(spy);
  assert.ok(second, "there are two of them");
  await a.evaluate((id) => phone.api.setMicrophone(id), second);
  await a.evaluate((to) => phone.dial(to, false), people[1].address);
  for (const page of pages) {
    await page.until((status) => phone.statuses().at(-1) === status, CONNECTED);
  }
  await isHeard(a, second);
  await a.evaluate((id) => phone.api.setMicrophone(id), first);
  await isHeard(a, first);
  await flows(b);

  const { pages: inside } = await inRoom();
  const [c, d] = inside;
  await d.until(() => room.views().some((view) => view.width > 0));
  // Each person's browser has names of its own for them.
  const [, other] = await c.evaluate(spy);
  await c.evaluate(() => room.mute(false));
  await c.evaluate((id) => room.api.setMicrophone(id), other);
  await isHeard(c, other);
  const isMuted = () => room.me().getVideoView().srcObject.getAudioTracks()[0].enabled === false;
  await c.until(isMuted);
  await c.evaluate(() => room.mute(false));
  await flows(d);
  // One that is not there is no reason to be silent.
  await c.evaluate(() => room.api.setMicrophone("gone"));
  await c.until(() => heard.length === 2 && heard[1]);
});

test("who loses the camera in a room is heard on, and seen again when it is back", async () => {
  const { people, pages } = await inRoom();
  const [a, b] = pages;
  const ada = key(people[0]);
  await b.until(() => room.views().some((view) => view.width > 0));
  const own = () => room.me().getVideoView().srcObject;
  await a.evaluate(without, "video");
  await a.evaluate(`(${pullOut})((${own})(), "video")`);
  await event(a, { what: "audio", who: ada });
  await b.until((ada) => !room.of(ada).hasVideo(), ada);
  assert.deepEqual(
    await a.evaluate(() => [
      room.me().hasVideo(),
      room.me().hasAudio(),
      room.me().isCallInProgress(),
    ]),
    [false, true, true],
  );
  await a.evaluate(pluggedIn);
  await b.until((ada) => room.of(ada).hasVideo(), ada);
  await a.until(() => room.me().hasVideo());
  const ended = await b.evaluate(() => room.seen.events.some(({ what }) => what === "hangup"));
  assert.equal(ended, false);
});

test("sound that the browser keeps back begins with the next click, or when the page says so", async () => {
  const { pages } = await inRoom();
  const [a, b] = pages;
  const keepBack = () => {
    window.blocked = [];
    window.touched = false;
    room.api.addListener({
      Mesibo_onPlaybackBlocked: (on) => blocked.push(on),
    });
    const { play } = HTMLMediaElement.prototype;
    HTMLMediaElement.prototype.play = function () {
      return touched || this.muted
        ? play.call(this)
        : Promise.reject(new DOMException("", "NotAllowedError"));
    };
  };
  for (const page of pages) {
    await page.evaluate(keepBack);
    await page.evaluate(() => {
      for (const who of room.present()) room.of(who).setVideoView(null);
    });
    await page.until(() => blocked.at(-1) === true);
    await page.evaluate(() => (touched = true));
  }
  await a.evaluate(() => room.api.resumePlayback());
  await b.raw.keyboard.press("Space");
  for (const page of pages) {
    await page.until(() => blocked.at(-1) === false);
    assert.deepEqual(await page.evaluate(() => blocked), [true, false]);
  }
});
