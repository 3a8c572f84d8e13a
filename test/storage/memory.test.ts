// Memory storage: the contract in its three forms, and what versions and locks add.

import { describe, expect, test } from "bun:test";

import { hexOf } from "../../src/base/bytes.ts";
import type { World } from "../../src/base/world.ts";
import { type MemoryOptions, memoryStorage } from "../../src/storage/memory.ts";
import { nameFor } from "./naming.ts";
import { failureOf, namesOf, numbered, storageSuite } from "./suite.ts";

for (const options of [{}, { versions: true }, { versions: true, locks: true }] as const) {
  storageSuite(`memory ${JSON.stringify(options)}`, async () => {
    const storage = memoryStorage(undefined, options);
    return {
      storage,
      plant: async (name, bytes) => storage.plant(name, bytes),
      [Symbol.asyncDispose]: () => storage.close(),
    };
  });
}

const BYTES = numbered(1)[0]!;
const NAME = nameFor(BYTES);

function lockable(options: MemoryOptions = { versions: true, locks: true }) {
  let time = 1000;
  const world: World = {
    now: () => time,
    random: (byteCount) => new Uint8Array(byteCount).fill(7),
    sleep: () => Promise.resolve(),
  };
  const storage = memoryStorage(world, options);
  return { storage, setTime: (milliseconds: number) => (time = milliseconds) };
}

describe("memory: versions", () => {
  test("keeps every put, newest first, and gets each by its id", async () => {
    const { storage, setTime } = lockable();
    storage.plant(NAME, new Uint8Array(3));
    setTime(2000);
    await storage.put(NAME, BYTES);
    setTime(3000);
    await storage.put(NAME, BYTES);
    const versions = await Array.fromAsync(storage.listVersions(""));
    expect(versions.map(({ modified, latest, bytes }) => [modified, latest, bytes])).toEqual([
      [3000, true, 100],
      [2000, false, 100],
      [1000, false, 3],
    ]);
    expect(new Set(versions.map(({ versionId }) => versionId)).size).toBe(3);
    const { versionId } = versions[2]!;
    expect(hexOf((await storage.get(NAME, { versionId }))!)).toBe("000000");
    await storage.delete(NAME, versions[0]!.versionId);
    expect(await Array.fromAsync(storage.listVersions(""))).toHaveLength(2);
    storage.vanish(NAME);
    expect(await Array.fromAsync(storage.listVersions(""))).toEqual([]);
  });

  test("without versions, wrong bytes go aside", async () => {
    const storage = memoryStorage();
    storage.plant(NAME, new Uint8Array(3));
    await storage.put(NAME, BYTES);
    expect(storage.aside.map(({ name, bytes }) => [name, bytes.length])).toEqual([[NAME, 3]]);
  });
});

describe("memory: locks", () => {
  test("a locked version can't be deleted before its date, but hidden", async () => {
    const { storage, setTime } = lockable();
    await storage.put(NAME, BYTES, { lock: { mode: "compliance", until: 5000 } });
    const [{ versionId } = { versionId: "" }] = await Array.fromAsync(storage.listVersions(""));
    await failureOf("denied", storage.delete(NAME, versionId));
    await storage.delete(NAME);
    expect(await namesOf(storage)).toEqual([]);
    expect(await storage.lockOf(NAME)).toBeUndefined();
    expect(await storage.lockOf(NAME, versionId)).toEqual({ mode: "compliance", until: 5000 });
    setTime(5000);
    await storage.delete(NAME, versionId);
    expect(await storage.get(NAME, { versionId })).toBeUndefined();
  });

  test("a lock can be made longer, never weaker", async () => {
    const { storage, setTime } = lockable();
    await failureOf("not-found", storage.setLock(NAME, { mode: "compliance", until: 5000 }));
    await storage.put(NAME, BYTES);
    await storage.setLock(NAME, { mode: "governance", until: 4000 });
    await storage.setLock(NAME, { mode: "compliance", until: 5000 });
    await failureOf("denied", storage.setLock(NAME, { mode: "compliance", until: 4999 }));
    await failureOf("denied", storage.setLock(NAME, { mode: "governance", until: 9000 }));
    await storage.setLock(NAME, { mode: "compliance", until: 6000 });
    expect(await storage.lockOf(NAME)).toEqual({ mode: "compliance", until: 6000 });
    setTime(6000);
    await storage.setLock(NAME, { mode: "governance", until: 1 });
  });
});
