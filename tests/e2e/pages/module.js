// The ES package, as it is served.
import init, * as mesibo from "/sdk/index.js";

const before = Object.keys(globalThis).filter((name) => /^mesibo/i.test(name));
await init();
// What the page script expects of a classic page.
globalThis.Mesibo = mesibo.Mesibo;
await import("/test/chat.js");
globalThis.chat.globalsBeforeInit = before;
