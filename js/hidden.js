// What belongs to an object of the page and is not the page's.
//
// Frameworks wrap in proxies what a page keeps in their state, and call methods on those. So these
// fields hang on the object itself, where a proxy finds them and cloning, JSON and enumerating do
// not; a `WeakMap` would not know the proxy, and private fields of classes throw on it.

const HIDDEN = Symbol("mesibo");
/** Of objects that the page froze before they had any. */
const frozen = new WeakMap();

/** The hidden fields of an object, for as long as the object lives. */
export function fieldOf(object) {
  if (Object.hasOwn(object, HIDDEN)) return object[HIDDEN];
  let value = frozen.get(object);
  if (value) return value;
  value = {};
  const property = { value, configurable: true, writable: true };
  if (!Reflect.defineProperty(object, HIDDEN, property)) frozen.set(object, value);
  return value;
}
