"use strict";
// Runs in every page of the tests before its scripts: tells which public names the page uses.
//
// Once the SDK's script has run, each public method is replaced by one that tells its name, once,
// and calls it with the same object and arguments. Nothing is added to objects or listeners: a
// callback is seen when the SDK looks it up. Calls from inside the SDK do not count.
{
  const tell = globalThis.__mesiboUsed;
  const told = new Set();
  const known = new Map();
  const OURS = /\/(mesibo(\.[0-9a-f]+)?|index)\.js|wasm:/;
  const CALLBACK =
    /^(mesibo|Mesibo(Profile|Groupcall|GroupCall|GroupcallAdmin|GroupCallAdmin)?)_[oO]n/;

  function say(name) {
    told.add(name);
    tell(name).catch(() => {});
  }

  /** Whether the page itself called: the nearest frame above our own that is not the browser's. */
  function calledByPage() {
    const frames = new Error().stack.split("\n").slice(4);
    const frame = frames.find((line) => !line.endsWith("(<anonymous>)"));
    return frame === undefined || !OURS.test(frame);
  }

  // Methods of the SDK that are running: what they call themselves needs no look at the stack,
  // which takes longer than most of them.
  let running = 0;

  function use(name) {
    if (running === 0 && !told.has(name) && calledByPage()) say(name);
  }

  /** The public class of an object: the nearest of its prototypes that has a name. */
  function classOf(object) {
    for (let at = object; at; at = Object.getPrototypeOf(at)) {
      if (known.has(at)) return known.get(at);
    }
    return null;
  }

  const isPublic = (name) =>
    typeof name === "string" && !/^(_|constructor$|free$|prototype$|name$|length$)/.test(name);

  // Objects whose classes have no global: they are met as what these give.
  const GIVEN = {
    "MesiboMessage.file": "MesiboFile",
    "MesiboMessage.getFile": "MesiboFile",
    "Mesibo.e2ee": "MesiboEndToEndEncryption",
    "MesiboProfile.e2ee": "MesiboEndToEndEncryption",
    "MesiboGroupProfile.e2ee": "MesiboEndToEndEncryption",
    "MesiboSelfProfile.e2ee": "MesiboEndToEndEncryption",
    "MesiboProfile.location": "MesiboProfileLocation",
    "MesiboGroupProfile.location": "MesiboProfileLocation",
    "MesiboSelfProfile.location": "MesiboProfileLocation",
    "Mesibo.getLocationManager": "MesiboLocationManager",
  };
  function given(name, value) {
    const named = GIVEN[name];
    const prototype = named && value && typeof value === "object" && Object.getPrototypeOf(value);
    if (prototype && prototype !== Object.prototype && !known.has(prototype))
      watch(named, prototype);
    return value;
  }

  function replace(object, name, nameFor) {
    const descriptor = Object.getOwnPropertyDescriptor(object, name);
    if (!descriptor.configurable) return;
    const wrap = (method) => {
      if (typeof method !== "function") return method;
      const wrapped = {
        [method.name](...values) {
          const used = nameFor(this);
          use(used);
          running += 1;
          try {
            return given(used, Reflect.apply(method, this, values));
          } finally {
            running -= 1;
          }
        },
      }[method.name];
      return Object.defineProperty(wrapped, "length", { value: method.length });
    };
    for (const part of ["value", "get", "set"]) {
      if (part in descriptor) descriptor[part] = wrap(descriptor[part]);
    }
    Object.defineProperty(object, name, descriptor);
  }

  function watch(className, prototype) {
    known.set(prototype, className);
    for (const name of Object.getOwnPropertyNames(prototype).filter(isPublic)) {
      replace(prototype, name, (self) => `${classOf(self) ?? className}.${name}`);
    }
  }

  function install() {
    const names = Object.getOwnPropertyNames(globalThis).filter((name) =>
      /^Mesibo[A-Z]?/.test(name),
    );
    const classes = names.filter((name) => globalThis[name]?.prototype);
    for (const name of classes) known.set(globalThis[name].prototype, name);
    for (const name of classes) {
      // Between a class and the next one with a name there may be one without: it is the same.
      for (let at = globalThis[name].prototype; at !== Object.prototype;) {
        watch(name, at);
        at = Object.getPrototypeOf(at);
        if (known.has(at)) break;
      }
      const isStatic = (own) => isPublic(own) && typeof globalThis[name][own] === "function";
      for (const own of Object.getOwnPropertyNames(globalThis[name]).filter(isStatic)) {
        replace(globalThis[name], own, () => `static ${name}.${own}`);
      }
    }
    replace(globalThis, "array2String", () => "array2String");
    const get = Reflect.get;
    Reflect.get = function (object, key, ...more) {
      const value = get(object, key, ...more);
      const named = typeof key === "string" && typeof value === "function";
      if (named && !told.has(key) && CALLBACK.test(key)) say(key);
      return value;
    };
  }

  // An element's load event comes right after its script has run, before the next one does.
  document.addEventListener(
    "load",
    ({ target }) => {
      if (known.size === 0 && target.tagName === "SCRIPT" && globalThis.Mesibo) install();
    },
    true,
  );
}
