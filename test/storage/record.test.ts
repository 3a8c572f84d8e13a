// Record: the contract through the decorator, and what it writes down.

import { expect, test } from "bun:test";

import { memoryStorage } from "../../src/storage/memory.ts";
import { recordStorage } from "../../src/storage/record.ts";
import { nameFor } from "./naming.ts";
import { failureOf, namesOf, numbered, storageSuite } from "./suite.ts";

storageSuite("recorded memory", async () => {
  const inner = memoryStorage();
  return {
    storage: recordStorage(inner).storage,
    plant: async (name, bytes) => inner.plant(name, bytes),
    [Symbol.asyncDispose]: () => inner.close(),
  };
});

test("writes down every call with its bytes", async () => {
  const { storage, calls, count } = recordStorage(memoryStorage());
  const objects = numbered(3);
  for (const bytes of objects) await storage.put(nameFor(bytes, "p/"), bytes);
  const name = nameFor(objects[0]!, "p/");
  await storage.get(name, { range: { offset: 90, length: 20 } });
  await storage.get(nameFor(objects[0]!, "q/"));
  await namesOf(storage, "p/");
  await failureOf("denied", storage.setLock(name, { mode: "compliance", until: 1 }, "v"));
  await storage.delete(name);
  await storage.serverTime();
  expect(calls.map(({ kind, bytes, items, failed }) => [kind, bytes, items, failed])).toEqual([
    ["put", 100, 0, false],
    ["put", 100, 0, false],
    ["put", 100, 0, false],
    ["get", 10, 0, false],
    ["get", 0, 0, false],
    ["list", 0, 3, false],
    ["setLock", 0, 0, true],
    ["delete", 0, 0, false],
    ["serverTime", 0, 0, false],
  ]);
  expect(calls[3]!.range).toEqual({ offset: 90, length: 20 });
  expect(calls[6]!.versionId).toBe("v");
  expect([count(), count("put"), count("get", "q/"), count(undefined, "p/")]).toEqual([9, 3, 1, 7]);
});

test("counts a list once it is begun", async () => {
  const { storage, calls } = recordStorage(memoryStorage());
  const list = storage.list("p/");
  expect(calls).toHaveLength(0);
  await Array.fromAsync(list);
  expect(calls).toHaveLength(1);
});
