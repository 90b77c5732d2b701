// The demo pages: usable by everybody, on every screen, in the dark too.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { root } from "./harness/environment.js";
import { World } from "./harness/world.js";

const world = World.forThisFile();
const AXE = readFileSync(join(root, "node_modules/axe-core/axe.min.js"), "utf8");
const SCREENS = { phone: { width: 360, height: 740 }, desktop: { width: 1280, height: 800 } };

/** Something that is on the page only when it is ready to be used. */
const READY = {
  landing: "#people article",
  messenger: "#conversations .entry",
  conference: "#join",
};

let pages;
before(async () => {
  await world.open();
  const people = await world.people("ada", "bob", "carol");
  const gid = await world.app.addGroup(
    "Demo room",
    people.map((person) => person.address),
  );
  const [ada, bob, carol] = people;
  const me = `app=world&token=${ada.token}&name=Ada`;
  const others = `peers=${bob.address}:Bob,${carol.address}:Carol&group=${gid}:Demo%20room`;
  const users = people.map(({ address, name, token }) => ({ address, name, token }));
  const group = { gid, name: "Demo room" };
  const demo = { url: world.server.url, app: "world", users, group };
  pages = {
    landing: `/#demo=${Buffer.from(JSON.stringify(demo)).toString("base64url")}`,
    messenger: `/messenger/#${me}&${others}`,
    conference: `/conference/#${me}&${others}`,
  };
});

for (const name of ["landing", "messenger", "conference"]) {
  for (const scheme of ["light", "dark"]) {
    for (const [screen, viewport] of Object.entries(SCREENS)) {
      test(`the ${name} page is accessible and fits, on a ${screen}, ${scheme}`, async () => {
        const browser = await world.chromium();
        const page = await browser.open(world.server.url + pages[name]);
        await page.raw.setViewportSize(viewport);
        await page.raw.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
        await page.raw.locator(READY[name]).first().waitFor();
        await page.raw.evaluate(AXE);
        const violations = await page.evaluate(async () => {
          const { violations } = await axe.run(document);
          return violations.map((v) => `${v.id}: ${v.nodes.map((node) => node.target).join(" ")}`);
        });
        assert.deepEqual(violations, []);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(wide <= viewport.width, `${wide} px wide on a screen of ${viewport.width}`);
        await page.close();
      });
    }
  }
}

/** Opens a demo page as somebody; answers Playwright's own page. */
async function visit(page, person, { peers = [], gid = 0 } = {}) {
  const fragment = new URLSearchParams({ app: "world", token: person.token, name: person.name });
  if (peers.length) {
    fragment.set("peers", peers.map(({ address, name }) => `${address}:${name}`).join(","));
  }
  if (gid) fragment.set("group", `${gid}:Team`);
  const opened = await (await world.chromium()).open(`${world.server.url}/${page}/#${fragment}`);
  return opened.raw;
}

test("two people write to each other in the messenger and see it typed, delivered and read", async () => {
  const [ada, bob] = await world.people("Ada", "Bob");
  const [adas, bobs] = [
    await visit("messenger", ada, { peers: [bob] }),
    await visit("messenger", bob, { peers: [ada] }),
  ];
  await adas.getByRole("button", { name: "Bob" }).click();
  await adas.getByText("Online", { exact: true }).waitFor();
  await adas.getByRole("textbox", { name: "Message" }).fill("Shall we meet?");
  await bobs.getByText("typing…").waitFor();
  await adas.keyboard.press("Enter");
  await adas.getByRole("img", { name: "Delivered" }).waitFor();

  await bobs.getByRole("button", { name: /Ada.*1.*unread/ }).click();
  await adas.getByRole("img", { name: "Read", exact: true }).waitFor();
  await bobs.getByRole("textbox", { name: "Message" }).fill("In the room, at two");
  await bobs.getByRole("button", { name: "Send" }).click();
  await adas.getByRole("region", { name: "Messages" }).getByText("In the room, at two").waitFor();

  await bobs.reload();
  await bobs.getByRole("button", { name: "Ada" }).click();
  const log = bobs.getByRole("region", { name: "Messages" });
  await log.getByText("In the room, at two").waitFor();
  assert.deepEqual(await log.locator(".text").allTextContents(), [
    "Shall we meet?",
    "In the room, at two",
  ]);
});

test("two people meet in the conference, mute, share a screen, chat and leave", async () => {
  const people = await world.people("Ada", "Bob");
  const gid = await world.app.addGroup(
    "Team",
    people.map((person) => person.address),
  );
  const [adas, bobs] = await Promise.all(
    people.map((person) => visit("conference", person, { gid })),
  );
  for (const page of [adas, bobs]) await page.getByRole("button", { name: "Join" }).click();
  const pictures = (page) =>
    page.waitForFunction(() => {
      const videos = [...document.querySelectorAll("#tiles video")];
      return videos.length === 2 && videos.every((video) => video.videoWidth > 0 && !video.paused);
    });
  await Promise.all([pictures(adas), pictures(bobs)]);
  await adas.getByText("2 people").waitFor();

  await adas.getByRole("button", { name: "Microphone" }).click();
  await bobs.getByRole("img", { name: "muted" }).waitFor();
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
