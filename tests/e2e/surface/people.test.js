// Places, searching, encryption and the small settings about people: what each call answers and does.
import assert from "node:assert/strict";
import { test } from "node:test";
import { covers } from "../harness/record.js";
import { World } from "../harness/world.js";
import { arrived, online, send, twoOnline } from "../harness/chat.js";

const world = World.forThisFile();

const two = () => twoOnline(world);

/** Where the browser says it is. */
const move = (page, latitude, longitude) =>
  page.raw.context().setGeolocation({ latitude, longitude, accuracy: 5 });

test("a place and how places are watched have their documented fields", async () => {
  const { a } = await two();
  const said = await a.evaluate(() => {
    const place = new MesiboLocation(48.4, 9.99);
    place.ts = Date.now();
    return {
      place: { ...place, ts: 0 },
      time: place.getTimestamp() instanceof MesiboDateTime && place.getTimestamp().ts === place.ts,
      config: { ...new MesiboLocationConfig() },
    };
  });
  const config = {
    minDistance: 0,
    minDistanceSharing: 0,
    minInterval: 0,
    maxInterval: 0,
    backgroundRefresh: false,
    fineLocation: true,
    aggressive: false,
  };
  const place = {
    latitude: 48.4,
    longitude: 9.99,
    altitude: 0,
    speed: 0,
    distance: 0,
    accuracy: 0,
    ts: 0,
    flags: 0,
  };
  assert.deepEqual(said, { place, time: true, config });
  covers(...Object.keys(place).map((name) => `MesiboLocation.${name}`));
  covers(...Object.keys(config).map((name) => `MesiboLocationConfig.${name}`));
});

test("the device's place is told when it has moved far enough, and its way is measured", async () => {
  const { a } = await two();
  await a.raw.context().grantPermissions(["geolocation"]);
  await move(a, 48.4, 9.99);
  const started = await a.evaluate(() => {
    window.places = [];
    window.manager = chat.api.getLocationManager();
    window.heard = { Mesibo_onDeviceLocation: (place) => places.push(place) };
    const added = manager.addListener(heard);
    const before = [manager.getDeviceLocation(), manager.getLocation()];
    return [added, ...before, manager.start({ minDistance: 1000 }), places.length];
  });
  assert.deepEqual(started, [true, null, null, 0, 0]);
  await a.until(() => places.length === 1);
  const first = await a.evaluate(() => {
    const [place] = places;
    const known = manager.getDeviceLocation() === place && manager.getLocation() === place;
    manager.startDistanceTracking();
    return [place.latitude, place.longitude, place.accuracy, place.ts > 0, known];
  });
  assert.deepEqual(first, [48.4, 9.99, 5, true, true]);
  // A few metres are no news; two kilometres are.
  await move(a, 48.4001, 9.99);
  await move(a, 48.42, 9.99);
  await a.until(() => places.length === 2);
  const moved = await a.evaluate(() => [
    places[1].latitude,
    Math.round(places[1].distance / 100),
    Math.round(manager.getDistanceCovered() / 100),
  ]);
  assert.deepEqual(moved, [48.42, 22, 22]);
  // The page's own wins, until it is taken back; what is measured no longer stays.
  const own = await a.evaluate(() => {
    manager.stopDistanceTracking();
    const set = manager.setLocation({ latitude: 1, longitude: 2 });
    const during = [manager.getLocation().latitude, manager.getCustomLocation().longitude];
    manager.resetLocation();
    return [set, during, manager.getCustomLocation(), manager.getLocation() === places[1]];
  });
  assert.deepEqual(own, [true, [1, 2], null, true]);
  await move(a, 48.5, 9.99);
  await a.until(() => places.length === 3);
  assert.equal(await a.evaluate(() => Math.round(manager.getDistanceCovered() / 100)), 22);
  const ended = await a.evaluate(() => [
    manager.stop(),
    manager.removeListener(heard),
    manager.removeListener(heard),
    manager.setAccessLevels([1]),
    manager.setSearchableDistance(100),
  ]);
  assert.deepEqual(ended, [0, true, false, 0, 0]);
});

test("a place that the browser does not give is an error, told with the own profile", async () => {
  const { a } = await two();
  await a.raw.context().clearPermissions();
  await a.evaluate(() => {
    window.errors = [];
    const { geolocation } = navigator;
    // As a person who says no.
    geolocation.watchPosition = (_ok, failed) => (queueMicrotask(() => failed({ code: 1 })), 7);
    const manager = chat.api.getLocationManager();
    manager.addListener({
      Mesibo_onLocationError: (profile, code) =>
        errors.push([profile === chat.api.getSelfProfile(), code]),
    });
    window.result = [manager.start(), errors.length];
  });
  await a.until(() => errors.length > 0);
  assert.deepEqual(await a.evaluate(() => [result, errors]), [[0, 0], [[true, 1]]]);
});

test("who asks for a place may take that back, and hears nothing more", async () => {
  const { ada, bob, a, b } = await two();
  for (const page of [a, b]) {
    await page.evaluate(() => {
      window.told = [];
      const note = (name) => (profile, value) => told.push([name, profile.getAddress(), value]);
      chat.api.getLocationManager().addListener({
        Mesibo_onLocationReceived: note("received"),
        Mesibo_onLocationRequest: note("request"),
        Mesibo_onLocationShared: note("shared"),
      });
    });
  }
  await b.evaluate((peer) => chat.api.getProfile(peer, 0).location().subscribe(60), ada.address);
  await a.until(() => told.length === 1);
  assert.deepEqual(await a.evaluate(() => told), [["request", bob.address, 60]]);
  await a.evaluate((peer) => {
    chat.api.getLocationManager().setLocation({ latitude: 10, longitude: 20 });
    chat.api.getProfile(peer, 0).location().share(100);
  }, bob.address);
  await b.until(() => told.length === 2);
  const heard = await b.evaluate(() => told.map(([name, who]) => [name, who]));
  assert.deepEqual(heard, [
    ["shared", ada.address],
    ["received", ada.address],
  ]);
  const cancelled = await b.evaluate((peer) => {
    const location = chat.api.getProfile(peer, 0).location();
    const before = [location.getSubscriptionStatus(), location.get()?.latitude];
    return [
      ...before,
      location.cancelSubscription(),
      location.getSubscriptionStatus(),
      location.get(),
    ];
  }, ada.address);
  assert.deepEqual(cancelled, [2, 10, 0, 0, null]);
});

test("a search tells its results, continues with an update, and forgets when told to", async () => {
  const names = Array.from({ length: 3 }, (_, at) => `seek-${at}`);
  const all = await world.people("ada", ...names);
  const [a, ...others] = await Promise.all(all.map((one) => world.visit(one, "chat.html")));
  await Promise.all([a, ...others].map(online));
  for (const page of others) {
    await page.evaluate(
      () =>
        new Promise((resolve) => {
          const own = chat.api.getSelfProfile();
          own.addListener({ MesiboProfile_onPublish: resolve });
          own.setName("Seekable");
          own.setSearchable(true);
          own.save();
        }),
    );
  }
  await a.evaluate(() => {
    window.told = [];
    window.search = new MesiboProfileSearch();
    const note = (name) => (found, from) => told.push([name, found.length, from === search]);
    search.setListener({
      Mesibo_onProfileSearchResults: note("results"),
      Mesibo_onProfileSearchUpdate: note("update"),
    });
    search.subscribe(true);
    search.setMaxAge(3600);
    search.setQuery("seekable");
    window.result = [
      search.getRequestId(),
      search.search(),
      search.getRequestId() > 0,
      told.length,
    ];
  });
  await a.until(() => told.length === 1);
  assert.deepEqual(await a.evaluate(() => [result, told[0]]), [
    [0, true, true, 0],
    ["results", 3, true],
  ]);
  const addresses = all.slice(1).map(({ address }) => address);
  const found = await a.evaluate(() =>
    search.getLastSearchResult().map((p) => [p.getAddress(), p.isSubscribed()]),
  );
  assert.deepEqual(found.sort(), addresses.map((address) => [address, true]).sort());
  const after = await a.evaluate(() => {
    search.clearSearchResult();
    const cleared = [search.getLastSearchResult().length, search.searchMore()];
    search.setLocation(48, 10);
    search.setCurrentLocation();
    search.setDistance(100);
    return [...cleared, search.search()];
  });
  assert.deepEqual(after, [0, false, false]);
  const lines = a.lines.filter(({ text }) => text.includes("call `setLocation` before"));
  assert.equal(lines.length, 1);
});

test("a search that finds more than an answer holds goes on with an update", async () => {
  const { a } = await two();
  await a.evaluate(async () => {
    const made = (at) =>
      new Promise((resolve) =>
        chat.api.createGroup(`Many ${at}`, 0, (group) => {
          group.addListener({ MesiboProfile_onPublish: resolve });
          group.setSearchable(true);
          group.save();
        }),
      );
    for (let at = 0; at < 52; at += 1) await made(at);
    window.told = [];
    window.search = new MesiboProfileSearch();
    search.setListener({
      Mesibo_onProfileSearchResults: (found) => told.push(["results", found.length]),
      Mesibo_onProfileSearchUpdate: (found) => told.push(["update", found.length]),
    });
    search.enableGroupSearch(true);
    search.setQuery("many");
    search.search();
  });
  await a.until(() => told.length === 1);
  assert.equal(await a.evaluate(() => search.searchMore()), true);
  await a.until(() => told.length === 2);
  const told = await a.evaluate(() => window.told);
  assert.deepEqual(
    told.map(([name]) => name),
    ["results", "update"],
  );
  assert.equal(told[0][1] + told[1][1], 52);
  assert.equal(await a.evaluate(() => search.getLastSearchResult().length), 52);
});

test("no setting of encryption is taken, no key is told, and no listener hears of it", async () => {
  const { bob, a } = await two();
  const said = await a.evaluate(async (peer) => {
    const heard = [];
    const note = {
      Mesibo_onEndToEndEncryption: (...all) => heard.push(all),
      MesiboProfile_onEndToEndEncryption: (...all) => heard.push(all),
    };
    chat.api.addListener(note);
    const profile = chat.api.getProfile(peer, 0);
    profile.addListener(note);
    const setters =
      "enable enableSecureOnly reset setLevel setCiphers setPassword setAuthenticationTaglen " +
      "setAuthenticationData setPrivateCertificate setPeerCertificate setConfig";
    const texts =
      "getPublicCertificate getPeerCertificateOrg getPeerCertificateCommonName getFingerprint " +
      "getUserFingerprint getFingerprintPart";
    const taken = [];
    for (const e2ee of [chat.api.e2ee(), profile.e2ee()]) {
      for (const name of setters.split(" ")) if (e2ee[name](true, "x") !== false) taken.push(name);
      for (const name of texts.split(" ")) if (e2ee[name](peer, 0) !== null) taken.push(name);
      if (e2ee.isEnabled() || e2ee.isActive(peer) || e2ee.getStatus(peer) !== 0) taken.push("is");
    }
    const same = chat.api.e2ee() === chat.api.e2ee() && profile.e2ee() === profile.e2ee();
    profile.newMessage().send();
    await new Promise((resolve) => setTimeout(resolve));
    return { taken, same, heard };
  }, bob.address);
  assert.deepEqual(said, { taken: [], same: true, heard: [] });
  assert.ok(a.lines.some(({ text }) => text.includes("end-to-end encryption is not part of")));
  covers("Mesibo_onEndToEndEncryption", "MesiboProfile_onEndToEndEncryption");
});

test("old names of settings are the new ones, and settings answer as documented", async () => {
  const { bob, a } = await two();
  const said = await a.evaluate((peer) => {
    const { api } = chat;
    return {
      http: api.createHttpRequest() instanceof MesiboHttp,
      version: [api.version() === Mesibo.version(), /^\d+\.\d+\.\d+/.test(api.version())],
      configuration: [api.setConfiguration(1, 30), api.setConfiuration(1, 30)],
      target: api.setOnlinestatusTarget(0),
      policy: api.setMessageRetractionPolicy(MESIBO_RETRACT_WIPE),
      transient: [api.subscribeTransient([peer], 0, 0, 60), api.subscribeTransient([""], 0, 0, 60)],
    };
  }, bob.address);
  assert.deepEqual(said, {
    http: true,
    version: [true, true],
    configuration: [undefined, undefined],
    target: undefined,
    policy: 0,
    transient: [0, 133],
  });
});

test("an old name of the audience narrows who sees one online, as the new one does", async () => {
  const { ada, a, b } = await two();
  await b.until((peer) => chat.api.getProfile(peer, 0).isOnline(), ada.address);
  await a.evaluate(() => chat.api.setOnlinestatusTarget(MESIBO_GROUP_CONTACTS));
  await b.until((peer) => !chat.api.getProfile(peer, 0).isOnline(), ada.address);
  await a.evaluate(() => chat.api.setOnlinestatusTarget(0));
  await b.until((peer) => chat.api.getProfile(peer, 0).isOnline(), ada.address);
});

test("a stranger asked for by name is seen online and offline, without being a contact", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const b = await world.visit(bob, "chat.html");
  await online(b);
  const asked = await b.evaluate((peer) => {
    const result = chat.api.subscribeTransient([peer], 0, 0, 60);
    const profile = chat.api.getProfileIfExists(peer, 0);
    return [
      result,
      profile.subscribeTransient(0, 0, 60),
      profile.isContact(),
      profile.isSubscribed(),
    ];
  }, ada.address);
  assert.deepEqual(asked, [0, 0, false, false]);
  const a = await world.visit(ada, "chat.html");
  await online(a);
  await b.until((peer) => chat.api.getProfile(peer, 0).isOnline(), ada.address);
  await a.evaluate(() => chat.api.stop());
  await b.until((peer) => !chat.api.getProfile(peer, 0).isOnline(), ada.address);
  assert.equal(
    await b.evaluate(() => chat.api.getProfile(null, 7).subscribeTransient(0, 0, 60)),
    128,
  );
});

test("a profile is found by its number, says whether it is recent and live, and no call is on", async () => {
  const { bob, a } = await two();
  const said = await a.evaluate((peer) => {
    const profile = chat.api.getProfile(peer, 0);
    const before = profile.isUpdateRealtime();
    profile.setContact(true);
    profile.save();
    const recent = [profile.isSyncedProfileRecent()];
    profile.setRecent(true);
    recent.push(profile.isSyncedProfileRecent());
    profile.setRecent(false);
    const m = profile.newMessage();
    m.message = "now recent";
    m.send();
    recent.push(profile.isSyncedProfileRecent());
    return {
      found: MesiboProfile.get(profile.getHashCode()) === profile,
      none: MesiboProfile.get(1),
      realtime: [before, profile.isUpdateRealtime()],
      recent,
      calls: [
        profile.isCallInProgress(),
        profile.isCallInProgres(),
        profile.isVideoCallInProgress(),
        profile.isVoiceCallInProgress(),
      ],
    };
  }, bob.address);
  assert.deepEqual(said, {
    found: true,
    none: null,
    realtime: [false, true],
    recent: [false, true, true],
    calls: [false, false, false, false],
  });
});

test("access levels: who was given one sees the value, until it is reset or taken away", async () => {
  const { ada, bob, a, b } = await two();
  const published = (page, act, argument) =>
    page.evaluate(
      `new Promise((resolve) => {
        const listener = { MesiboProfile_onPublish: (p, ok) => (chat.api.removeListener(listener), resolve(ok)) };
        chat.api.addListener(listener);
        (${act})(${JSON.stringify(argument ?? null)});
      })`,
    );
  const sees = (page, value) =>
    page.until(
      ([peer, value]) => chat.api.getProfile(peer, 0).getString("phone", "hidden") === value,
      [ada.address, value],
    );
  await b.evaluate((peer) => {
    const profile = chat.api.getProfile(peer, 0);
    profile.subscribe(true);
    profile.save();
  }, ada.address);
  await published(a, () => {
    const own = chat.api.getSelfProfile();
    own.setString("city", "Ulm");
    own.setString("phone", "4711", 3);
    own.setSyncType(MESIBO_SYNCTYPE_REALTIME);
    own.save();
  });
  await b.until((peer) => chat.api.getProfile(peer, 0).getString("city") === "Ulm", ada.address);
  assert.equal(
    await b.evaluate(
      (peer) => chat.api.getProfile(peer, 0).getString("phone", "hidden"),
      ada.address,
    ),
    "hidden",
  );
  // Given by a synchroniser.
  await a.evaluate((peer) => {
    const sync = new MesiboContactSynchronizer();
    sync.setContact(true);
    sync.setProfileAccessLevels([3]);
    sync.sync([peer]);
  }, bob.address);
  await sees(b, "4711");
  await a.evaluate((peer) => {
    const profile = chat.api.getProfile(peer, 0);
    profile.requestProfileRemoval(true);
    profile.save();
  }, bob.address);
  await sees(b, "hidden");
  await a.evaluate((peer) => {
    const profile = chat.api.getProfile(peer, 0);
    profile.requestProfileRemoval(false);
    profile.save();
  }, bob.address);
  await published(a, () => {
    chat.api.getSelfProfile().resetAccessLevels();
    chat.api.getSelfProfile().save();
  });
  await sees(b, "4711");
});

test("who is told of a changed profile is what its sync type says; the others see it at their next start", async () => {
  const [ada, bob, carol, dave] = await world.people("ada", "bob", "carol", "dave");
  const open = (who) => world.visit(who, "chat.html", { start: false });
  const [a, b, c, d] = await Promise.all([ada, bob, carol, dave].map(open));
  // Connected, and seen by nobody.
  await d.evaluate(() => chat.api.setOnlineStatusMode(MESIBO_ONLINEMODE_MANUAL));
  const watchers = [b, c, d];
  const start = (page) =>
    page.evaluate((peer) => {
      chat.start();
      chat.api.getProfile(peer, 0);
    }, ada.address);
  await Promise.all([a, ...watchers].map(start));
  await Promise.all([a, ...watchers].map(online));
  const name = (page) =>
    page.evaluate((peer) => chat.api.getProfile(peer, 0).getName(), ada.address);
  for (const page of watchers) {
    await page.until((peer) => chat.api.getProfile(peer, 0).getName() === "ada", ada.address);
  }
  // Bob is somebody ada talks with.
  await send(b, ada, ["hello"]);
  await arrived(a, 1);
  let messages = 0;
  const told = async (type, text) => {
    await a.evaluate(
      ([type, text]) =>
        new Promise((resolve) => {
          const listener = {
            MesiboProfile_onPublish(profile, ok) {
              chat.api.removeListener(listener);
              resolve(ok);
            },
          };
          chat.api.addListener(listener);
          const own = chat.api.getSelfProfile();
          own.setSyncType(globalThis[`MESIBO_SYNCTYPE_${type}`]);
          own.setName(text);
          own.save();
        }),
      [type, text],
    );
    // What was to be told is told before what is sent now. Nobody else is talked with by that.
    messages += 1;
    await a.evaluate(
      (peers) => peers.map((peer) => chat.api.getProfile(peer, 0).newPresence().send(300, 1, 1)),
      [bob, carol, dave].map(({ address }) => address),
    );
    for (const page of watchers) {
      await page.until((count) => chat.seen.presence.length >= count, messages);
    }
    return Promise.all(watchers.map(async (page) => (await name(page)) === text));
  };
  for (const page of watchers) {
    // Only those of the test's own.
    await page.evaluate(() => {
      chat.listener.Mesibo_onPresence = (p) =>
        p.presence === 300 && chat.seen.presence.push(p.peer);
      chat.seen.presence.length = 0;
    });
  }
  assert.deepEqual(await told("REALTIME", "Ada to all"), [true, true, true]);
  assert.deepEqual(await told("LAZY", "Ada to nobody"), [false, false, false]);
  assert.deepEqual(await told("ONLINEONLY", "Ada to who is online"), [true, true, false]);
  assert.deepEqual(await told("RECENTONLY", "Ada to bob"), [true, false, false]);
  await c.reload();
  await start(c);
  await c.until((peer) => chat.api.getProfile(peer, 0).getName() === "Ada to bob", ada.address);
});
