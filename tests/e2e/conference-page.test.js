// The conference page: usable by everybody, on every screen, in the dark too; and what people do there.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isAccessibleAndFits, SCREENS } from "./harness/accessible.js";
import { until } from "./harness/until.js";
import { World } from "./harness/world.js";

const world = World.forThisFile();

/** Opens a demo page as somebody; answers Playwright's own page. */
async function visit(page, person, known) {
  return (await world.openPage(world.demoAddress(page, person, known))).raw;
}

/** Pages of people in the lobby of a room of theirs. */
async function lobbies(people, size = SCREENS.desktop) {
  const gid = await world.app.addGroup(
    "Team",
    people.map((person) => person.address),
  );
  const group = { gid, name: "Team" };
  const pages = await Promise.all(people.map((person) => visit("conference", person, { group })));
  for (const page of pages) await page.setViewportSize(size);
  return { gid, pages };
}
const enter = (page) => page.getByRole("button", { name: "Join", exact: true }).click();
const pictures = (page, count) =>
  page.waitForFunction((count) => {
    const videos = [...document.querySelectorAll("#tiles video")];
    return videos.length === count && videos.every((video) => video.videoWidth > 0);
  }, count);
/** Until so many seconds of somebody else's picture have gone by in a page. */
const watched = (page, seconds) =>
  page.evaluate(
    (seconds) =>
      new Promise((done) => {
        const video = document.querySelector("#tiles .tile:not(.mirrored) video");
        const begun = video.currentTime;
        video.ontimeupdate = () => video.currentTime - begun >= seconds && done();
      }),
    seconds,
  );
const person = (page, name) => page.locator("#people li").filter({ hasText: name });

for (const screen of Object.keys(SCREENS)) {
  test(`every state of the conference is accessible and fits, on a ${screen}`, async () => {
    const { pages } = await lobbies(await world.people("Ada", "Bob"), SCREENS[screen]);
    const [adas, bobs] = pages;
    await adas.emulateMedia({ reducedMotion: "reduce" });
    await adas.getByRole("button", { name: "Test camera" }).click();
    await adas.locator("#camera-choice").waitFor();
    await isAccessibleAndFits(adas, "lobby with devices");
    for (const page of pages) await enter(page);
    await pictures(adas, 2);
    await isAccessibleAndFits(adas, "room");
    await bobs.keyboard.press("h");
    await adas.locator("body").press("p");
    await person(adas, "Bob").getByRole("img", { name: "hand raised" }).waitFor();
    await isAccessibleAndFits(adas, "people");
    await person(adas, "Bob").getByRole("button").click();
    await isAccessibleAndFits(adas, "menu of a person");
    await adas.getByRole("menuitem", { name: "Show large" }).click();
    await isAccessibleAndFits(adas, "speaker");
    if (screen === "phone") await adas.getByRole("button", { name: "Close people" }).click();
    await adas.locator("body").press("i");
    await adas.locator("#statistics").getByText("kbit/s").first().waitFor();
    await isAccessibleAndFits(adas, "statistics");
    await adas.getByRole("button", { name: "Close statistics" }).click();
    await adas.getByRole("button", { name: "More" }).click();
    await isAccessibleAndFits(adas, "menu");
    await adas.getByRole("menuitem", { name: "Keyboard shortcuts" }).click();
    await isAccessibleAndFits(adas, "shortcuts");
  });
}

test("a camera is tried in the lobby, and one joins without it", async () => {
  const { pages } = await lobbies(await world.people("Ada", "Bob"));
  const [adas, bobs] = pages;
  await adas.getByRole("button", { name: "Test camera" }).click();
  await adas.waitForFunction(() => document.getElementById("preview").videoWidth > 0);
  // The microphone of the tests beeps.
  await adas.waitForFunction(() => document.getElementById("level").value > 0.2);
  await adas.getByRole("checkbox", { name: "Camera" }).uncheck();
  await adas.getByRole("checkbox", { name: "Microphone" }).uncheck();
  for (const page of pages) await enter(page);
  await bobs.locator("body").press("p");
  await person(bobs, "Ada").getByRole("img", { name: "muted" }).waitFor();
  await person(bobs, "Ada").getByRole("img", { name: "camera off" }).waitFor();
  await adas.keyboard.press("v");
  await pictures(bobs, 2);
  await person(bobs, "Ada").getByRole("img", { name: "camera off" }).waitFor({ state: "detached" });
});

test("the microphone chosen in the lobby is the one that is heard in the room", async () => {
  const { pages } = await lobbies(await world.people("Ada", "Bob"));
  const [adas, bobs] = pages;
  await adas.evaluate(() => {
    window.heard = [];
    const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (wanted) => {
      const stream = await real(wanted);
      heard.push(stream.getAudioTracks()[0].getSettings().deviceId);
      return stream;
    };
  });
  await adas.getByRole("button", { name: "Test camera" }).click();
  const choice = adas.getByRole("combobox", { name: "Microphone" });
  const last = await choice.locator("option").last().getAttribute("value");
  await choice.selectOption(last);
  await adas.waitForFunction((id) => heard.length === 2 && heard[1] === id, last);
  await adas.waitForFunction(() => document.getElementById("level").value > 0.2);
  for (const page of pages) await enter(page);
  await pictures(bobs, 2);
  assert.equal(await adas.evaluate(() => heard.at(-1)), last);
  assert.equal(await adas.evaluate(() => heard.length), 3);
});

test("a host sees raised hands, mutes one and all, and ends the conference for everybody", async () => {
  const people = await world.people("Ada", "Bob", "Carol");
  const { gid, pages } = await lobbies(people);
  const [adas, bobs, carols] = pages;
  const admin = { callcontrol: true, hangup: true };
  const members = { m: people[0].address, admin };
  await world.app.call("groupeditmembers", { group: { gid, members } });
  await enter(bobs);
  await bobs.keyboard.press("h");
  // Who comes later sees it, too.
  for (const page of [adas, carols]) await enter(page);
  await pictures(adas, 3);
  await adas.locator("body").press("p");
  await person(adas, "Bob").getByRole("img", { name: "hand raised" }).waitFor();
  await person(adas, "Bob").getByRole("button").click();
  await adas.getByRole("menuitem", { name: "Mute microphone" }).click();
  await bobs.getByText("Ada switched your microphone off").waitFor();
  await person(adas, "Bob").getByRole("img", { name: "muted" }).waitFor();
  await adas.getByRole("button", { name: "More" }).click();
  await adas.getByRole("menuitem", { name: "Mute everybody" }).click();
  await person(adas, "Carol").getByRole("img", { name: "muted" }).waitFor();
  assert.equal(await carols.getByRole("menuitem", { name: "Mute everybody" }).count(), 0);
  await adas.getByRole("button", { name: "More" }).click();
  await adas.getByRole("menuitem", { name: "End for everybody" }).click();
  await adas.getByRole("button", { name: "End it" }).click();
  for (const page of [bobs, carols]) {
    await page.getByText("Ada ended the conference for you.").waitFor();
  }
});

test("in a webinar one watches, raises a hand, is let speak and speaks", async () => {
  const [host, viewer] = await world.people("Ada", "Vera");
  const { gid, pages } = await lobbies([host]);
  const admin = { adduser: true, callcontrol: true };
  await world.app.call("groupeditmembers", { group: { gid, members: { m: host.address, admin } } });
  await world.app.editMembers(gid, [viewer.address], { pub: false });
  const viewers = await visit("conference", viewer, { group: { gid, name: "Team" } });
  await viewers.getByText("You will watch and chat here.").waitFor();
  const [hosts] = pages;
  await enter(hosts);
  await viewers.getByRole("button", { name: "Watch" }).click();
  await pictures(viewers, 1);
  assert.equal(await viewers.getByRole("button", { name: "Microphone" }).count(), 0);
  await isAccessibleAndFits(viewers, "webinar");
  await viewers.keyboard.press("h");
  await hosts.locator("body").press("p");
  await person(hosts, "Vera").getByRole("img", { name: "hand raised" }).waitFor();
  await person(hosts, "Vera").getByRole("button").click();
  await hosts.getByRole("menuitem", { name: "Let speak" }).click();
  await viewers.getByRole("heading", { name: "You may speak now" }).waitFor();
  await viewers.getByRole("button", { name: "Switch on" }).click();
  await pictures(hosts, 2);
});

test("who is no member of the room is asked for its PIN and let in with it", async () => {
  const [ada, dora] = await world.people("Ada", "Dora");
  const { gid } = await lobbies([ada]);
  const { pins } = await world.app.call("grouppin", { gid, pin: 12345678, flags: 0x1f });
  const doras = await visit("conference", dora, { group: { gid, name: "Team" } });
  await enter(doras);
  await doras.getByText("You are not a member of this room.").waitFor();
  await doras.getByRole("textbox", { name: "PIN" }).fill("87654321");
  await enter(doras);
  await doras.getByText("This PIN does not open the room.").waitFor();
  await doras.getByRole("textbox", { name: "PIN" }).fill(String(pins[0].pin));
  await enter(doras);
  await doras.getByText("Only you").waitFor();
  await pictures(doras, 1);
  await doras.getByRole("button", { name: "Leave" }).click();
  await doras.getByRole("button", { name: "Join" }).waitFor();
  assert.equal(await doras.getByRole("textbox", { name: "PIN" }).isVisible(), false);
  await enter(doras);
  await doras.getByText("Only you").waitFor();
});

test("who waits is seen by the host, and let in or sent away", async () => {
  const [ada, dora, eve] = await world.people("Ada", "Dora", "Eve");
  const { gid, pages } = await lobbies([ada]);
  const [adas] = pages;
  const members = { m: ada.address, admin: { adduser: true } };
  await world.app.call("groupeditmembers", { group: { gid, members } });
  await world.app.call("groupset", { group: { gid, lobby: true } });
  const { pins } = await world.app.call("grouppin", { gid, flags: 0x1f });
  const knock = async (person) => {
    const page = await visit("conference", person, { group: { gid, name: "Team" } });
    await enter(page);
    await page.getByRole("textbox", { name: "PIN" }).fill(String(pins[0].pin));
    await enter(page);
    await page.getByText("This room has a waiting room.").waitFor();
    return page;
  };
  const doras = await knock(dora);
  await enter(adas);
  await adas.getByText("Somebody waits to be let in").waitFor();
  await adas.getByRole("button", { name: "People" }).click();
  const waiting = adas.getByRole("region", { name: "Waiting to come in" });
  const eves = await knock(eve);
  await waiting.getByRole("button", { name: "Send away Eve" }).waitFor();
  await isAccessibleAndFits(adas, "waiting");
  await waiting.getByRole("button", { name: "Send away Eve" }).click();
  await eves.getByText("This room does not let you in.").waitFor();
  await waiting.getByRole("button", { name: "Let in Dora" }).click();
  await doras.getByText("2 people").waitFor();
  await waiting.waitFor({ state: "hidden" });
});

test("who knocks at an open room by entering it comes in when the backend agrees", async () => {
  const [ada, dora] = await world.people("Ada", "Dora");
  const { gid } = await lobbies([ada]);
  await world.app.call("groupset", { group: { gid, lobby: true, flags: 0x8 } });
  const doras = await visit("conference", dora, { group: { gid, name: "Team" } });
  await enter(doras);
  await doras.getByText("This room has a waiting room.").waitFor();
  await world.app.call("groupadmit", { gid, m: dora.address, admit: true });
  await doras.getByText("Only you").waitFor();
});

test("two people meet in the conference, mute, share a screen, chat and leave", async () => {
  const { pages } = await lobbies(await world.people("Ada", "Bob"));
  const [adas, bobs] = pages;
  for (const page of pages) await enter(page);
  await Promise.all(pages.map((page) => pictures(page, 2)));
  await adas.getByText("2 people").waitFor();

  await adas.getByRole("button", { name: "Microphone" }).click();
  await bobs.locator("#tiles").getByRole("img", { name: "muted" }).waitFor();
  await adas.getByRole("button", { name: "Share screen" }).click();
  await bobs.locator(".tile.screen video").waitFor();
  await bobs.waitForFunction(() => document.querySelector(".tile.screen video")?.videoWidth > 0);
  await bobs.getByRole("textbox", { name: "Message" }).fill("I can see it");
  await bobs.keyboard.press("Enter");
  await adas.getByRole("region", { name: "Messages" }).getByText("I can see it").waitFor();

  await adas.getByRole("button", { name: "Leave" }).click();
  await bobs.getByText("Only you").waitFor();
  assert.equal(await bobs.locator("#tiles .tile").count(), 1);
});

test("a host records the conference, everybody sees that, and figures are there for who wants them", async () => {
  const people = await world.people("Ada", "Bob");
  const { gid, pages } = await lobbies(people);
  const [adas, bobs] = pages;
  await world.app.editMembers(gid, [people[0].address], { record: true });
  for (const page of pages) await enter(page);
  await Promise.all(pages.map((page) => pictures(page, 2)));
  const sees = (page, state) => page.locator("#recording").waitFor({ state });
  await bobs.getByRole("button", { name: "More" }).click();
  assert.equal(await bobs.getByRole("menuitem", { name: "Record", exact: true }).count(), 0);
  await bobs.getByRole("menuitem", { name: "Statistics" }).click();
  const figures = bobs.getByRole("region", { name: "Figures of each picture" });
  await figures.getByRole("heading", { name: "Ada" }).waitFor();
  await figures.getByText("VP8").first().waitFor();
  await adas.getByRole("button", { name: "More" }).click();
  await adas.getByRole("menuitem", { name: "Record", exact: true }).click();
  for (const page of pages) await sees(page, "visible");
  await Promise.all(pages.map((page) => watched(page, 3)));
  await bobs.getByText("This conference is being recorded").first().waitFor();
  await isAccessibleAndFits(bobs, "recorded");
  await adas.locator("body").press("r");
  for (const page of pages) await sees(page, "hidden");
  await bobs.keyboard.press("Escape");
  await figures.waitFor({ state: "hidden" });

  await adas.getByRole("button", { name: "More" }).click();
  await adas.getByRole("menuitem", { name: "Recordings" }).click();
  const films = adas.getByRole("dialog", { name: "Recordings" });
  // They come when the server has stored them, one after the other.
  for (const name of ["Ada", "Bob"]) {
    const film = films.getByLabel(name, { exact: true }).first();
    await until(`the film of ${name}`, () => film.evaluate(({ videoWidth }) => videoWidth > 0));
  }
  await isAccessibleAndFits(adas, "recordings");
  // Who had to come back in between has a file for each time.
  const bob = films.getByRole("listitem").filter({ has: adas.locator("video[aria-label=Bob]") });
  const film = bob.first();
  const url = await film.locator("video").getAttribute("src");
  await film.getByRole("button", { name: "Delete the recording of Bob" }).click();
  await adas.getByRole("button", { name: "Delete", exact: true }).click();
  await films.locator(`video[src="${url}"]`).waitFor({ state: "detached" });
});
