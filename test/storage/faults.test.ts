// Faults: each planned fault comes at its call, with its effect or without, and only once.

import { expect, test } from "bun:test";

import { hexOf } from "../../src/base/bytes.ts";
import { BunkerError } from "../../src/base/errors.ts";
import { type Fault, faultStorage } from "../../src/storage/faults.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { nameFor } from "./naming.ts";
import { failureOf, namesOf, numbered, storageSuite } from "./suite.ts";

storageSuite("faultless faults", async () => {
  const inner = memoryStorage();
  return {
    storage: faultStorage(inner, []).storage,
    plant: async (name, bytes) => inner.plant(name, bytes),
    [Symbol.asyncDispose]: () => inner.close(),
  };
});

const OBJECTS = numbered(4).map((bytes) => ({ name: nameFor(bytes, "p/"), bytes }));
const [FIRST, SECOND] = [OBJECTS[0]!, OBJECTS[1]!];

function withFaults(...faults: Fault[]) {
  const inner = memoryStorage();
  for (const { name, bytes } of OBJECTS) inner.plant(name, bytes);
  return { inner, ...faultStorage(inner, faults) };
}

test("fails before or after the effect of the n-th call", async () => {
  for (const [what, isGone] of [
    ["before", false],
    ["after", true],
  ] as const) {
    const { storage, inner, assertAllFired } = withFaults({ kind: "delete", nth: 2, what });
    await storage.delete(FIRST.name);
    expect(assertAllFired).toThrow("never came to pass");
    await failureOf("unavailable", storage.delete(SECOND.name));
    expect((await inner.get(SECOND.name)) === undefined).toBe(isGone);
    assertAllFired();
    await storage.delete(SECOND.name);
  }
});

test("counts only calls of its kind and prefix", async () => {
  const { storage, callCount } = withFaults({ kind: "get", prefix: "q/", nth: 2, what: "before" });
  const other = nameFor(FIRST.bytes, "q/");
  await storage.get(FIRST.name);
  await storage.get(other);
  await storage.delete(other);
  await storage.get(FIRST.name);
  await failureOf("unavailable", storage.get(other));
  expect(callCount()).toBe(5);
});

test("brings wrong bytes and half objects", async () => {
  const { storage } = withFaults(
    { kind: "get", nth: 1, what: "wrong-bytes" },
    { kind: "get", nth: 2, what: "truncated" },
  );
  const wrong = (await storage.get(FIRST.name))!;
  expect(wrong.length).toBe(FIRST.bytes.length);
  expect(wrong.filter((byte, i) => byte !== FIRST.bytes[i])).toHaveLength(1);
  expect(await storage.get(FIRST.name)).toHaveLength(50);
  expect(hexOf((await storage.get(FIRST.name))!)).toBe(hexOf(FIRST.bytes));
});

test("stores wrong bytes and half objects", async () => {
  for (const what of ["wrong-bytes", "truncated"] as const) {
    const { storage, inner } = withFaults({ kind: "put", nth: 1, what });
    const name = nameFor(FIRST.bytes, "q/");
    await storage.put(name, FIRST.bytes);
    const stored = (await inner.get(name))!;
    expect(stored).toHaveLength(what === "truncated" ? 50 : 100);
    expect(hexOf(stored)).not.toBe(hexOf(FIRST.bytes));
  }
});

test("fails lists at the beginning, at the end, and cuts them", async () => {
  const { storage } = withFaults(
    { kind: "list", nth: 1, what: "before" },
    { kind: "list", nth: 2, what: "after" },
    { kind: "list", nth: 3, what: "truncated" },
  );
  await failureOf("unavailable", namesOf(storage));
  const seen: string[] = [];
  const run = async () => {
    for await (const { name } of storage.list("")) seen.push(name);
  };
  await failureOf("unavailable", run());
  expect(seen).toHaveLength(4);
  expect(await namesOf(storage)).toEqual(seen.slice(0, 2));
  expect(await namesOf(storage)).toEqual(seen);
});

test("is full, or fails with the error that was asked for", async () => {
  const error = new BunkerError("denied", "a cap was reached");
  const { storage, inner } = withFaults(
    { kind: "put", nth: 1, what: "full" },
    { kind: "put", nth: 2, what: "before", error },
  );
  const name = nameFor(FIRST.bytes, "q/");
  await failureOf("full", storage.put(name, FIRST.bytes));
  expect(await failureOf("denied", storage.put(name, FIRST.bytes))).toBe(error);
  expect(await inner.get(name)).toBeUndefined();
});

test("after a crash nothing has an effect any more", async () => {
  const { storage, inner } = withFaults({ kind: "any", nth: 2, what: "after", crash: true });
  await storage.get(FIRST.name);
  await failureOf("unavailable", storage.delete(FIRST.name));
  expect(await inner.get(FIRST.name)).toBeUndefined();
  await failureOf("interrupted", storage.delete(SECOND.name));
  await failureOf("interrupted", namesOf(storage));
  expect(await inner.get(SECOND.name)).toBeDefined();
});

test("refuses plans that make no sense", () => {
  const inner = memoryStorage();
  expect(() => faultStorage(inner, [{ kind: "get", nth: 0, what: "before" }])).toThrow();
  expect(() => faultStorage(inner, [{ kind: "delete", nth: 1, what: "truncated" }])).toThrow();
  expect(() => faultStorage(inner, [{ kind: "list", nth: 1, what: "wrong-bytes" }])).toThrow();
});
