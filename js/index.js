// The ES module: nothing happens at import, `await init()` loads the engine beside it.

import load, { initSync, setDefaultServer } from "mesibo-core";
import { install } from "./install.js";

/**
 * Loads the engine.
 *
 * `source`: URL, `Response`, bytes or a compiled module; default is the .wasm beside this file.
 * `server`: URL of the server; default is the origin of this file.
 *
 * Resolves to the API: `{ Mesibo, MesiboMessage, …, MESIBO_STATUS_ONLINE, … }`.
 */
export async function init(source, { server } = {}) {
  const here = import.meta.url;
  if (
    source instanceof WebAssembly.Module ||
    ArrayBuffer.isView(source) ||
    source instanceof ArrayBuffer
  ) {
    initSync({ module: source });
  } else {
    await load({ module_or_path: source ?? new URL("mesibo_bg.wasm", here) });
  }
  setDefaultServer(server ?? new URL(here).origin);
  return install();
}

export default init;
