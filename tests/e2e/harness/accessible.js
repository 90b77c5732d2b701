// What every page has to be: usable by everybody, on every screen.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./environment.js";

const AXE = readFileSync(join(root, "node_modules/axe-core/axe.min.js"), "utf8");

export const SCREENS = {
  phone: { width: 360, height: 740 },
  desktop: { width: 1280, height: 800 },
};

/** axe finds nothing, in the dark and in the light, and nothing is wider than the screen. */
export async function isAccessibleAndFits(raw, state) {
  await raw.evaluate(AXE);
  for (const colorScheme of ["dark", "light"]) {
    await raw.emulateMedia({ colorScheme });
    const violations = await raw.evaluate(async () => {
      const { violations } = await axe.run(document);
      return violations.map((v) => `${v.id}: ${v.nodes.map((node) => node.target).join(" ")}`);
    });
    assert.deepEqual(violations, [], `${state}, ${colorScheme}`);
  }
  const [wide, room] = await raw.evaluate(() => [
    document.documentElement.scrollWidth,
    document.documentElement.clientWidth,
  ]);
  assert.ok(wide <= room, `${state}: ${wide} px wide on a screen of ${room}`);
}
