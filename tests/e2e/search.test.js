// Search: who wants to be found is found, and nobody else.
import assert from "node:assert/strict";
import { test } from "node:test";
import { World } from "./harness/world.js";
import { online } from "./harness/chat.js";

const world = World.forThisFile();

async function people(...names) {
  const all = await world.people(...names);
  const pages = await Promise.all(all.map((person) => world.visit(person, "chat.html")));
  await Promise.all(pages.map((page) => online(page)));
  return { all, pages };
}

const saved = (page, act, ...given) =>
  page.evaluate(
    `new Promise((done) => {
      chat.api.addListener({ MesiboProfile_onPublish: (p, ok) => done(ok) });
      (${act})(chat.api.getSelfProfile(), ...${JSON.stringify(given)});
      chat.api.getSelfProfile().save();
    })`,
  );

/** Addresses and group names found. */
const search = (page, text, act = "() => {}") =>
  page.evaluate(
    `new Promise((done) => {
      const search = new MesiboProfileSearch();
      globalThis.search = search;
      search.setListener({
        Mesibo_onProfileSearchResults: (found, from) =>
          done([from === search, ...found.map((p) => p.getAddress() || p.getName())]),
      });
      search.setQuery(${JSON.stringify(text)});
      (${act})(search);
      if (!search.search()) done("refused");
    })`,
  );

test("only who opted in is found by a part of the name, and not any more afterwards", async () => {
  const { all, pages } = await people("ada", "bob", "carol");
  const [a, b, c] = pages;
  assert.equal(await saved(a, (own) => (own.setName("Findme One"), own.setSearchable(true))), true);
  assert.equal(await saved(b, (own) => own.setName("Findme Two")), true);
  assert.deepEqual(await search(c, "fIndMe"), [true, all[0].address]);
  assert.equal(await search(c, "   "), "refused");
  // A contact is found whatever it wants.
  await c.evaluate((peer) => {
    const synchronizer = new MesiboContactSynchronizer();
    synchronizer.setContact(true);
    synchronizer.sync([peer]);
  }, all[1].address);
  await c.until((peer) => chat.api.getProfile(peer, 0).isLookedup(), all[1].address);
  const both = await search(c, "findme", "(s) => s.enableContactSearch(true)");
  assert.deepEqual(both, [true, all[0].address, all[1].address]);
  const last = await c.evaluate(() => search.getLastSearchResult().map((p) => p.getName()));
  assert.deepEqual(last, ["Findme One", "Findme Two"]);
  assert.equal(await c.evaluate(() => search.searchMore()), false);
  await saved(a, (own) => own.setVisibility(MESIBO_VISIBILITY_NONE));
  assert.deepEqual(await search(c, "findme"), [true]);
});

test("who is blocked does not find, and groups are found when they want to be", async () => {
  const { all, pages } = await people("ada", "bob");
  const [a, b] = pages;
  await saved(a, (own) => (own.setName("Hidden from Bob"), own.setSearchable(true)));
  assert.deepEqual(await search(b, "hidden from"), [true, all[0].address]);
  await a.evaluate(
    (peer) =>
      new Promise((done) => {
        const profile = chat.api.getProfile(peer, 0);
        profile.addListener({ MesiboProfile_onPublish: done });
        profile.block(true);
        profile.save();
      }),
    all[1].address,
  );
  assert.deepEqual(await search(b, "hidden from"), [true]);

  await a.evaluate(
    () =>
      new Promise((done) =>
        chat.api.createGroup("Chess in Ulm", 0, (group) => {
          group.addListener({ MesiboProfile_onPublish: done });
          group.setSearchable(true);
          group.save();
        }),
      ),
  );
  assert.deepEqual(await search(b, "chess"), [true], "groups are asked for");
  const found = await search(b, "chess", "(s) => s.enableGroupSearch(true)");
  assert.deepEqual(found, [true, "Chess in Ulm"]);
  const own = await search(a, "chess", "(s) => s.enableGroupSearch(true)");
  assert.deepEqual(own, [true, "Chess in Ulm"]);
  assert.equal(await a.evaluate(() => search.getLastSearchResult()[0].isActive()), true);
  assert.equal(await b.evaluate(() => search.getLastSearchResult()[0].isActive()), false);
});

test("who wants to be is found by distance while connected, and nobody else", async () => {
  const { all, pages } = await people("ada", "bob", "carol");
  const [a, b, c] = pages;
  /** Done when the server has been told: it has answered what was asked behind it. */
  const manager = async (page, act) => {
    const answer = await page.evaluate(`(${act})(chat.api.getLocationManager(), MesiboLocation)`);
    await search(page, "nobody at all");
    return answer;
  };
  assert.equal(await search(c, "", "(s) => s.setDistance(1000)"), "refused", "from nowhere");
  assert.equal(await search(c, "", "(s) => s.setLocation(48.4, 10)"), "refused", "how far?");
  const ulm = "(s) => (s.setLocation(48.3984, 9.9916), s.setDistance(2000))";
  assert.deepEqual(await search(c, "", ulm), [true]);
  await manager(a, "(m, L) => m.setLocation(new L(48.3925, 10.0001))");
  await manager(b, "(m, L) => m.setLocation(new L(48.3925, 10.0001))");
  assert.deepEqual(await search(c, "", ulm), [true], "a place alone is nobody's business");
  assert.equal(await manager(a, "(m) => m.setSearchableDistance(1500)"), 0);
  assert.equal(await manager(b, "(m) => m.setSearchableDistance(500)"), 0);
  const found = async (act, expected) =>
    assert.deepEqual(await search(c, "", act), [true, ...expected]);
  await found(ulm, [all[0].address]);
  // What the page itself is near of; and by name, too.
  await manager(c, "(m, L) => m.setLocation(new L(48.3925, 10.0002))");
  await found("(s) => (s.setCurrentLocation(), s.setDistance(100))", [
    all[0].address,
    all[1].address,
  ]);
  const near = "(s) => s.setDistance(100)";
  assert.deepEqual(await search(c, "bob", near), [true, all[1].address]);
  // It is told again after a reconnect, and what has moved away is not there.
  await b.evaluate(() => {
    chat.api.stop();
    chat.api.start();
  });
  await b.until(() => chat.seen.connection.filter((status) => status === 1).length > 1);
  await search(b, "nobody at all");
  await manager(a, "(m, L) => m.setLocation(new L(48.1374, 11.5755))");
  await found(near, [all[1].address]);
  await manager(b, "(m) => m.setSearchableDistance(0)");
  await found(near, []);
});

test("a profile that is marked recent is among the recent ones, without a message", async () => {
  const [ada] = await world.people("ada");
  const a = await world.visit(ada, "chat.html", { database: "chat" });
  await online(a);
  const recent = (page) =>
    page.evaluate(() => {
      const profile = chat.api.getProfile("somebody", 0);
      return [chat.api.getRecentProfiles().includes(profile), profile.isSyncedProfileRecent()];
    });
  assert.deepEqual(await recent(a), [false, false]);
  await a.evaluate(() => {
    const profile = chat.api.getProfile("somebody", 0);
    profile.setRecent(true);
    profile.setContact(true);
    profile.save();
  });
  assert.deepEqual(await recent(a), [true, true]);
  await a.reload();
  await online(a);
  await a.until(() => chat.api.getProfile("somebody", 0).isSyncedProfileRecent());
  await a.evaluate(() => chat.api.getProfile("somebody", 0).setRecent(false));
  assert.deepEqual(await recent(a), [false, false]);
});

test("too many searches find nothing", async () => {
  const { pages } = await people("ada");
  const [a] = pages;
  for (let count = 0; count < 30; count += 1) await search(a, "nobody at all");
  assert.deepEqual(await search(a, "x"), [true]);
});
