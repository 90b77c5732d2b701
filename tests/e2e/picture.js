// Makes the picture of the README: `node tests/e2e/picture.js`, after `cargo xtask test --only end-to-end`.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "./harness/environment.js";
import { World } from "./harness/world.js";

const SIZE = { width: 900, height: 620 };

const world = new World();
await world.open();
const people = await world.people("Ada", "Bob", "Carol");
const [ada, bob, carol] = people;
const gid = await world.app.addGroup(
  "Team",
  people.map((person) => person.address),
);
const chromium = await world.chromium();

async function visit(folder, person, colorScheme) {
  const peers = people.filter((other) => other !== person);
  const { raw } = await chromium.open("about:blank");
  await raw.setViewportSize(SIZE);
  await raw.emulateMedia({ colorScheme });
  await raw.goto(world.demoAddress(folder, person, { peers, group: { gid, name: "Team" } }));
  return raw;
}

async function write(page, text) {
  await page.getByRole("textbox", { name: "Message" }).fill(text);
  await page.keyboard.press("Enter");
}

const messenger = await visit("messenger", ada, "light");
const others = await visit("messenger", bob, "light");
await messenger.getByRole("button", { name: "Bob" }).click();
await others.getByRole("button", { name: "Ada" }).click();
await write(messenger, "Good morning! The new build is on the server.");
await write(messenger, "Can you look at the numbers before noon?");
await messenger.locator(".log").getByRole("img", { name: "Read", exact: true }).nth(1).waitFor();
await write(others, "On it. First glance: half the memory, twice the messages.");
await messenger.getByText("On it. First glance").last().waitFor();
await write(messenger, "That is what I hoped for. Meet in the room at two?");
await others.getByText("Meet in the room").last().waitFor();
await others.getByRole("textbox", { name: "Message" }).fill("Yes");
await messenger.getByText("Bob is typing…").waitFor();
const left = await messenger.screenshot();

const room = await Promise.all(people.map((person) => visit("conference", person, "dark")));
for (const page of room) await page.getByRole("button", { name: "Join" }).click();
for (const page of room) {
  await page.waitForFunction(() => {
    const videos = [...document.querySelectorAll("#tiles video")];
    return videos.length === 3 && videos.every((video) => video.videoWidth > 0);
  });
}
await room[2].getByRole("button", { name: "Microphone" }).click();
await write(room[1], "I can see everybody");
await room[0].getByText("I can see everybody", { exact: true }).waitFor();
await room[0].getByRole("img", { name: "muted" }).waitFor();
const right = await room[0].screenshot();

// Side by side, as two windows on a desk.
const { raw: desk } = await chromium.open("about:blank");
await desk.setViewportSize({ width: 2 * SIZE.width + 72, height: SIZE.height + 48 });
const image = (bytes) => `<img src="data:image/png;base64,${bytes.toString("base64")}">`;
await desk.setContent(`<style>
  body { display: flex; gap: 24px; margin: 0; padding: 24px; background: #dfe6e9; }
  img { border-radius: 12px; box-shadow: 0 8px 24px #0004; }
</style>${image(left)}${image(right)}`);
mkdirSync(join(root, "docs/images"), { recursive: true });
await desk.screenshot({ path: join(root, "docs/images/demo.png") });
console.log(`docs/images/demo.png: ${carol.name}, ${bob.name} and ${ada.name} are in it`);
await world.close();
