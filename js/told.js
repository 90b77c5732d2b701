// Calling the page: listeners are any object, looked up when the event happens, under every
// spelling; one that throws does no harm.

// Whose callback it is, as `src/api/listener.rs` counts; the newer spelling first.
const SPELLINGS = [
  ["Mesibo_on", "Mesibo_On", "mesibo_on", "mesibo_On"],
  ["MesiboProfile_on", "MesiboProfile_On"],
  ["MesiboGroupcall_On", "MesiboGroupCall_On", "MesiboGroupcall_on", "MesiboGroupCall_on"],
  ["Mesibo_On", "mesibo_On"],
  ["MesiboGroupcallAdmin_On", "MesiboGroupCallAdmin_On", "MesiboGroupcallAdmin_on"],
];
/** Of a group call. */
export const GROUP_CALL = 2;

/** The first method of this name that the listener has. */
export function methodOf(listener, whose, name) {
  for (const spelling of SPELLINGS[whose]) {
    try {
      const method = Reflect.get(Object(listener), spelling + name);
      if (typeof method === "function") return method;
    } catch {
      // A getter of the page that throws is no method.
    }
  }
}

/** Calls a function of the page. What it throws or rejects with goes to the console. */
export function callPage(method, self, values) {
  const report = (error) => console.error("mesibo: a callback of the page failed:", error);
  try {
    const answer = Reflect.apply(method, self, values);
    if (answer instanceof Promise) answer.catch(report);
    return answer;
  } catch (error) {
    report(error);
  }
}

/** Calls the first of the callback's spellings that the listener has; a bare function directly. */
export function tellListener(listener, name, ...values) {
  const own = typeof listener === "function";
  const method = own ? listener : methodOf(listener, 0, name);
  if (method) callPage(method, own ? undefined : listener, values);
}
