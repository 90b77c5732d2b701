// Where the programs and folders are that the tests use: set by `cargo xtask test`, else looked for.
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const root = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");
const target = resolve(root, process.env.CARGO_TARGET_DIR ?? "target");

/**
 * Longest wait for anything a test waits for, ms. It ends what hangs and says nothing of speed: two
 * cores may build and run three browsers, and CI's have been three times slower than a developer's.
 */
export const DEADLINE_MS = 90_000;

function found(variable, ...candidates) {
  const path = [process.env[variable], ...candidates].find((path) => path && existsSync(path));
  if (!path) throw new Error(`${variable} is not set: run these tests by \`cargo xtask test\``);
  return path;
}

export const serverProgram = () => found("E2E_SERVER", join(target, "debug/mesibo-server"));
export const siteFolder = () => found("E2E_SITE", join(target, "site"));
export const xtaskProgram = () => found("E2E_XTASK", join(target, "debug/xtask"));
export const chromium = () => found("E2E_CHROMIUM", "/usr/bin/chromium");
export const firefox = () => found("E2E_FIREFOX", "/usr/bin/firefox-esr");
export const geckodriver = () =>
  found(
    "E2E_GECKODRIVER",
    join(target, "tools/bin/geckodriver"),
    join(process.env.HOME ?? "/", ".cargo/bin/geckodriver"),
  );
/** Logs of servers and drivers; not committed. */
export const outputFolder = join(root, "tests/e2e/output");
