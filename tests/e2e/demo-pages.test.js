// The demo pages: usable by everybody, on every screen, in the dark too.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { root } from "./harness/environment.js";
import { World } from "./harness/world.js";

const world = World.forThisFile();
const AXE = readFileSync(join(root, "node_modules/axe-core/axe.min.js"), "utf8");
const SCREENS = { phone: { width: 360, height: 740 }, desktop: { width: 1280, height: 800 } };

let pages;
before(async () => {
  await world.open();
  const people = await world.people("ada", "bob", "carol");
  const gid = await world.app.addGroup(
    "Demo room",
    people.map((person) => person.address),
  );
  const [ada, bob, carol] = people;
  const me = `app=world&token=${ada.token}&name=Ada`;
  const others = `peers=${bob.address}:Bob,${carol.address}:Carol&group=${gid}:Demo%20room`;
  const users = people.map(({ address, name, token }) => ({ address, name, token }));
  const group = { gid, name: "Demo room" };
  const demo = { url: world.server.url, app: "world", users, group };
  pages = {
    landing: `/#demo=${Buffer.from(JSON.stringify(demo)).toString("base64url")}`,
    messenger: `/messenger/#${me}&${others}`,
    conference: `/conference/#${me}&${others}`,
  };
});

for (const name of ["landing", "messenger", "conference"]) {
  for (const scheme of ["light", "dark"]) {
    for (const [screen, viewport] of Object.entries(SCREENS)) {
      test(`the ${name} page is accessible and fits, on a ${screen}, ${scheme}`, async () => {
        const browser = await world.chromium();
        const page = await browser.open(world.server.url + pages[name]);
        await page.raw.setViewportSize(viewport);
        await page.raw.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
        await page.raw.evaluate(AXE);
        const violations = await page.evaluate(async () => {
          const { violations } = await axe.run(document);
          return violations.map((v) => `${v.id}: ${v.nodes.map((node) => node.target).join(" ")}`);
        });
        assert.deepEqual(violations, []);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(wide <= viewport.width, `${wide} px wide on a screen of ${viewport.width}`);
        await page.close();
      });
    }
  }
}
