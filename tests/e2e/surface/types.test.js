// The types of the package against the running code and against the names of the API.
import assert from "node:assert/strict";
import { join } from "node:path";
import { before, test } from "node:test";
import ts from "typescript";
import { HEIRS, keyOf, names } from "../coverage/coverage.js";
import { pending } from "../coverage/pending.js";
import { root } from "../harness/environment.js";
import { World } from "../harness/world.js";

const world = World.forThisFile();
const file = join(root, "js/index.d.ts");

/** `{name: {kind: "method"|"static"|"field"|"accessor", least, most}}` of one class or interface. */
function membersOf(checker, declaration) {
  const all = {};
  for (const member of declaration.members) {
    if (!member.name) continue;
    const name = member.name.getText();
    const isStatic = (ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Static) !== 0;
    const isMethod = ts.isMethodDeclaration(member) || ts.isMethodSignature(member);
    const accessor = ts.isGetAccessor(member) || ts.isSetAccessor(member);
    const key = isStatic ? `static ${name}` : name;
    const before = all[key] ?? { least: Infinity, most: 0 };
    const takes = isMethod ? member.parameters.filter((p) => p.name.getText() !== "this") : [];
    const needed = takes.filter((p) => !p.questionToken && !p.initializer && !p.dotDotDotToken);
    const rest = takes.some((p) => p.dotDotDotToken);
    all[key] = {
      kind: isMethod ? (isStatic ? "static" : "method") : accessor ? "accessor" : "field",
      least: Math.min(before.least, needed.length),
      most: Math.max(before.most, rest ? Infinity : takes.length),
      told: ts.getJSDocCommentsAndTags(member).length > 0,
    };
  }
  return all;
}

/** Classes and interfaces by name, with the members of those they extend. */
function readTypes() {
  const program = ts.createProgram([file], { target: ts.ScriptTarget.ES2022, strict: true });
  const checker = program.getTypeChecker();
  const types = {};
  const visit = (node) => {
    if (!ts.isClassDeclaration(node) && !ts.isInterfaceDeclaration(node)) return;
    const parents = (node.heritageClauses ?? []).flatMap(({ types }) =>
      types.map(({ expression }) => expression.getText()),
    );
    const name = node.name.text;
    const inherited = parents.map((parent) => types[parent]?.members ?? {});
    const own = membersOf(checker, node);
    types[name] = {
      isClass: ts.isClassDeclaration(node) || types[name]?.isClass === true,
      own: { ...types[name]?.own, ...own },
      members: Object.assign({}, types[name]?.members, ...inherited, own),
    };
  };
  // Those that others extend may stand behind them.
  for (let round = 0; round < 3; round += 1) ts.forEachChild(program.getSourceFile(file), visit);
  return types;
}

const types = readTypes();
const api = types.Api.members;
const constants = types.Constants.members;
/** What runs: classes, their methods with lengths, and whether they are static. */
let running;
before(async () => {
  await world.open();
  const nobody = { app: "world", name: "nobody", token: "" };
  const page = await world.visit(nobody, "chat.html", { start: false });
  running = await page.evaluate(() => {
    const known = {};
    const isPublic = (name) => !/^(_|constructor$|free$|prototype$|name$|length$)/.test(name);
    const describe = (object, prefix, into) => {
      for (const name of Object.getOwnPropertyNames(object).filter(isPublic)) {
        const { value, get } = Object.getOwnPropertyDescriptor(object, name);
        const kind = typeof value === "function" ? "function" : get ? "accessor" : "data";
        into[`${prefix}${name}`] ??= { kind, length: value?.length };
      }
    };
    for (const name of Object.getOwnPropertyNames(globalThis)) {
      if (!/^Mesibo/.test(name)) continue;
      const methods = (known[name] = {});
      for (let at = globalThis[name]; at !== Function.prototype; at = Object.getPrototypeOf(at)) {
        describe(at, "static ", methods);
      }
      for (let at = globalThis[name].prototype; at !== Object.prototype;) {
        describe(at, "", methods);
        at = Object.getPrototypeOf(at);
      }
    }
    return known;
  });
});

const excused = (entry) => pending(keyOf(entry));
const declared = (owner) => types[owner]?.members ?? {};
/** What the types say of a name: of its class, or of one that has it for it. */
const found = ({ owner, name, kind }) =>
  [owner, ...(HEIRS[owner] ?? [])]
    .map((each) => declared(each)[kind === "static" ? `static ${name}` : name])
    .find(Boolean);

test("every name of the API is in the types, as what it is", () => {
  const missing = [];
  for (const entry of names) {
    if (excused(entry)) continue;
    const { kind, name } = entry;
    const isThere = {
      constant: () => constants[name],
      class: () => api[name],
      function: () => api[name],
      "no global": () => !api[name],
      method: () => found(entry)?.kind === "method",
      static: () => found(entry)?.kind === "static",
      field: () => ["field", "accessor"].includes(found(entry)?.kind),
      callback: () =>
        ["", "Profile", "GroupCall", "GroupCallAdmin"].some(
          (whose) => declared(`Mesibo${whose}Listener`)[name],
        ),
    }[kind];
    if (!isThere()) missing.push(`${kind === "static" ? "" : kind} ${keyOf(entry)}`.trim());
  }
  assert.deepEqual(missing, []);
});

test("the types of the constants are their values", async () => {
  const { constants: values } = await import(join(root, "js/constants.js"));
  assert.deepEqual(Object.keys(constants).sort(), Object.keys(values).sort());
});

test("nothing in the types is missing at run time: static or not, with as many parameters", () => {
  const wrong = [];
  for (const [name, methods] of Object.entries(running)) {
    for (const [member, { kind, least, most }] of Object.entries(declared(name))) {
      if (kind === "field") continue; // Of an object, not of its class.
      const real = methods[member];
      if (!real) wrong.push(`${name}.${member} does not exist`);
      else if (kind === "accessor") {
        if (real.kind !== "accessor") wrong.push(`${name}.${member} is a ${real.kind}`);
      } else if (real.kind !== "function") wrong.push(`${name}.${member} is a ${real.kind}`);
      else if (real.length > most)
        wrong.push(`${name}.${member} takes ${real.length}, the types say ${least} to ${most}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test("nothing that runs is missing in the types", () => {
  const missing = [];
  for (const [name, methods] of Object.entries(running)) {
    if (!api[name]) missing.push(name);
    for (const member of Object.keys(methods)) {
      if (!declared(name)[member]) missing.push(`${name}.${member}`);
    }
  }
  assert.deepEqual(missing, []);
});
