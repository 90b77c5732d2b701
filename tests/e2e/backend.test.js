// What a backend asks for over HTTP, many at a time as backends do.
import assert from "node:assert/strict";
import { test } from "node:test";
import { World } from "./harness/world.js";

const world = World.forThisFile();

test("users added at the same time are all added, each with an uid and a token of their own", async () => {
  const names = Array.from({ length: 50 }, (_, at) => `together-${at}`);
  const people = await Promise.all(names.map((name) => world.app.addUser(name)));
  assert.deepEqual(
    people.map((person) => person.address),
    names,
  );
  assert.equal(new Set(people.map((person) => person.uid)).size, names.length);
  assert.equal(new Set(people.map((person) => person.token)).size, names.length);
});

test("a user token opens no backend operation, and an operation nobody knows is refused", async () => {
  const [ada] = await world.people("ada");
  const call = (token, op) => world.admin.call({ op, token, user: { address: "x" } });
  await assert.rejects(call(ada.token, "useradd"), (error) => error.answer.error === "AUTHFAIL");
  await assert.rejects(call(world.app.token, "nonsense"), (e) => e.answer.error === "BADOP");
});
