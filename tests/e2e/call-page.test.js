// The call window of the messenger: usable by everybody in every state, on every screen, by day and by night.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isAccessibleAndFits, SCREENS } from "./harness/accessible.js";
import { World } from "./harness/world.js";

const world = World.forThisFile();

for (const screen of Object.keys(SCREENS)) {
  test(`a call is made, seen to ring, answered and ended, on a ${screen}`, async () => {
    const people = await world.people("Ada", "Bob");
    const visit = async (who, other) => {
      const address = world.demoAddress("messenger", who, { peers: [other] });
      const { raw } = await world.openPage(address);
      await raw.setViewportSize(SCREENS[screen]);
      await raw.emulateMedia({ reducedMotion: "reduce" });
      return raw;
    };
    const [a, b] = [await visit(...people), await visit(...people.toReversed())];
    const button = (page, name) => page.getByRole("button", { name, exact: true });
    const call = (page, name) => page.getByRole("dialog", { name });
    await a.locator("#conversations .entry").first().click();
    await a.getByText("Online", { exact: true }).waitFor();

    await button(a, "Video call").click();
    await button(b, "Answer with video").waitFor();
    await isAccessibleAndFits(b, "somebody calls");
    await b.keyboard.press("Enter");
    await b.keyboard.press("Escape");
    await call(a, "Bob").getByText("Ringing…").waitFor();
    await isAccessibleAndFits(a, "it rings");
    await button(b, "Answer with video").click();
    for (const page of [a, b]) {
      await page.waitForFunction(() => document.getElementById("remoteVideo")?.videoWidth > 0);
    }
    await isAccessibleAndFits(a, "a video call");
    await button(a, "Mute").click();
    assert.equal(await button(a, "Mute").getAttribute("aria-pressed"), "true");
    await button(b, "Hang up").click();
    for (const page of [a, b]) await page.locator("dialog.call").waitFor({ state: "detached" });

    await button(a, "Voice call").click();
    await button(b, "Answer").click();
    await a.locator("dialog.call.connected").waitFor();
    await isAccessibleAndFits(a, "a voice call");
    await button(a, "Hang up").click();
    for (const page of [a, b]) await page.locator("dialog.call").waitFor({ state: "detached" });
  });
}
