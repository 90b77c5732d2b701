// The messenger in every state it can be in: usable by everybody, on every screen, by day and by night.
import { test } from "node:test";
import { isAccessibleAndFits, SCREENS } from "./harness/accessible.js";
import { Messenger, pictureFile, textFile } from "./harness/messenger.js";
import { World } from "./harness/world.js";

const world = World.forThisFile();

for (const screen of Object.keys(SCREENS)) {
  test(`every state of the messenger is accessible and fits, on a ${screen}`, async () => {
    const [ada, bob] = await world.people("Ada", "Bob");
    const a = await Messenger.open(world, ada, [bob], { size: SCREENS[screen] });
    await a.raw.emulateMedia({ reducedMotion: "reduce" });
    const b = await Messenger.open(world, bob, [ada]);
    const check = (state) => isAccessibleAndFits(a.raw, state);
    const leave = async (name) => {
      await a.raw.keyboard.press("Escape");
      await a.raw.getByRole("dialog", { name }).waitFor({ state: "detached" });
    };

    await b.talkTo("Ada");
    await b.write("Look at https://example.com/a-rather-long-address/that-goes-on-and-on/for-ever");
    await b.write("x".repeat(300));
    await b.attach(await pictureFile(b, "lake.png"), textFile("notes.txt"));
    await b.button("Send").click();
    await a.entry(/Bob.*4.*unread/).waitFor();
    await check("list");
    await a.talkTo("Bob");
    await a.sees("notes.txt");
    await a.raw.locator(".log img.picture").waitFor();
    await a.message("Look at").hover();
    await a.message("Look at").locator(".more").click();
    await check("menu");
    await a.raw.getByRole("menuitem", { name: "Reply" }).click();
    await a.attach(textFile("tray.txt"));
    await check("answer and attachments");
    await a.raw.keyboard.press("Escape");
    await a.raw.keyboard.press("Escape");
    await a.button("Search in this conversation").click();
    await a.raw.keyboard.type("Look");
    await a.raw.getByText("1 found").waitFor();
    await check("search in the conversation");
    await a.raw.keyboard.press("Escape");
    await a.details();
    await a.raw
      .getByRole("dialog")
      .getByRole("link", { name: /notes.txt/ })
      .waitFor();
    await check("details");
    await leave("Contact");
    await a.choose("Look at", "Forward");
    await check("forward");
    await leave("Forward to");
    await a.choose("Look at", "Delete for me");
    await check("question");
    await leave("Delete for me?");
    await a.button("Record a voice message").click();
    await a.raw.getByRole("timer").getByText("0:01").waitFor();
    await check("recording");
    await a.button("Stop recording").click();
    await a.button("Play recording").waitFor();
    await check("recorded");
    await a.button("Send", { exact: true }).click();
    await a.button("Play voice message").waitFor();
    await check("voice message");

    await a.raw.keyboard.press("Control+k");
    await a.raw.keyboard.type("look");
    await a.raw.locator("#results mark").waitFor();
    await check("search");
    await a.raw.keyboard.press("Escape");
    await a.button("Your profile").click();
    await check("own profile");
    await leave("You");
    await a.button("New", { exact: true }).click();
    await check("new");
    await a.raw.getByRole("menuitem", { name: "New group" }).click();
    await check("new group");
    await a.raw.getByLabel("Name of the group").fill("Team");
    await a.raw.getByRole("checkbox", { name: /Bob/ }).check();
    await a.answer("Create group");
    await a.raw.getByRole("heading", { name: "Team" }).waitFor();
    await check("empty conversation");
    await a.details();
    await a.raw.getByRole("dialog").getByText("2 members").waitFor();
    await a.button("Make an invitation link").click();
    await a.raw.getByRole("textbox", { name: "Invitation link" }).waitFor();
    await check("group");
  });
}
