// Profiles and groups as objects: who they are, what is marked, blocked and allowed.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { covers } from "../harness/record.js";
import { World } from "../harness/world.js";
import { online, twoOnline } from "../harness/chat.js";

const world = World.forThisFile();
let still;
before(async () => {
  await world.open();
  const nobody = { app: "world", name: "nobody", token: "" };
  still = await world.visit(nobody, "chat.html", { start: false });
});
const named = (owner, names) => names.split(" ").map((name) => `${owner}.${name}`);

const two = () => twoOnline(world, { database: "profiles" });

// Rules: 0.1.11.
test("a profile says who it is: a user, a group, oneself", async () => {
  const { bob, a } = await two();
  const gid = await world.app.addGroup("who", [bob.address]);
  await a.until((peer) => chat.api.getProfile(peer, 0).getUid() > 0, bob.address);
  const said = await a.evaluate(
    ([peer, gid]) => {
      const { api } = chat;
      const [user, group, self] = [
        api.getProfile(peer, 0),
        api.getProfile("ignored", gid),
        api.getSelfProfile(),
      ];
      const say = (p) => [
        p.getAddress() === peer,
        p.getGroupId() === gid,
        p.isGroup(),
        p.isSelfProfile(),
        p.isValidDestination(),
        p.getGroupProfile() === p,
        p instanceof MesiboProfile,
        p instanceof MesiboGroupProfile,
        p instanceof MesiboSelfProfile,
        Number.isInteger(p.getHashCode()) && p.getHashCode() === p.getHashCode(),
      ];
      return {
        user: say(user),
        group: say(group),
        self: say(self),
        uid: user.getUid() > 0,
        states: [user.isActive(), user.isDeleted(), user.isLookedup(), user.isProfileSynced()],
        hashes: new Set([user, group, self].map((p) => p.getHashCode())).size,
        byName: [
          api.getUserProfile(peer) === user,
          api.getGroupProfile(gid) === group,
          api.getUserProfileIfExists(peer) === user,
          api.getGroupProfileIfExists(gid) === group,
          api.getProfileIfExists("a stranger", 0),
          api.getProfile(null, 0),
        ],
        named: [user.getFirstNameOrAddress(), group.getNameOrAddress("+")],
        stranger: [
          api.getProfile("stranger", 0).getNameOrAddress("+"),
          api.getProfile("stranger", 0).getName(),
          api.getProfile("stranger", 0).getLastSeen(),
        ],
        matches: [
          user.matches(Object.assign(new MesiboMessage(peer))),
          user.matches(new MesiboMessage("else")),
          group.matches(new MesiboMessage(gid)),
        ],
      };
    },
    [bob.address, gid],
  );
  assert.deepEqual(said.user, [true, false, false, false, true, false, true, false, false, true]);
  assert.deepEqual(said.group, [false, true, true, false, true, true, true, true, false, true]);
  assert.deepEqual(said.self, [false, false, false, true, true, false, true, false, true, true]);
  assert.equal(said.uid, true);
  assert.deepEqual(said.states, [true, false, true, true]);
  assert.equal(said.hashes, 3);
  assert.deepEqual(said.byName, [true, true, true, true, null, null]);
  assert.deepEqual(said.named, ["bob", `Group-${gid}`]);
  assert.deepEqual(said.stranger, ["+stranger", null, null]);
  assert.deepEqual(said.matches, [true, false, true]);
});

test("marks are set, toggled and kept by save", async () => {
  const { bob, a } = await two();
  const marks = await a.evaluate((peer) => {
    const p = chat.api.getProfile(peer, 0);
    const seen = [];
    for (const [set, is] of [
      ["favorite", "isFavorite"],
      ["archive", "isArchived"],
      ["setMuted", "isMuted"],
      ["setHidden", "isHidden"],
      ["setMark", "isMarked"],
    ]) {
      p[set](true);
      const on = p[is]();
      p[set](false);
      seen.push([is, on, p[is]()]);
    }
    for (const [toggle, is] of [
      ["toggleMute", "isMuted"],
      ["toggleHidden", "isHidden"],
      ["toggleMark", "isMarked"],
    ]) {
      p[toggle]();
      const on = p[is]();
      p[toggle]();
      seen.push([toggle, on, p[is]()]);
    }
    p.setPrivate(true);
    p.favorite(true);
    p.setMark(true);
    p.setContact(true);
    p.subscribe(true);
    p.save();
    return seen;
  }, bob.address);
  assert.ok(
    marks.every(([, on, off]) => on === true && off === false),
    JSON.stringify(marks),
  );
  await a.reload();
  await online(a);
  const kept = (peer) => {
    const p = chat.api.getProfile(peer, 0);
    return p.isFavorite() && p.isMarked() && p.isContact() && p.isSubscribed() && !p.isMuted();
  };
  await a.until(kept, bob.address);
});

test("a block is whole or of one kind, holds at once, and is told apart", async () => {
  const kinds = {
    blockMessages: "isMessageBlocked",
    blockCalls: "isCallBlocked",
    blockVideoCalls: "isVideoCallBlocked",
    blockGroupMessages: "isGroupMessageBlocked",
    blockProfileSubscription: "isProfileSubscriptionBlocked",
  };
  const seen = await still.evaluate((kinds) => {
    const p = chat.api.getProfile("blocked", 0);
    const all = Object.entries(kinds).map(([block, is]) => {
      p[block](true);
      const on = [p[is](), p.isBlocked()];
      p[block](false);
      return [...on, p[is]()];
    });
    p.blockProfile(true);
    const whole = [p.toggleBlock(), p.isBlocked(), p.isMessageBlocked(), p.toggleBlock()];
    return [all, whole, p.isBlocked()];
  }, kinds);
  assert.deepEqual(seen[0], Array(5).fill([true, false, false]));
  assert.deepEqual(seen[1], [true, true, true, false]);
  assert.equal(seen[2], false);
});

// Rules: 1.4.4, 7.24.
test("edits are the page's until save; reset takes back what was not saved, and listeners hear", async () => {
  const { ada, a, b } = await two();
  await b.evaluate((peer) => {
    window.told = [];
    chat.api.getProfile(peer, 0).subscribe(true);
    chat.api.getProfile(peer, 0).save();
    const older = { MesiboProfile_OnUpdate: (p) => told.push(["older", p.getName()]) };
    chat.api.getProfile(peer, 0).addListener(older);
  }, ada.address);
  const edited = await a.evaluate(async () => {
    const self = chat.api.getSelfProfile();
    window.published = [];
    window.gone = { MesiboProfile_onPublish: () => published.push("removed") };
    self.addListener({ MesiboProfile_onPublish: (p, ok) => published.push([p === self, ok]) });
    self.addListener(gone);
    self.removeListener(gone);
    self.setName("Ada the First");
    self.setString("colour", "green");
    self.setLong("long", 2 ** 40);
    self.setDouble("half", 0.5);
    self.save();
    self.setString("colour", "unsaved");
    self.setName("unsaved");
    self.reset();
    return [self.getName(), self.getString("colour", "none"), self.getDouble("half", 0)];
  });
  assert.deepEqual(edited, ["Ada the First", "green", 0.5]);
  await a.until(() => published.length > 0);
  assert.deepEqual(await a.evaluate(() => published), [[true, true]]);
  await b.until(() => told.some(([, name]) => name === "Ada the First"));
  const there = await b.evaluate((peer) => {
    const p = chat.api.getProfile(peer, 0);
    return [p.getString("colour", ""), p.getLong("long", 0), p.hasValue("half"), p.getValue("no")];
  }, ada.address);
  assert.deepEqual(there, ["green", 2 ** 40, true, null]);
  // The page's own name for somebody goes before theirs.
  const names = await b.evaluate((peer) => {
    const p = chat.api.getProfile(peer, 0);
    p.setOverrideName("My Ada");
    const mine = [p.getName(), p.getFirstName(), p.getFirstNameOrAddress()];
    p.setUserData({ row: 4 });
    window.count = told.length;
    p.broadcastChanges();
    p.reload();
    return [...mine, p.getUserData().row, chat.api.getLastProfileUpdateTimestamp() > 0];
  }, ada.address);
  assert.deepEqual(names, ["My Ada", "My", "My", 4, true]);
  await b.until(() => told.length > count);
  assert.equal(await a.evaluate(() => chat.api.getSelfProfile().publish()), true);
});

test("who was removed is no contact any more, and lists leave out what is deleted", async () => {
  const { bob, a } = await two();
  const listed = (peer) =>
    chat.api.getSortedProfiles().some((profile) => profile.getAddress() === peer);
  await a.evaluate((peer) => {
    const p = chat.api.getProfile(peer, 0);
    p.setContact(true);
    p.save();
  }, bob.address);
  await a.until(listed, bob.address);
  const after = await a.evaluate((peer) => {
    const p = chat.api.getProfile(peer, 0);
    p.setDeleted();
    const hidden = p.isDeleted();
    p.removeSyncedProfile();
    p.removeLocalProfile();
    p.remove();
    return [hidden, p.isContact()];
  }, bob.address);
  assert.deepEqual(after, [true, false]);
  assert.equal(await a.evaluate(listed, bob.address), false);
});

test("a page tells who has its conversation open, and what it does there", async () => {
  const { ada, bob, a, b } = await two();
  await b.evaluate(() => {
    window.kinds = [];
    window.activities = [];
    const all =
      "isRequest isOnline isOffline isTyping isTypingCleared isChatting hasJoined hasLeft";
    chat.api.addListener({
      Mesibo_onPresence(p) {
        const kind = all.split(" ").filter((name) => p[name]());
        kinds.push([kind.join(" "), p.presence, p.value, p.interval, p.isPresence(), p.mid]);
      },
      Mesibo_onPresenceRequest: (p) => kinds.push(["request", p.isRequest(), p.peer]),
    });
    chat.api.addListener({ Mesibo_OnActivity: (p, code) => activities.push(code) });
  });
  const sent = await a.evaluate((peer) => {
    const profile = chat.api.getProfile(peer, 0);
    const p = profile.newPresence();
    return [
      profile.sendJoined(),
      p.sendTyping(),
      p.sendTypingCleared(),
      p.sendChatting(),
      p.sendOnline(),
      p.send(300, 7, 20),
      p.sendActivity(301, 8),
      p.sendJoined(),
      profile.sendLeft(),
      p.sendLeft(),
      p.sendRequest(),
      new MesiboPresence(peer).sendOffline(),
    ];
  }, bob.address);
  assert.deepEqual(sent, Array(12).fill(0));
  await b.until(() => kinds.length >= 12 || kinds.some(([kind]) => kind === "isOffline"));
  const kinds = await b.evaluate(() => window.kinds);
  const names = kinds.map(([kind, code]) => (kind === "" ? code : kind));
  for (const kind of [
    "hasJoined",
    "isTyping",
    "isTypingCleared",
    "isChatting",
    "isOnline",
    300,
    301,
    "hasLeft",
    "request",
    "isOffline",
  ]) {
    assert.ok(names.includes(kind), `${kind} of ${names}`);
  }
  assert.deepEqual(kinds.find(([, code]) => code === 300).slice(1), [300, 7, 20, true, 0]);
  assert.ok((await b.evaluate(() => activities)).includes(3));
  assert.deepEqual(kinds.find(([kind]) => kind === "request").slice(1), [true, ada.address]);
  // Open is what the other side says, until it leaves.
  await a.evaluate((peer) => chat.api.getProfile(peer, 0).sendJoined(), bob.address);
  await b.until((peer) => chat.api.getProfile(peer, 0).isChatting(), ada.address);
  assert.equal(
    await b.evaluate((peer) => chat.api.getProfile(peer, 0).isChattingInGroup(7), ada.address),
    false,
  );
  covers(...named("MesiboPresence", "presence value interval"));
});

test("settings, permissions and PINs are objects a page may make, or plain ones", async () => {
  const { ada, bob, a, b } = await two();
  const made = await a.evaluate(() => {
    const keys = (object) => [object.constructor.name !== "Object", { ...object }];
    return [
      keys(new MesiboGroupSettings({ name: "made", callDuration: 60 })),
      keys(new MesiboMemberPermissions({ adminFlags: 1 })),
      keys(new MesiboGroupPin({ pin: 5 })),
    ];
  });
  const permissions = { flags: 0, callFlags: 0, callDuration: 0, videoResolution: 0, expiry: 0 };
  assert.deepEqual(made, [
    [true, { ...permissions, name: "made", callDuration: 60 }],
    [true, { ...permissions, adminFlags: 1 }],
    [true, { pin: 5, permissions: { ...permissions, adminFlags: 0 } }],
  ]);
  const group = await a.evaluate(async (peer) => {
    const settings = new MesiboGroupSettings();
    settings.name = "a team";
    settings.flags = MESIBO_GROUPFLAG_SENDBYANYONE;
    settings.callFlags = MESIBO_GROUPCALLFLAG_VALID | MESIBO_GROUPCALLFLAG_AUDIO;
    settings.callDuration = 600;
    settings.videoResolution = MESIBO_RESOLUTION_HD;
    const made = await new Promise((resolve) => chat.api.createGroup(settings, resolve));
    window.group = made;
    const permissions = new MesiboMemberPermissions();
    permissions.flags = MESIBO_MEMBERFLAG_ALL;
    const joined = new Promise((resolve) =>
      chat.api.addListener({ Mesibo_onGroupMembersJoined: (p, members) => resolve(members) }),
    );
    const before = made.getRequestId();
    made.addMembers([peer], permissions);
    const [member] = await joined;
    const [profile, told, own, pins] = await new Promise((resolve) =>
      made.getSettings((...answer) => resolve(answer)),
    );
    const members = await new Promise((resolve) =>
      made.getMembers(0, true, (_profile, all) => resolve(all)),
    );
    const other = members.find((m) => m.getAddress() === peer);
    return {
      gid: made.getGroupId(),
      same: profile === made,
      settings: { ...told },
      own: [own.flags >= 0, own.adminFlags],
      pins,
      ids: made.getRequestId() > before,
      member: [
        member.profile === chat.api.getProfile(peer, 0),
        member.member === member.profile,
        member.getProfile() === member.profile,
        member.address,
        member.getAddress(),
        member.isOwner(),
        member.isAdmin(),
      ],
      others: other.getPermissions() && other.getPermissions().flags,
      rights: [
        "isOwner canAdmin canModify canAddMembers canRemoveMembers canAddAdmins canRemoveAdmins",
        "canRemoveOwner canRemoveGroup",
      ]
        .join(" ")
        .split(" ")
        .map((name) => made[name]()),
      owner: made.getAdmin(),
    };
  }, bob.address);
  assert.equal(group.same, true);
  assert.equal(group.settings.name, "a team");
  assert.equal(group.settings.videoResolution, 3);
  assert.equal(group.settings.callFlags, 3);
  assert.ok(group.own[1] > 0);
  assert.deepEqual(group.pins, []);
  assert.equal(group.ids, true);
  assert.deepEqual(group.member.slice(0, 5), [true, true, true, bob.address, bob.address]);
  assert.deepEqual(group.member.slice(5), [false, false]);
  assert.equal(group.others, 0x1f);
  assert.deepEqual(group.rights, Array(9).fill(true));
  assert.equal(group.owner, ada.address);
  await b.until((gid) => chat.seen.joined.includes(gid), group.gid);
  const theirs = await b.evaluate((gid) => {
    const p = chat.api.getGroupProfile(gid);
    const names = "isOwner canModify canRemoveMembers canAddAdmins canRemoveOwner canRemoveGroup";
    return names.split(" ").map((name) => p[name]());
  }, group.gid);
  assert.deepEqual(theirs, Array(6).fill(false));
  assert.equal(await a.evaluate(() => group.isActive()), true);
  const lists = await a.evaluate(() => {
    chat.api.hideInactiveGroupProfiles(false);
    return chat.api.getGroupProfiles().includes(group);
  });
  assert.equal(lists, true);
  covers(
    ...named("MesiboGroupSettings", "name flags callFlags videoResolution expiry"),
    ...named("MesiboMemberPermissions", "flags adminFlags expiry"),
    ...named("MesiboGroupPin", "pin permissions"),
    ...named("MesiboGroupMember", "member profile address"),
    "MesiboGroupSettings",
    "MesiboMemberPermissions",
    "MesiboGroupPin",
  );
});

test("a picture is asked for in several ways and is the same", async () => {
  const url = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==";
  const seen = await still.evaluate((url) => {
    const p = chat.api.getProfile("pictured", 0);
    const image = p.getImage();
    const before = [image.isEmpty(), image.getThumbnail(), image.getProfile() === p];
    const set = [p.setImageUrl(url), p.setImageUrl(url, 0), p.prefetchImages()];
    const ways =
      "getImage getThumbnail getImageOrThumbnail getImagePath getThumbnailPath getImageOrThumbnailPath getUrl";
    return [
      before,
      set,
      ways.split(" ").map((name) => image[name]() === url),
      [image.isEmpty(), image.getIndex(), image.getNext(), image.getPrevious()],
      p.getImage() === image,
      chat.api.getSelfProfile().setImageUrl(url),
    ];
  }, url);
  assert.deepEqual(seen, [
    [true, null, true],
    [true, true, true],
    Array(7).fill(true),
    [false, 0, null, null],
    true,
    true,
  ]);
});
