// The classic script: everything is there when the tag has executed, with no `await`.
//
// Carries its wasm and instantiates it at once (Chromium allows 8 MB on the main thread). Names
// become configurable properties of the global object, never lexical declarations: pages declare
// names of their own.

import { initSync, setDefaultServer } from "mesibo-core";
import wasm from "mesibo-core.wasm";
import { install } from "./install.js";

if ("Mesibo" in globalThis && globalThis.Mesibo?.prototype?.setAccessToken) {
  console.warn("mesibo: the script is loaded twice; the first one stays");
} else {
  const script = globalThis.document?.currentScript?.src ?? globalThis.location?.href;
  try {
    initSync({ module: wasm() });
  } catch (error) {
    console.error("mesibo: WebAssembly is missing: allow 'wasm-unsafe-eval' in script-src", error);
    throw error;
  }
  if (script) setDefaultServer(new URL(script, globalThis.location?.href).origin);
  for (const [name, value] of Object.entries(install())) {
    Object.defineProperty(globalThis, name, {
      value,
      configurable: true,
      writable: true,
      enumerable: false,
    });
  }
}
