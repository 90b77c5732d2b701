// Who may not come in is told why, once, and does not knock again.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { World } from "./harness/world.js";
import { until } from "./harness/until.js";
import { AUTHFAIL, CONNECTING, ONLINE, online, seen, SIGNOUT } from "./harness/chat.js";

const [INVALIDDEST, NOTMEMBER] = [0x83, 0x91];

const world = World.forThisFile();
/** Has a token for one minute, the shortest there is; its test is the last one. */
let shortly;
before(async () => {
  await world.open();
  shortly = await world.app.addUser("shortly", { expiry: 1 });
  shortly.until = Date.now() + 60_000;
});

/** Waits for the last status, then shows that nothing came after it and nobody knocked again. */
async function endsWith(page, statuses, front) {
  const last = statuses.at(-1);
  await page.until((last) => chat.seen.connection.at(-1) === last, last);
  const knocked = front.upgrades;
  // Somebody else comes and goes meanwhile: a client that tries again would have by now.
  const [carol] = await world.people("carol");
  await online(await world.visit(carol, "chat.html"));
  assert.deepEqual((await seen(page)).connection, statuses);
  assert.equal(front.upgrades, knocked, "a refused client does not come back by itself");
  const lines = await page.evaluate(() => window.lines.map((line) => `${line.type} ${line.text}`));
  assert.equal(lines.length, 1, `one line says why: ${JSON.stringify(lines)}`);
}

const visit = async (person) => {
  const front = await world.front();
  return { front, page: await world.visit(person, "chat.html", {}, { from: front.url }) };
};

test("a message that is not sent says why in one line of the console", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const gid = await world.app.addGroup("theirs", [bob.address]);
  const page = await world.visit(ada, "chat.html");
  await online(page);
  const failed = await page.evaluate(async (gid) => {
    const failed = [];
    const told = new Promise((done) => {
      const Mesibo_onMessageStatus = (m) => failed.push(m.status) === 2 && done();
      chat.api.addListener({ Mesibo_onMessageStatus });
    });
    for (const profile of [chat.api.getProfile("nobody-here", 0), chat.api.getProfile(null, gid)]) {
      Object.assign(profile.newMessage(), { message: "hello?" }).send();
    }
    await told;
    return [failed, window.lines.map((line) => line.text)];
  }, gid);
  assert.deepEqual(failed, [
    [INVALIDDEST, NOTMEMBER],
    [
      "mesibo: a message was not sent: there is no such user or group",
      "mesibo: a message was not sent: only members who may send write to this group",
    ],
  ]);
});

// Rules: 5.2.2.
test("a token nobody made is answered AUTHFAIL", async () => {
  const [ada] = await world.people("ada");
  const token = ada.token.slice(0, -8) + "00000000";
  const { front, page } = await visit({ ...ada, token });
  await endsWith(page, [CONNECTING, AUTHFAIL], front);
});

// Rules: 7.18.
test("a token of another app id is answered AUTHFAIL", async () => {
  const ada = await world.app.addUser("elsewhere", { appid: "another.app" });
  const { front, page } = await visit({ ...ada, app: "world" });
  await endsWith(page, [CONNECTING, AUTHFAIL], front);
});

// Rules: 5.2.7.
test("a user deleted while online is signed out", async () => {
  const [ada] = await world.people("ada");
  const { front, page } = await visit(ada);
  await online(page);
  await world.app.deleteUser(ada.address);
  await endsWith(page, [CONNECTING, ONLINE, SIGNOUT], front);
});

// Rules: 5.2.6, 5.8.1.
test("the same token in a second browser signs the first one out", async () => {
  const [ada] = await world.people("ada");
  const { front, page } = await visit(ada);
  await online(page);
  const second = await world.visit(ada, "chat.html");
  await online(second);
  await endsWith(page, [CONNECTING, ONLINE, SIGNOUT], front);
  assert.deepEqual((await seen(second)).connection, [CONNECTING, ONLINE]);
});

test("a malformed token is refused at once, before anything is asked of the network", async () => {
  for (const token of ["", "short", null, 7]) {
    const page = await world.visit({ app: "world", name: "nobody", token }, "chat.html");
    assert.equal(await page.evaluate(() => chat.tokenTaken), false);
    assert.notEqual(await page.evaluate(() => chat.started), 0);
    await page.until(() => chat.seen.connection.at(-1) === 4);
    await page.close();
  }
});

test("an expired token is answered AUTHFAIL", async () => {
  await until("the token to expire", () => Date.now() > shortly.until);
  const { front, page } = await visit(shortly);
  await endsWith(page, [CONNECTING, AUTHFAIL], front);
});
