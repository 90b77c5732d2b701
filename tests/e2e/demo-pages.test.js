// The demo pages: usable by everybody, on every screen, in the dark too.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { isAccessibleAndFits, SCREENS } from "./harness/accessible.js";
import { World } from "./harness/world.js";

const world = World.forThisFile();

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
  const [ada, ...peers] = people;
  const known = { peers, group: { gid, name: "Demo room" } };
  const users = people.map(({ address, name, token }) => ({ address, name, token }));
  const group = { gid, name: "Demo room" };
  const demo = { url: world.server.url, app: "world", users, group };
  pages = {
    landing: `${world.server.url}/#demo=${Buffer.from(JSON.stringify(demo)).toString("base64url")}`,
    messenger: world.demoAddress("messenger", ada, known),
    conference: world.demoAddress("conference", ada, known),
  };
});

for (const name of ["landing", "messenger", "conference"]) {
  for (const [screen, viewport] of Object.entries(SCREENS)) {
    test(`the ${name} page is accessible and fits, on a ${screen}`, async () => {
      const page = await world.openPage(pages[name]);
      await page.raw.setViewportSize(viewport);
      await page.raw.emulateMedia({ reducedMotion: "reduce" });
      await page.raw.locator(READY[name]).first().waitFor();
      await isAccessibleAndFits(page.raw, name);
    });
  }
}

/** Opens a demo page as somebody; answers Playwright's own page. */
async function visit(page, person, known) {
  return (await world.openPage(world.demoAddress(page, person, known))).raw;
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
  const log = adas.getByRole("region", { name: "Messages" });
  await log.getByRole("img", { name: "Delivered" }).waitFor();

  await bobs.getByRole("button", { name: /Ada.*1.*unread/ }).click();
  await log.getByRole("img", { name: "Read", exact: true }).waitFor();
  await bobs.getByRole("textbox", { name: "Message" }).fill("In the room, at two");
  await bobs.getByRole("button", { name: "Send" }).click();
  await log.getByText("In the room, at two").waitFor();

  await bobs.reload();
  await bobs.getByRole("button", { name: "Ada" }).click();
  const again = bobs.getByRole("region", { name: "Messages" });
  await again.getByText("In the room, at two").waitFor();
  assert.deepEqual(await again.locator(".text").allTextContents(), [
    "Shall we meet?",
    "In the room, at two",
  ]);
});
