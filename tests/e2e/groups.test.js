// Groups as pages make and change them: who is told what, in which order, and what is refused.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { World } from "./harness/world.js";
import { online } from "./harness/chat.js";

const world = World.forThisFile();
const [NOTMEMBER, PERMISSION, BADPIN, ACCESSDENIED, DELETED] = [1, 2, 3, 4, 11];
let people, a, b, c;

before(async () => {
  await world.open();
  people = await world.people("ada", "bob", "carol");
  [a, b, c] = await Promise.all(people.map((person) => world.visit(person, "chat.html")));
  await Promise.all([a, b, c].map(async (page) => (await online(page), page.evaluate(record))));
});

/** In the page: writes down every event about groups, as the global listener hears it. */
function record() {
  const events = (globalThis.events = []);
  const names = "Created Joined Left Members MembersJoined MembersRemoved Settings Error".split(
    " ",
  );
  const told = (who) => {
    const listener = {};
    for (const name of names)
      listener[`Mesibo_onGroup${name}`] = (profile, ...rest) => {
        const gid = profile ? profile.getGroupId() : 0;
        const members = name.startsWith("Members") && rest[0].map((m) => m.getAddress());
        const detail = name === "Error" ? rest[0] : name === "Settings" ? rest : members;
        events.push({ who, name, gid, detail: detail || undefined });
      };
    return listener;
  };
  globalThis.told = told;
  globalThis.mine = told("mine");
  const all = told("all");
  all.Mesibo_onProfileUpdated = (profile) => {
    events.push({
      who: "all",
      name: "Updated",
      gid: profile.getGroupId(),
      detail: profile.getName(),
    });
  };
  chat.api.addListener(all);
}

/** Forgets what was told, does something, waits for an event and gives all there were. */
async function after(page, deed, argument, name, who = "all") {
  await page.evaluate(() => void (events.length = 0));
  await page.evaluate(deed, argument);
  await page.until(
    ([name, who]) => events.some((e) => e.name === name && e.who === who),
    [name, who],
  );
  // Profiles are told of whenever they have changed: only who waits for that looks at it.
  return page.evaluate(
    (name) => events.filter((e) => e.name !== "Updated" || name === "Updated"),
    name,
  );
}

const short = (events) => events.map(({ who, name }) => `${who} ${name}`);

/** A group of ada's. */
async function made(settings = { name: "Team" }) {
  const events = await after(a, (s) => void chat.api.createGroup(s, mine), settings, "Joined");
  return events[0].gid;
}

/** Waits until the page was told of this group. */
const toldOf = (page, gid, name) =>
  page.until(([gid, name]) => events.some((e) => e.gid === gid && e.name === name), [gid, name]);

// Rules: 1.2.3, 1.2.9.
test("who creates a group is told first and once, owns it, and can be told by a function", async () => {
  const returned = await a.evaluate(() => [
    chat.api.createGroup("", 0, mine),
    chat.api.createGroup({ name: "" }, mine),
  ]);
  assert.deepEqual(returned, [false, false]);
  const events = await after(
    a,
    () => void chat.api.createGroup({ name: "Team", flags: MESIBO_GROUPFLAG_SENDBYSELECTED }, mine),
    null,
    "Joined",
  );
  assert.deepEqual(short(events), ["mine Created", "all Created", "mine Joined", "all Joined"]);
  const state = await a.evaluate((gid) => {
    const group = chat.api.getProfile(null, gid);
    return [
      group.getName(),
      group.isOwner(),
      group.canModify(),
      group.isActive(),
      group.getAdmin(),
    ];
  }, events[0].gid);
  assert.deepEqual(state, ["Team", true, true, true, people[0].address]);

  const named = await a.evaluate(
    () => new Promise((done) => chat.api.createGroup("By name", 0, (p) => done(p.getName()))),
  );
  assert.equal(named, "By name");
});

test("settings are read and changed, and every member sees the change", async () => {
  const gid = await made();
  const add = ([gid, who]) => void chat.api.getProfile(null, gid).addMembers(who, 0x1f, 0, mine);
  await after(a, add, [gid, people[1].address], "MembersJoined");
  await toldOf(b, gid, "Joined");
  const ask = (gid) => void chat.api.getProfile(null, gid).getSettings(mine);
  const asked = await after(a, ask, gid, "Settings");
  assert.deepEqual(short(asked), ["mine Settings", "all Settings"]);
  const [settings, permissions, pins] = asked[0].detail;
  assert.equal(settings.name, "Team");
  assert.equal(permissions.adminFlags, 0xffff);
  assert.deepEqual(pins, []);

  const set = (gid) =>
    void chat.api.getProfile(null, gid).setProperties({ name: "Crew", videoResolution: 3 }, mine);
  const changed = await after(a, set, gid, "Settings");
  assert.equal(changed.find((e) => e.name === "Settings").detail[0].videoResolution, 3);
  await b.until((gid) => chat.api.getProfile(null, gid).getName() === "Crew", gid);
  const rename = (gid) => {
    const group = chat.api.getProfile(null, gid);
    group.setName("Club");
    group.setString("topic", "tea");
    events.push({ name: "saved", who: "page", gid, detail: group.save() });
  };
  await after(a, rename, gid, "Updated");
  await b.until((gid) => chat.api.getProfile(null, gid).getName() === "Club", gid);
  assert.equal(
    await b.evaluate((gid) => chat.api.getProfile(null, gid).getString("topic"), gid),
    "tea",
  );

  const refused = await after(
    b,
    (gid) => void chat.api.getProfile(null, gid).setProperties({ name: "Mine" }, mine),
    gid,
    "Error",
  );
  assert.deepEqual(short(refused), ["mine Error", "all Error"]);
  assert.equal(refused[0].detail, PERMISSION);
  const stranger = (gid) => void chat.api.getProfile(null, gid).getSettings(mine);
  assert.equal((await after(c, stranger, gid, "Error"))[0].detail, NOTMEMBER);
});

// Rules: 1.2.10, 5.13.7.
test("members are added in all shapes, listed page by page, and removed", async () => {
  const gid = await made();
  const [, bob, carol] = people.map((person) => person.address);
  const bad = await a.evaluate((gid) => chat.api.getProfile(null, gid).addMembers("", 1, 0), gid);
  assert.equal(bad, 0x85);
  const added = await after(
    a,
    ([gid, bob]) => void chat.api.getProfile(null, gid).addMembers([bob], 0x1f, 0x10, mine),
    [gid, bob],
    "MembersJoined",
  );
  assert.deepEqual(short(added), ["mine MembersJoined", "all MembersJoined"]);
  assert.deepEqual(added[0].detail, [bob]);
  await toldOf(b, gid, "Joined");
  assert.equal(
    await b.evaluate((gid) => chat.api.getProfile(null, gid).canAddMembers(), gid),
    true,
  );

  // By who may only add: rights of others it has not itself it cannot give.
  const permissions = () => Object.assign(new MesiboMemberPermissions(), { flags: 0x13 });
  await b.evaluate(`globalThis.permissions = ${permissions}`);
  await after(
    b,
    ([gid, carol]) => void chat.api.getProfile(null, gid).addMember(carol, permissions()),
    [gid, carol],
    "MembersJoined",
  );
  await toldOf(c, gid, "Joined");
  const list = (page, count, restart) =>
    page.evaluate(
      ([gid, count, restart]) =>
        new Promise((done) =>
          chat.api
            .getProfile(null, gid)
            .getMembers(count, restart, (profile, members) =>
              done(
                members.map((m) => [
                  m.getAddress(),
                  m.isOwner(),
                  m.isAdmin(),
                  m.getPermissions().flags,
                  m.member === m.getProfile() && m.profile === chat.api.getProfile(m.address, 0),
                ]),
              ),
            ),
        ),
      [gid, count, restart],
    );
  const everybody = await list(a, 0, true);
  // People sign up at the same time, and members come in the order of their numbers.
  const byAddress = (one, other) => (one[0] < other[0] ? -1 : 1);
  assert.deepEqual(everybody.sort(byAddress), [
    [people[0].address, true, true, 0x3f, true],
    [bob, false, true, 0x1f, true],
    [carol, false, false, 0x13, true],
  ]);
  assert.equal((await list(a, 2, true)).length, 2);
  assert.equal((await list(a, 2, false)).length, 1);
  assert.equal((await list(a, 2, false)).length, 0);

  const remove = ([gid, who]) => void chat.api.getProfile(null, gid).removeMembers(who);
  assert.equal((await after(b, remove, [gid, carol], "Error"))[0].detail, PERMISSION);
  const removed = await after(a, remove, [gid, `${bob},${carol}`], "MembersRemoved");
  assert.deepEqual(removed[0].detail.sort(), [bob, carol]);
  await toldOf(c, gid, "Left");
  assert.equal(await c.evaluate((gid) => chat.api.getProfile(null, gid).isActive(), gid), false);
});

test("a PIN is made, joins, is edited and removed; a wrong one is refused, and many block", async () => {
  const gid = await made();
  // As conference pages do: one PIN after the other, from inside the callback.
  const pins = await a.evaluate(
    (gid) =>
      new Promise((done) => {
        const group = chat.api.getProfile(null, gid);
        const permissions = new MesiboMemberPermissions();
        permissions.flags = MESIBO_MEMBERFLAG_ALL;
        const listener = {
          Mesibo_onGroupSettings(profile, settings, own, pins) {
            if (pins.length >= 2) return done(pins);
            Object.assign(permissions, { flags: 0x1b, videoResolution: 2, expiry: 3600 });
            permissions.callFlags = MESIBO_GROUPCALLFLAG_VALID | MESIBO_GROUPCALLFLAG_AUDIO;
            permissions.callDuration = 60;
            profile.addPin(permissions, listener);
          },
        };
        group.addPin(permissions, listener);
      }),
    gid,
  );
  assert.ok(pins.every(({ pin }) => pin >= 10_000_000));
  const talker = pins.find((pin) => pin.permissions.flags === 0x1f).pin;
  const viewer = pins.find((pin) => pin.permissions.flags === 0x1b).pin;
  const join = ([gid, pin]) => void chat.api.getProfile(null, gid).join(pin, mine);
  const joined = await after(b, join, [gid, String(viewer)], "Joined");
  assert.deepEqual(short(joined), ["mine Joined", "all Joined"]);
  // What the PIN was made with is what it says of itself and what who joined may.
  const given = pins.find((pin) => pin.pin === viewer).permissions;
  const sound = 0x3;
  const limits = { callFlags: sound, callDuration: 60, videoResolution: 2 };
  assert.deepEqual(given, { flags: 0x1b, adminFlags: 0, ...limits, expiry: 3600 });
  const ask = (gid) => void chat.api.getProfile(null, gid).getSettings(mine);
  const own = (await after(b, ask, gid, "Settings"))[0].detail[1];
  assert.ok(own.expiry > 3000 && own.expiry <= 3600, `${own.expiry}`);
  assert.equal(own.callFlags & 0x106, sound & 0x106);
  assert.deepEqual([own.callDuration, own.videoResolution], [60, 2]);
  const error = async (page, pin, group = gid) =>
    (await after(page, join, [group, pin], "Error"))[0].detail;
  assert.equal(await error(c, 1), BADPIN);
  assert.equal(await error(c, 1, gid + 100_000), BADPIN);
  const notAdmin = (gid) => void chat.api.getProfile(null, gid).addPin({ flags: 1 }, mine);
  assert.equal((await after(b, notAdmin, gid, "Error"))[0].detail, PERMISSION);

  const change = ([gid, pin]) =>
    void chat.api.getProfile(null, gid).editPin(pin, { flags: 1 }, 3600, 5, mine);
  const edited = (await after(a, change, [gid, talker], "Settings"))[0].detail[2];
  assert.equal(edited.find((pin) => pin.pin === talker).count, 5);
  const remove = ([gid, pin]) => void chat.api.getProfile(null, gid).removePin(pin, mine);
  const left = (await after(a, remove, [gid, talker], "Settings"))[0].detail[2];
  assert.deepEqual(
    left.map((pin) => pin.pin),
    [viewer],
  );
  for (let wrong = 2; wrong < 5; wrong += 1) assert.equal(await error(c, wrong), BADPIN);
  assert.equal(await error(c, viewer), ACCESSDENIED);
});

test("members leave, and a deleted group is gone for all", async () => {
  const gid = await made({ name: "Short", flags: 0 });
  const [, bob, carol] = people.map((person) => person.address);
  const add = ([gid, who]) => void chat.api.getProfile(null, gid).addMembers(who, 0, 0);
  await after(a, add, [gid, [bob, carol]], "MembersJoined");
  await toldOf(b, gid, "Joined");
  await after(b, (gid) => void chat.api.getProfile(null, gid).leave(), gid, "Left");
  await toldOf(a, gid, "MembersRemoved");
  const bound = (gid) =>
    void chat.api
      .getProfile(null, gid)
      .setProperties({ flags: MESIBO_GROUPFLAG_NOSELFDELETE }, mine);
  await after(a, bound, gid, "Settings");
  const leave = (gid) => void chat.api.getProfile(null, gid).leave();
  assert.equal((await after(c, leave, gid, "Error"))[0].detail, PERMISSION);
  const last = await c.evaluate(
    (gid) => chat.api.getProfile(null, gid).getLastAdmin().getAddress(),
    gid,
  );
  assert.equal(last, people[0].address);
  const forbidden = (gid) => void chat.api.getProfile(null, gid).deleteGroup();
  assert.equal((await after(c, forbidden, gid, "Error"))[0].detail, PERMISSION);
  await after(a, forbidden, gid, "Left");
  await toldOf(c, gid, "Left");
  const settings = (gid) => void chat.api.getProfile(null, gid).getSettings(mine);
  assert.equal((await after(c, settings, gid, "Error"))[0].detail, DELETED);
});

// Rules: 7.26.
test("on a user the names exist and fail softly", async () => {
  const answers = await a.evaluate((peer) => {
    const user = chat.api.getProfile(peer, 0);
    return [
      user.getSettings({}),
      user.getMembers(0, true, {}),
      user.setProperties({ name: "x" }),
      user.addMembers("x", 1, 0),
      user.removeMember("x"),
      user.deleteGroup(),
      user.leave(),
      user.addPin({}, {}),
      user.editPin(1, {}, 0, 0),
      user.removePin(1),
      user.join(1, {}),
      user.isOwner(),
      user.canAdmin(),
      user.getGroupProfile(),
      user.getLastAdmin(),
    ];
  }, people[1].address);
  const FAIL = 0x80;
  const none = null;
  assert.deepEqual(
    answers.map((answer) => answer ?? null),
    [FAIL, FAIL, FAIL, FAIL, FAIL, false, none, none, false, false, none, false, false, none, none],
  );
});

test("a group asked for before the page is online is made when it is", async () => {
  const page = await world.visit(people[2], "chat.html", { start: false });
  await page.evaluate(record);
  const made = await page.evaluate(() => chat.api.createGroup("Later", 0, mine));
  assert.equal(made, true);
  const events = await after(page, () => void chat.api.start(), null, "Joined", "mine");
  assert.deepEqual(
    short(events).filter((e) => e.startsWith("mine")),
    ["mine Created", "mine Joined"],
  );
});
