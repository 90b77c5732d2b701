// Profiles: what a page keeps of others, what it publishes of itself, and who is kept away.
import assert from "node:assert/strict";
import { test } from "node:test";
import { World } from "./harness/world.js";
import { online, seen, send, twoOnline } from "./harness/chat.js";
import { Narrow } from "./harness/narrow.js";
import { until } from "./harness/until.js";

const world = World.forThisFile();
const BLOCKED = 0x88;

const two = (settings) => twoOnline(world, settings);

test("the own profile is published, told to who watches it, and there at the next sign-in", async () => {
  const { ada, bob, a, b } = await two();
  await b.evaluate((peer) => {
    globalThis.updates = [];
    const profile = chat.api.getProfile(peer, 0);
    profile.addListener({ MesiboProfile_onUpdate: (p) => updates.push(["own", p === profile]) });
    chat.api.addListener({
      Mesibo_onProfileUpdated: (p) => p === profile && updates.push(["all", p.getName()]),
    });
  }, ada.address);
  await b.until((peer) => chat.api.getProfile(peer, 0).isLookedup(), ada.address);
  const told = await a.evaluate(
    () =>
      new Promise((done) => {
        const told = [];
        const own = chat.api.getSelfProfile();
        const note = (name) => (p, ok) => told.push([name, p === own, ok ?? p.getName()]);
        own.addListener({ MesiboProfile_onPublish: note("own") });
        chat.api.addListener({
          MesiboProfile_onPublish: note("all"),
          Mesibo_onProfileUpdated(p) {
            note("updated")(p);
            done(told);
          },
        });
        own.setName("Ada Lovelace");
        own.setStatus("counting");
        own.setInt("engines", 2.9);
        own.setString("city", "London");
        told.push(["save", own.save(), own.getName()]);
      }),
  );
  assert.deepEqual(told, [
    ["save", true, "Ada Lovelace"],
    ["own", true, true],
    ["all", true, true],
    ["updated", true, "Ada Lovelace"],
  ]);
  await b.until(() => updates.some(([who, name]) => who === "all" && name === "Ada Lovelace"));
  const shown = await b.evaluate((peer) => {
    const p = chat.api.getProfile(peer, 0);
    return [
      p.getStatus(),
      p.getInt("engines", 0),
      p.getString("city"),
      p.getFirstName(),
      p.getValues(),
    ];
  }, ada.address);
  assert.deepEqual(shown, [
    "counting",
    2,
    "London",
    "Ada",
    { status: "counting", engines: 2, city: "London" },
  ]);
  assert.deepEqual(await b.evaluate(() => updates.at(-2)), ["own", true]);

  const again = await world.visit(ada, "chat.html");
  await online(again);
  const own = () => chat.api.getSelfProfile();
  assert.equal(await again.evaluate(`(${own})().getString("city", "")`), "London");
  assert.equal(bob.address.length > 0, true);
});

// Rules: 5.13.2.
test("values are of their kind, converted when nothing is lost, and limited in size", async () => {
  const { a } = await two();
  const answers = await a.evaluate(() => {
    const own = chat.api.getSelfProfile();
    own.setString("text", "12");
    own.setDouble("real", 1.5);
    own.setBoolean("yes", true);
    own.setLong("big", 2 ** 40);
    const before = [
      own.getInt("text", 0),
      own.getInt("real", -1),
      own.getString("real", ""),
      own.getBoolean("yes", false),
      own.getLong("big", 0),
      own.getInt("missing", 7),
      own.hasValue("text"),
      own.getValue("missing"),
    ];
    own.setString("text", null);
    const gone = own.hasValue("text");
    own.reset();
    const reset = own.hasValue("yes");
    own.setString("large", "x".repeat(16 * 1024));
    return { before, gone, reset, saved: own.save() };
  });
  assert.deepEqual(answers.before, [12, -1, "1.5", true, 2 ** 40, 7, true, null]);
  assert.deepEqual([answers.gone, answers.reset, answers.saved], [false, false, false]);
});

test("who is blocked cannot write, does not see the other online, and can again afterwards", async () => {
  const { ada, bob, a, b } = await two();
  await b.until((peer) => chat.api.getProfile(peer, 0).isOnline(), ada.address);
  const block = ([peer, on]) =>
    new Promise((done) => {
      const profile = chat.api.getProfile(peer, 0);
      profile.addListener({ MesiboProfile_onPublish: (p, ok) => done([ok, p.isBlocked()]) });
      profile.block(on);
      if (profile.isBlocked() !== on) done("isBlocked() is not true at once");
      profile.save();
    });
  assert.deepEqual(await a.evaluate(block, [bob.address, true]), [true, true]);
  await b.until((peer) => !chat.api.getProfile(peer, 0).isOnline(), ada.address);
  await send(b, ada, ["hello?"]);
  await b.until((status) => chat.seen.statuses.some((s) => s.status === status), BLOCKED);

  // It is the server that keeps it: another browser of ada knows.
  const again = await world.visit(ada, "chat.html");
  await online(again);
  const isBlocked = (peer) => chat.api.getProfile(peer, 0).isBlocked();
  assert.equal(await again.evaluate(isBlocked, bob.address), true);
  assert.deepEqual(await again.evaluate(block, [bob.address, false]), [true, false]);
  await b.until((peer) => chat.api.getProfile(peer, 0).isOnline(), ada.address);
  await send(b, ada, ["hello again"]);
  await again.until(() => chat.seen.received.length === 1);
  assert.deepEqual(
    (await seen(again)).received.map((m) => m.text),
    ["hello again"],
  );
});

test("names, drafts and marks of others are the page's own and survive a reload", async () => {
  const { bob, a } = await two({ database: "chat" });
  const state = (peer) => {
    const p = chat.api.getProfile(peer, 0);
    const marks = [p.isMuted(), p.isArchived(), p.isFavorite(), p.isHidden()];
    return [p.getName(), p.getDraft(), p.isContact(), marks];
  };
  await a.until((peer) => chat.api.getProfile(peer, 0).isLookedup(), bob.address);
  await a.evaluate((peer) => {
    const p = chat.api.getProfile(peer, 0);
    p.setTemporaryName("never seen");
    p.setName("Robert");
    p.setUserData({ mine: true });
    p.setMuted(true);
    p.archive(true);
    p.toggleHidden();
    p.setContact(true);
    p.save();
    p.setDraft("half a sen");
    p.setName("not saved");
    const copy = p.cloneProfile();
    p.reset();
    copy.setMuted(false);
    if (copy.getName() !== "not saved" || copy.isMuted() || copy.save()) throw new Error("copy");
  }, bob.address);
  const expected = ["Robert", "half a sen", true, [true, true, false, true]];
  assert.deepEqual(await a.evaluate(state, bob.address), expected);
  assert.equal(
    await a.evaluate((peer) => chat.api.getProfile(peer, 0).getUserData().mine, bob.address),
    true,
  );
  const sorted = () => chat.api.getSortedProfiles().map((p) => p.getNameOrAddress());
  assert.deepEqual(await a.evaluate(sorted), [], "a hidden one is in no list");
  await a.reload();
  await online(a);
  assert.deepEqual(await a.evaluate(state, bob.address), expected);
});

test("pictures come from the backend, from the page, or from the listener that is asked", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const url = "https://img.example.test/team.png";
  const { group } = await world.app.call("groupadd", {
    group: { name: "g", profile: { image: url } },
  });
  await world.app.editMembers(group.gid, [ada.address]);
  await world.app.call("useradd", {
    user: { address: bob.address, profile: { image: `${url}?bob` } },
  });
  const a = await world.visit(ada, "chat.html");
  await online(a);
  await a.until((peer) => chat.api.getProfile(peer, 0).isLookedup(), bob.address);
  const answers = await a.evaluate(
    ([peer, gid]) => {
      const stranger = chat.api.getProfile("nobody", 0);
      const before = stranger.getImage().getImageOrThumbnail();
      let asked = 0;
      chat.api.addListener({
        Mesibo_onGetProfileImage: (p) => (
          (asked += 1),
          p === stranger ? "https://x.test/y.png" : null
        ),
      });
      const image = stranger.getImage();
      const twice = [image.getThumbnail(), image.getImage()];
      const user = chat.api.getProfile(peer, 0);
      const backend = [
        user.getImage().getUrl(),
        chat.api.getProfile(null, gid).getImage().getImage(),
      ];
      user.setImageUrl("https://x.test/own.png");
      const file = new File(["x"], "x.png", { type: "image/png" });
      const own = chat.api.getSelfProfile();
      const set = own.setImage(file);
      const shown = own.getImage().getImage();
      return {
        before,
        twice,
        asked,
        backend,
        own: user.getImage().getUrl(),
        set,
        blob: shown.startsWith("blob:") && shown === own.getImage().getImage(),
        same: own.getImage() === own.getImage() && own.getImage() instanceof MesiboProfileImage,
        ends: [image.getNext(), image.getPrevious(), image.getIndex(), image.isEmpty()],
        bad: own.setImage("no such element, no URL" && {}),
      };
    },
    [bob.address, group.gid],
  );
  assert.deepEqual(answers, {
    before: null,
    twice: ["https://x.test/y.png", "https://x.test/y.png"],
    asked: 1,
    backend: [`${url}?bob`, url],
    own: "https://x.test/own.png",
    set: true,
    blob: true,
    same: true,
    ends: [null, null, 0, false],
    bad: false,
  });
  const published = await a.evaluate(
    () =>
      new Promise((done) => {
        chat.api.addListener({ MesiboProfile_onPublish: (p, ok) => done(ok) });
        chat.api.getSelfProfile().save();
      }),
  );
  assert.equal(published, false, "what is no picture is not said to be published");
});

test("pictures are set although the page is reloaded before they are uploaded, and what else was saved with them", async () => {
  const narrow = await new Narrow(world.server.url).start();
  try {
    const [ada, bob] = await world.people("ada", "bob");
    const a = await world.visit(ada, "chat.html", { database: "chat" }, { from: narrow.url });
    const b = await world.visit(bob, "chat.html");
    await Promise.all([online(a), online(b)]);
    const gid = await a.evaluate(
      () =>
        new Promise((done) => {
          chat.api.createGroup("team", 0, {
            Mesibo_onGroupCreated: (group) => done(group.getGroupId()),
          });
        }),
    );
    const set = (colours) =>
      a.evaluate(
        ([gid, colours]) => {
          const picture = (colour) => {
            const canvas = new OffscreenCanvas(600, 300);
            const context = canvas.getContext("2d");
            context.fillStyle = colour;
            context.fillRect(0, 0, 600, 300);
            return canvas.convertToBlob();
          };
          return Promise.all(colours.map(picture)).then(([first, second, third]) => {
            const own = chat.api.getSelfProfile();
            own.setName("Ada with a picture");
            own.setImage(first);
            own.setImage(second, 1);
            const group = chat.api.getProfile(null, gid);
            group.setImage(third);
            return [own.save(), group.save()];
          });
        },
        [gid, colours],
      );
    narrow.holdUploadsAfter(0);
    assert.deepEqual(await set(["red", "green", "blue"]), [true, true]);
    await until("the uploads to begin", () => narrow.asked("PATCH").length === 3);
    await a.until(
      () =>
        new Promise((done) => {
          const databases = indexedDB.databases();
          databases.then((all) => {
            const open = indexedDB.open(all.find(({ name }) => name.endsWith("-files")).name);
            open.onsuccess = () => {
              const files = open.result.transaction("files").objectStore("files");
              files.getAllKeys(IDBKeyRange.bound("p", "q")).onsuccess = ({ target }) => {
                open.result.close();
                done(target.result.length === 3);
              };
            };
          });
        }),
    );
    narrow.release();
    await a.reload();
    await online(a);

    const shown = (page, gid, of) =>
      page.until(
        ([gid, of]) => {
          const profile = gid
            ? chat.api.getProfile(null, gid)
            : of
              ? chat.api.getProfile(of, 0)
              : chat.api.getSelfProfile();
          return profile.getImage().getUrl() && (gid || profile.getImage(1).getUrl());
        },
        [gid, of],
      );
    await shown(a, 0);
    await shown(a, gid);
    await shown(b, 0, ada.address);
    const [name, url, thumbnail] = await b.evaluate((peer) => {
      const profile = chat.api.getProfile(peer, 0);
      return [profile.getName(), profile.getImage().getImage(), profile.getImage(1).getThumbnail()];
    }, ada.address);
    assert.equal(name, "Ada with a picture");
    assert.match(thumbnail, /^data:image\/webp/);
    assert.equal((await fetch(url)).headers.get("content-type"), "image/webp");
    await a.reload();
    await online(a);
    await shown(a, gid);
    const posted = narrow.asked("POST").length;
    assert.equal(posted, 3, "each was uploaded once, and is not again");
  } finally {
    await narrow.stop();
  }
});

test("pictures are scaled, uploaded and seen by others, several of them, and taken away", async () => {
  const { ada, a, b } = await two();
  const published = (index, colour) =>
    a.evaluate(
      ([index, colour]) =>
        new Promise((done) => {
          const canvas = document.createElement("canvas");
          canvas.width = 2600;
          canvas.height = 1300;
          const context = canvas.getContext("2d");
          context.fillStyle = colour;
          context.fillRect(0, 0, 2600, 1300);
          const own = chat.api.getSelfProfile();
          const listener = {
            MesiboProfile_onPublish(p, ok) {
              chat.api.removeListener(listener);
              done([set, shown, saved, ok]);
            },
          };
          chat.api.addListener(listener);
          const set = own.setImage(canvas, index);
          const shown = own.getImage(index).getImage().startsWith("data:");
          const saved = own.save();
        }),
      [index, colour],
    );
  await b.until((peer) => chat.api.getProfile(peer, 0).isLookedup(), ada.address);
  assert.deepEqual(await published(0, "red"), [true, true, true, true]);
  await b.until((peer) => chat.api.getProfile(peer, 0).getImage().getUrl(), ada.address);
  assert.deepEqual(await published(1, "blue"), [true, true, true, true]);
  await b.until((peer) => chat.api.getProfile(peer, 0).getImage().getNext(), ada.address);
  const seen = await b.evaluate(async (peer) => {
    const size = async (url) => {
      const image = new Image();
      image.src = url;
      await image.decode();
      return [image.naturalWidth, image.naturalHeight];
    };
    const p = chat.api.getProfile(peer, 0);
    const [first, second] = [p.getImage(), p.getImage(1)];
    return {
      url: /\/files\/\d+-[0-9a-f]+\.webp$/.test(first.getUrl()),
      size: await size(first.getImage()),
      thumbnail: await size(first.getThumbnail()),
      second: await size(second.getImage()),
      linked: [first.getNext() === second, second.getPrevious() === first, second.getNext()],
      different: first.getUrl() !== second.getUrl(),
      values: p.getValues(),
    };
  }, ada.address);
  assert.deepEqual(seen, {
    url: true,
    size: [1280, 640],
    thumbnail: [96, 48],
    second: [1280, 640],
    linked: [true, true, null],
    different: true,
    values: {},
  });
  await a.evaluate(() => {
    const own = chat.api.getSelfProfile();
    own.setImage(null);
    own.setImage(null, 1);
    own.save();
  });
  await b.until((peer) => chat.api.getProfile(peer, 0).getImage().isEmpty(), ada.address);
});

test("values of a level are seen by whom they were given, until that is taken back", async () => {
  const { ada, bob, a, b } = await two();
  await b.until((peer) => chat.api.getProfile(peer, 0).isLookedup(), ada.address);
  await a.evaluate(() => {
    const own = chat.api.getSelfProfile();
    own.setString("city", "Ulm");
    own.setString("phone", "12345", 2);
    own.setString("note", "moved later");
    own.setAccessLevel("note", 3);
    own.save();
  });
  const see = (wanted) =>
    b.until(
      ([peer, wanted]) =>
        JSON.stringify(chat.api.getProfile(peer, 0).getValues()) === JSON.stringify(wanted),
      [ada.address, wanted],
    );
  const give = (levels) =>
    a.evaluate(
      ([peer, levels]) => {
        const profile = chat.api.getProfile(peer, 0);
        profile.setProfileAccessLevels(levels);
        profile.save();
      },
      [bob.address, levels],
    );
  await see({ city: "Ulm" });
  await give([2]);
  await see({ city: "Ulm", phone: "12345" });
  await give([2, 3]);
  await see({ city: "Ulm", phone: "12345", note: "moved later" });
  await give(null);
  await see({ city: "Ulm" });
  const own = await a.evaluate(() => chat.api.getSelfProfile().getValues());
  assert.deepEqual(own, { city: "Ulm", phone: "12345", note: "moved later" });
});

test("small values of the page stay with its database, and are nobody else's", async () => {
  const { bob, a } = await two({ database: "chat" });
  const answers = await a.evaluate(() => [
    chat.api.readKey("theme"),
    chat.api.setKey("theme", "dark"),
    chat.api.setKey("gone", "x"),
    chat.api.deleteKey("gone"),
    chat.api.deleteKey("gone"),
    chat.api.setKey("large", "x".repeat(65_536)),
  ]);
  assert.deepEqual(answers, [null, true, true, true, false, false]);
  await a.reload();
  await a.until(() => chat.seen.database !== null);
  assert.deepEqual(await a.evaluate(() => [chat.api.readKey("theme"), chat.api.readKey("gone")]), [
    "dark",
    null,
  ]);
  const other = await world.visit(bob, "chat.html", { database: "chat" });
  await online(other);
  assert.equal(await other.evaluate(() => chat.api.readKey("theme")), null);
});

test("addresses are synchronised: who exists is told and becomes a contact", async () => {
  const { bob, a } = await two();
  const found = await a.evaluate(
    (peer) =>
      new Promise((done) => {
        const told = new Set();
        const last = "the last one";
        chat.api.addListener({
          Mesibo_onProfileUpdated(p) {
            told.add(p.getAddress());
            if (p.isContact() && p.isSubscribed() && p.isLookedup()) done([...told]);
          },
        });
        const synchronizer = new MesiboContactSynchronizer();
        synchronizer.setContact(true);
        synchronizer.subscribe(true);
        synchronizer.sync([peer, last], false);
        synchronizer.syncNow();
      }),
    bob.address,
  );
  assert.ok(found.includes(bob.address));
  // Nobody has the other address: no contact, and not told of.
  await a.until(() => !chat.api.getProfile("the last one", 0).isContact());
  assert.ok(!found.includes("the last one"));
  assert.deepEqual(
    await a.evaluate(() => chat.api.getSortedProfiles().filter((p) => p.isContact()).length),
    1,
  );
  const others = await world.visit(bob, "chat.html");
  await online(others);
});

test("a page is asked once how it wants each profile, and its own contacts stay on this side", async () => {
  const { bob, a } = await two();
  const answers = await a.evaluate((peer) => {
    const asked = [];
    chat.api.addListener({
      Mesibo_onCustomizeProfile: (p) => (asked.push(p.getAddress()), (p.seen = true)),
      Mesibo_onGetProfileName: (p) => `guest ${p.getAddress()}`,
    });
    chat.api.getProfile("x1", 0);
    chat.api.getProfile("x1", 0);
    const name = chat.api.getProfile("x1", 0).getNameOrAddress("+");
    chat.api.resetProfileCustomizations();
    chat.api.getProfile("x1", 0);
    const contact = chat.api.setContact({
      address: "x2",
      name: "Xaver",
      picture: "https://x.test/2.png",
    });
    const known = chat.api.getProfile("x2", 0);
    return {
      asked: asked.filter((address) => address === "x1").length,
      name,
      contact: [contact === known, known.getName(), known.getImage().getUrl()],
      exists: [
        chat.api.getUserProfileIfExists("x2") === known,
        chat.api.getUserProfileIfExists("x3"),
        chat.api.getGroupProfileIfExists(77_777),
      ],
      self: chat.api.getProfile(peer, 0) === chat.api.getSelfProfile(),
      own: chat.api.getProfile(chat.api.getAddress(), 0) === chat.api.getSelfProfile(),
    };
  }, bob.address);
  assert.deepEqual(answers, {
    asked: 2,
    name: "guest x1",
    contact: [true, "Xaver", "https://x.test/2.png"],
    exists: [true, null, null],
    self: false,
    own: true,
  });
});

test("profiles are listed by their last message", async () => {
  const { bob, a } = await two();
  const [carol] = await world.people("carol");
  await send(a, bob, ["first"]);
  await send(a, carol, ["second"]);
  const recent = () => chat.api.getRecentProfiles().map((p) => p.getAddress());
  assert.deepEqual(await a.evaluate(recent), [carol.address, bob.address]);
});
