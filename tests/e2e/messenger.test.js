// The messenger page: two people use everything it offers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Messenger, pictureFile, textFile } from "./harness/messenger.js";
import { until } from "./harness/until.js";
import { World } from "./harness/world.js";

const world = World.forThisFile();
const PHONE = { width: 390, height: 844 };

/** Ada and Bob, each with the conversation with the other open. */
async function two() {
  const [ada, bob] = await world.people("Ada", "Bob");
  const [a, b] = await Promise.all([
    Messenger.open(world, ada, [bob]),
    Messenger.open(world, bob, [ada]),
  ]);
  await Promise.all([a.talkTo("Bob"), b.talkTo("Ada")]);
  return { ada, bob, a, b };
}

test("a message is answered with a quote, and the quote leads back to it", async () => {
  const { a, b } = await two();
  await a.write("Shall we meet at two?");
  for (let line = 0; line < 40; line++) await a.write(`line ${line}`);
  await b.sees("line 39");
  await b.raw.locator(".log").evaluate((log) => (log.scrollTop = 0));
  await b.choose("Shall we meet", "Reply");
  await b.raw.getByText("Reply to Ada").waitFor();
  await b.write("At three");
  await a.sees("At three");
  const quote = a.message("At three").getByRole("button", { name: /You.*Shall we meet at two/ });
  await quote.click();
  const found = a.raw.locator(".said.found");
  await found.getByText("Shall we meet at two?").waitFor();
  assert.equal(await found.locator(".message").evaluate((m) => m === document.activeElement), true);
  await a.button("To the newest message").click();
  await a.message("At three").waitFor();
});

test("a message is edited, taken back for all, and deleted for oneself", async () => {
  const { a, b } = await two();
  await a.write("Meet at too");
  await b.sees("Meet at too");
  await a.choose("Meet at too", "Edit");
  assert.equal(await a.field.inputValue(), "Meet at too");
  await a.write("Meet at two");
  await b.sees("Meet at two");
  await b.message("Meet at two").getByText("Edited").waitFor();

  await a.write("Wrong chat");
  await b.sees("Wrong chat");
  await a.choose("Wrong chat", "Delete for everybody");
  await a.answer("Delete for everybody");
  await b.sees("This message was deleted");
  await a.sees("This message was deleted");

  await a.write("Only a note");
  await b.sees("Only a note");
  await a.choose("Only a note", "Delete for me");
  await a.answer("Delete for me");
  await a.message("Only a note").waitFor({ state: "detached" });
  assert.deepEqual(await b.texts(), ["Meet at two", "This message was deleted", "Only a note"]);
  await a.entry("Bob").getByText("Message deleted").waitFor();
});

test("Escape ends an answer and a change, and gives back what was begun", async () => {
  const { a } = await two();
  await a.write("First");
  await a.field.fill("begun");
  await a.choose("First", "Edit");
  assert.equal(await a.field.inputValue(), "First");
  await a.raw.keyboard.press("Escape");
  assert.equal(await a.field.inputValue(), "begun");
  await a.choose("First", "Reply");
  await a.raw.keyboard.press("Escape");
  await a.raw.getByText("Reply to You").waitFor({ state: "detached" });
  await a.raw.getByRole("heading", { name: "Bob", level: 2 }).waitFor();
});

test("a message is forwarded to chosen people", async () => {
  const people = await world.people("Ada", "Bob", "Carol");
  const [ada, bob, carol] = people;
  const a = await Messenger.open(world, ada, [bob, carol]);
  const c = await Messenger.open(world, carol, [ada]);
  await a.talkTo("Bob");
  await a.write("The numbers are good");
  await a.choose("The numbers", "Forward");
  await a.raw.getByRole("searchbox", { name: "Find a person" }).fill("car");
  await a.raw.getByRole("checkbox", { name: /Bob/ }).waitFor({ state: "hidden" });
  await a.raw.getByRole("checkbox", { name: /Carol/ }).check();
  await a.answer("Forward");
  await c.talkTo("Ada");
  await c.message("The numbers are good").getByText("Forwarded").waitFor();
});

test("files are picked, dropped and pasted, shown before they go, and arrive", async () => {
  const { a, b } = await two();
  await a.attach(await pictureFile(a, "lake.png"), textFile("notes.txt"));
  const tray = a.raw.getByRole("list", { name: "Attached files" });
  assert.equal(await tray.getByRole("listitem").count(), 2);
  const give = (kind) =>
    a.raw.evaluate((kind) => {
      const data = new DataTransfer();
      data.items.add(new File(["x"], `${kind}.txt`, { type: "text/plain" }));
      const target = kind === "dropped" ? "#talk" : ".composer textarea";
      const event =
        kind === "dropped"
          ? new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true })
          : new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
      document.querySelector(target).dispatchEvent(event);
    }, kind);
  await give("dropped");
  await give("pasted");
  assert.equal(await tray.getByRole("listitem").count(), 4);
  await a.button("Remove notes.txt").click();
  await a.field.fill("At the lake");
  await a.button("Send").click();
  await b.sees("dropped.txt");
  await b.sees("pasted.txt");
  await b.message("At the lake").getByRole("button", { name: "Open Picture lake.png" }).click();
  const large = b.raw.getByRole("dialog", { name: "lake.png" }).getByRole("img");
  await until("the picture", () => large.evaluate((image) => image.naturalWidth === 640));
  await b.raw.keyboard.press("Escape");
  await b.raw.getByRole("dialog").waitFor({ state: "detached" });
  const link = b.message("pasted.txt").getByRole("link");
  assert.equal(await link.getAttribute("download"), "pasted.txt");

  await b.details();
  await b.raw.getByRole("dialog").getByRole("button", { name: "Open picture lake.png" }).waitFor();
  await b.raw
    .getByRole("dialog")
    .getByRole("link", { name: /dropped.txt/ })
    .waitFor();
});

test("an upload that cannot go on shows how far it is, waits, and goes on; another is cancelled", async () => {
  const { a, b } = await two();
  const held = [];
  await a.raw.route("**/files**", (route) => held.push(route));
  await a.raw.route("**/uploads**", (route) => held.push(route));
  await a.attach(textFile("large.txt", "x".repeat(300_000)));
  await a.button("Send").click();
  const waiting = a.message("large.txt");
  await waiting.getByRole("progressbar", { name: "Upload" }).waitFor();
  await waiting.getByRole("button", { name: "Pause upload" }).click();
  await waiting.getByRole("button", { name: "Continue upload" }).waitFor();
  await a.attach(textFile("wrong.txt", "x".repeat(300_000)));
  await a.button("Send").click();
  await a.message("wrong.txt").getByRole("button", { name: "Cancel upload" }).click();
  await a.message("wrong.txt").waitFor({ state: "detached" });
  await a.raw.unrouteAll({ behavior: "ignoreErrors" });
  for (const route of held) await route.abort().catch(() => {});
  await waiting.getByRole("button", { name: "Continue upload" }).click();
  await b.sees("large.txt");
  await waiting.getByRole("progressbar").waitFor({ state: "detached" });
  assert.equal(await b.message("wrong.txt").count(), 0);
});

test("a voice message is recorded, heard before it goes, and played by the other side", async () => {
  const { a, b } = await two();
  await a.button("Record a voice message").click();
  await a.raw.getByRole("timer").getByText("0:01").waitFor();
  await a.button("Stop recording").click();
  await a.button("Play recording").waitFor();
  await a.button("Send", { exact: true }).click();
  await b.button("Play voice message").click();
  await b.button("Pause voice message").waitFor();
  await b.entry("Ada").getByText("Voice message").waitFor();
  const bars = await b.raw.locator(".log .wave span").count();
  assert.ok(bars > 5, `${bars} bars`);

  await a.button("Record a voice message").click();
  await a.button("Discard recording").click();
  await a.field.waitFor();
  assert.equal(await a.raw.locator(".log .said").count(), 1);
});

test("a text is found in the conversation and over all, and the hit is shown however far up it is", async () => {
  const { a, b } = await two();
  await a.write("The needle is here");
  for (let line = 0; line < 3; line++) await a.write(`hay ${line}`);
  await b.raw.evaluate(async (peer) => {
    const profile = Mesibo.getInstance().getProfile(peer, 0);
    for (let line = 0; line < 700; line++) {
      const message = profile.newMessage();
      message.message = `straw ${line}`;
      message.send();
    }
  }, a.person.address);
  await a.sees("straw 699");
  // What was seen but not stored as read is where the conversation opens the next time.
  const unread = () => {
    const { promise, resolve } = Promise.withResolvers();
    Mesibo.getInstance().getRecentProfiles()[0].getUnreadMessageCount(resolve);
    return promise;
  };
  await until("all are read", async () => (await a.raw.evaluate(unread)) === 0);
  await a.raw.reload();
  await a.talkTo("Bob");
  await a.sees("straw 699");
  await a.button("Search in this conversation").click();
  const find = a.raw.getByRole("searchbox", { name: "Search in this conversation" });
  await find.fill("needle");
  await a.raw.getByText("1 found").waitFor();
  await a.raw.keyboard.press("Enter");
  await a.raw.locator(".said.found mark", { hasText: "needle" }).waitFor();
  await a.raw.keyboard.press("Escape");
  await find.waitFor({ state: "hidden" });

  await a.raw.keyboard.press("Control+k");
  await a.raw.keyboard.type("nEEdle");
  const hit = a.raw.locator("#results").getByRole("button", { name: /Bob.*needle is here/ });
  await hit.click();
  await a.raw.locator(".said.found", { hasText: "needle" }).waitFor();
});

test("who wants to be found is found by strangers, by a part of the name", async () => {
  const [ada, zoe] = await world.people("Ada", "Zoe");
  const z = await Messenger.open(world, zoe, []);
  await z.button("Your profile").click();
  await z.raw.getByLabel("Your name").fill("Zoe Quartz");
  await z.raw.getByRole("switch", { name: "Others find me by my name" }).click();
  await z.raw.getByText("Saved. Others see it now.").waitFor();
  await z.answer("Save");
  await z.raw.getByText("Saved. Others see it now.").waitFor();
  const a = await Messenger.open(world, ada, []);
  await a.raw.keyboard.press("Control+k");
  await a.raw.keyboard.type("quar");
  await a.raw
    .locator("#results")
    .getByRole("button", { name: /Zoe Quartz/ })
    .click();
  await a.write("Hello Zoe");
  await z.raw.keyboard.press("Escape");
  await z.entry(/Hello Zoe/).waitFor();
});

test("Control K finds a person, arrows walk, Enter opens, Escape goes back", async () => {
  const [ada, bob, carol] = await world.people("Ada", "Bob", "Carol");
  const a = await Messenger.open(world, ada, [bob, carol]);
  await a.raw.keyboard.press("Control+k");
  await a.raw.keyboard.type("caro");
  await a.raw.locator("#results").getByRole("button", { name: /Carol/ }).waitFor();
  await a.raw.keyboard.press("ArrowDown");
  // Results that come later are drawn under who walks there.
  await a.raw.locator("#results").getByText("No message says that.").waitFor();
  await a.raw.keyboard.press("Enter");
  await a.raw.getByRole("heading", { name: "Carol", level: 2 }).waitFor();
  await a.write("one");
  await a.write("two\nthree");
  await a.sees("three");
  const focused = () => a.raw.evaluate(() => document.activeElement.textContent);
  await a.raw.getByRole("region", { name: "Messages" }).focus();
  await a.raw.keyboard.press("ArrowUp");
  assert.match(await focused(), /two\nthree/);
  await a.raw.keyboard.press("ArrowUp");
  assert.match(await focused(), /one/);
  await a.raw.keyboard.press("Enter");
  await a.raw.getByRole("menu", { name: "Message actions" }).waitFor();
  await a.raw.keyboard.press("ArrowDown");
  await a.raw.keyboard.press("Escape");
  await a.raw.getByRole("menu").waitFor({ state: "detached" });
  assert.match(await focused(), /one/);
  await a.raw.keyboard.press("Escape");
  await a.raw.getByRole("heading", { name: "Choose a conversation" }).waitFor();
});

test("a group is made, renamed, its members changed; one joins by link, leaves, and it ends", async () => {
  const [ada, bob, carol] = await world.people("Ada", "Bob", "Carol");
  const a = await Messenger.open(world, ada, [bob, carol]);
  const b = await Messenger.open(world, bob, [ada]);
  const c = await Messenger.open(world, carol, [ada]);
  await a.button("New", { exact: true }).click();
  await a.raw.getByRole("menuitem", { name: "New group" }).click();
  await a.raw.getByLabel("Name of the group").fill("Lake house");
  await a.raw.getByRole("checkbox", { name: /Bob/ }).check();
  await a.answer("Create group");
  await a.raw.getByRole("heading", { name: "Lake house" }).waitFor();
  await a.write("Welcome");
  await b.talkTo("Lake house");
  await b.sees("Welcome");
  await b.message("Welcome").getByText("Ada", { exact: true }).waitFor();

  await a.details();
  const panel = a.raw.getByRole("dialog");
  await panel.getByText("2 members").waitFor();
  const name = panel.getByLabel("Name of the group");
  await name.fill("Boat house");
  await name.press("Tab");
  await b.raw.getByRole("heading", { name: "Boat house" }).waitFor();
  await panel.getByRole("button", { name: "Actions for Bob" }).click();
  await a.raw.getByRole("menuitem", { name: "Make admin" }).click();
  await panel.getByText("Admin", { exact: true }).waitFor();
  await panel.getByRole("button", { name: "Make an invitation link" }).click();
  const link = await panel.getByRole("textbox", { name: "Invitation link" }).inputValue();

  await c.button("New", { exact: true }).click();
  await c.raw.getByRole("menuitem", { name: "Join a group" }).click();
  await c.raw.getByLabel("Invitation link").fill(`${link}1`);
  await c.answer("Join");
  await c.raw.getByText("This invitation is not valid any more.").waitFor();
  await c.raw.getByLabel("Invitation link").fill(link);
  await c.answer("Join");
  await c.raw.getByRole("heading", { name: "Boat house" }).waitFor();
  await panel.getByText("3 members").waitFor();

  await c.details();
  // The members come from the server and move what is below them.
  await c.raw.getByRole("dialog").getByText("3 members").waitFor();
  await c.raw.getByRole("dialog").getByRole("button", { name: "Leave group" }).click();
  await c.answer("Leave");
  await c.raw.getByText("You are not in this group.").waitFor();
  await panel.getByText("2 members").waitFor();
  await panel.getByRole("button", { name: "Actions for Bob" }).click();
  await a.raw.getByRole("menuitem", { name: "Remove" }).click();
  await a.answer("Remove");
  await b.raw.getByText("You are not in this group.").waitFor();
  await panel.getByRole("button", { name: "Delete group for everybody" }).click();
  await a.answer("Delete group");
  await a.raw.getByText("You are not in this group.").waitFor();
});

test("a link that invites opens the group once one has signed in", async () => {
  const [ada, bob] = await world.people("Ada", "Bob");
  const a = await Messenger.open(world, ada, []);
  await a.button("New", { exact: true }).click();
  await a.raw.getByRole("menuitem", { name: "New group" }).click();
  await a.raw.getByLabel("Name of the group").fill("Open house");
  await a.answer("Create group");
  await a.raw.getByRole("heading", { name: "Open house" }).waitFor();
  await a.details();
  await a.button("Make an invitation link").click();
  const link = await a.raw.getByRole("textbox", { name: "Invitation link" }).inputValue();
  const { raw } = await world.openPage(link);
  await raw.getByLabel("App").fill("world");
  await raw.getByLabel("User token").fill(bob.token);
  await raw.getByRole("button", { name: "Sign in" }).click();
  await raw.getByRole("heading", { name: "Open house" }).waitFor();
});

test("the own profile is published and seen by others, who mute, rename, archive and block", async () => {
  const { a, b } = await two();
  await a.button("Your profile").click();
  await a.raw.getByLabel("Your name").fill("Ada King");
  await a.raw.getByLabel("About you").fill("Counting engines");
  await a.answer("Save");
  await a.raw.getByText("Saved. Others see it now.").waitFor();
  await a.raw.keyboard.press("Escape");
  await a.raw.locator("#self").getByText("Ada King").waitFor();
  await b.details();
  const panel = b.raw.getByRole("dialog");
  await panel.getByText("Counting engines").waitFor();
  await panel.getByRole("switch", { name: "Mute notifications" }).click();
  await panel.getByRole("switch", { name: "Archive" }).click();
  await panel.getByLabel("Name shown to you").fill("My Ada");
  await panel.getByLabel("Name shown to you").press("Tab");
  await panel.getByRole("button", { name: "Close" }).click();
  await b.button("Archived (1)").click();
  await b.entry(/My Ada.*Muted/).waitFor();

  // The page shows at once what the server knows a moment later.
  await b.page.evaluate(() => {
    window.saved = 0;
    Mesibo.getInstance().addListener({ MesiboProfile_onPublish: () => void (saved += 1) });
  });
  await b.details();
  await panel.getByRole("button", { name: "Block My Ada" }).click();
  await b.answer("Block");
  await b.raw.getByText("You have blocked My Ada.").waitFor();
  await b.page.until(() => saved === 1);
  await a.write("Can you read this?");
  await a
    .message("Can you read this?")
    .getByRole("img", { name: /Sent|Not sent/ })
    .waitFor();
  await b.button("Unblock").click();
  await b.field.waitFor();
  await b.page.until(() => saved === 2);
  await a.write("And this?");
  await b.sees("And this?");
  assert.equal(await b.message("Can you read this?").count(), 0);
});

test("what is written without a network waits, is counted, survives, and goes; a draft stays", async () => {
  const [ada, bob] = await world.people("Ada", "Bob");
  const front = await world.front();
  const a = await Messenger.open(world, ada, [bob], { from: front.url });
  const b = await Messenger.open(world, bob, [ada]);
  await a.talkTo("Bob");
  await a.raw.context().setOffline(true);
  await a.write("Written on the train");
  await a.raw.getByText(/1 message is waiting/).waitFor();
  await a
    .message("Written on the train")
    .getByRole("img", { name: "Waiting to be sent" })
    .waitFor();
  await a.raw.context().setOffline(false);
  await a
    .message("Written on the train")
    .getByRole("img", { name: /Sent|Delivered/ })
    .waitFor();
  await b.entry(/Ada.*Written on the train.*1.*unread/).waitFor();
  await until("the number", async () => (await b.raw.title()).startsWith("(1) "));

  await a.field.fill("Half a sen");
  await a.raw.keyboard.press("Escape");
  await a.entry("Bob").getByText("Draft: Half a sen").waitFor();
  await a.raw.reload();
  await a.talkTo("Bob");
  assert.equal(await a.field.inputValue(), "Half a sen");

  await b.talkTo("Ada");
  await b.raw.getByText("Unread messages").waitFor();
  await until("a title without a number", async () => !(await b.raw.title()).startsWith("("));
});

test("who is told of new messages has asked for it, looks elsewhere, and has not muted", async () => {
  const { a, b } = await two();
  await b.raw.context().grantPermissions(["notifications"]);
  await b.raw.evaluate(() => {
    globalThis.shown = [];
    globalThis.Notification = class {
      static permission = "default";
      static requestPermission = async () => (Notification.permission = "granted");
      constructor(title, { body }) {
        shown.push(`${title}: ${body}`);
      }
      close() {}
    };
    globalThis.away = (hidden) => {
      Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
      Object.defineProperty(document, "visibilityState", {
        configurable: true,
        get: () => (hidden ? "hidden" : "visible"),
      });
      document.dispatchEvent(new Event("visibilitychange"));
    };
  });
  const shown = () => b.raw.evaluate(() => shown);
  await b.raw.evaluate(() => away(true));
  await a.write("Not asked for");
  await b.sees("Not asked for");
  await b.raw.evaluate(() => away(false));
  await b.button("Your profile").click();
  await b.raw.getByRole("switch", { name: "Notifications on this device" }).click();
  await b.raw.locator("[role=switch][aria-checked=true]").waitFor();
  await b.raw.keyboard.press("Escape");
  await a.write("Looked at");
  await b.sees("Looked at");
  await b.raw.evaluate(() => away(true));
  await a.write("While away");
  await until("a notification", async () => (await shown()).length > 0);
  assert.deepEqual(await shown(), ["Ada: While away"]);
  await until("the number", async () => /^\(\d/.test(await b.raw.title()));
  await b.raw.evaluate(() => {
    const [profile] = Mesibo.getInstance().getRecentProfiles();
    profile.setMuted(true);
    profile.save();
  });
  await a.write("Muted");
  await b.sees("Muted");
  assert.deepEqual(await shown(), ["Ada: While away"]);
});

test("who sees all unread messages sees what comes, without being told that there is more", async () => {
  const [ada, bob] = await world.people("Ada", "Bob");
  const a = await Messenger.open(world, ada, [bob]);
  const b = await Messenger.open(world, bob, [ada]);
  await b.talkTo("Ada");
  for (const text of ["one", "two", "three"]) await b.write(text);
  await a.entry(/Bob.*three/).waitFor();
  await a.talkTo("Bob");
  await a.raw.locator(".log").getByText("Unread messages").waitFor();
  await b.write("and a fourth");
  await a.sees("and a fourth");
  assert.equal(await a.raw.getByText("1 new").count(), 0);
});

test("on a phone one pane is shown, back leads to the list, and the reader is told of what comes", async () => {
  const [ada, bob] = await world.people("Ada", "Bob");
  const a = await Messenger.open(world, ada, [bob], { size: PHONE });
  const b = await Messenger.open(world, bob, [ada]);
  await b.talkTo("Ada");
  await a.talkTo("Bob");
  assert.equal(await a.entry("Bob").isVisible(), false);
  await b.write("Are you there?");
  await a.raw.locator("#announcements").getByText("Bob: Are you there?").waitFor();
  await a.button("Back to chats").click();
  await a.entry(/Bob.*Are you there/).waitFor();
  assert.equal(await a.field.count(), 0);
  await a.talkTo("Bob");
  await a.raw.goBack();
  await a.entry("Bob").waitFor();
  const wide = await a.raw.evaluate(() => document.documentElement.scrollWidth);
  assert.equal(wide, PHONE.width);
});

test("when an own message was delivered and read is told for each member", async () => {
  const { a, b } = await two();
  await a.write("Read me");
  await b.sees("Read me");
  await a.message("Read me").getByRole("img", { name: "Read", exact: true }).waitFor();
  await a.choose("Read me", "Info");
  const info = a.raw.getByRole("dialog", { name: "Message info" });
  await info.getByText("Read", { exact: true }).waitFor();
  await until("both times", async () => !(await info.textContent()).includes("Not yet"));
});
