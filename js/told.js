// Calling listeners that the page gave to an object of JavaScript: as the engine calls its own.

/** Calls the first of the callback's spellings that the listener has; a bare function directly. */
export function tellListener(listener, name, ...values) {
  const names = [`Mesibo_on${name}`, `Mesibo_On${name}`, `mesibo_on${name}`, `mesibo_On${name}`];
  const own = typeof listener === "function";
  const lookUp = (n) => (listener ? Reflect.get(Object(listener), n) : undefined);
  const method = own ? listener : lookUp(names.find((n) => typeof lookUp(n) === "function"));
  const report = (error) => console.error("mesibo: a callback of the page failed:", error);
  try {
    method?.apply(own ? undefined : listener, values)?.catch?.(report);
  } catch (error) {
    report(error);
  }
}
