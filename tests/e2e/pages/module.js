// The ES package, as it is served.
import init from "/sdk/index.js";

const before = Object.keys(globalThis).filter((name) => /^mesibo/i.test(name));
const { Mesibo } = await init();
// What the page script expects of a classic page.
globalThis.Mesibo = Mesibo;
await import("/test/chat.js");
globalThis.chat.globalsBeforeInit = before;
