// Folder probe: in real folders, one of them full of trouble.

import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";

import { BunkerError } from "../../src/base/errors.ts";
import { openFolderStorage } from "../../src/storage/folder.ts";
import { probeFolder } from "../../src/storage/folder-probe.ts";
import { type CallKind, interceptStorage, type StorageCall } from "../../src/storage/intercept.ts";
import type { ProbeRow } from "../../src/storage/probe.ts";
import type { Storage } from "../../src/storage/storage.ts";
import { seededRandom } from "../support/random.ts";
import { tempDir } from "../support/temp.ts";
import { testWorld } from "../support/world.ts";

/** By a clock of the test, which the folder then seems to have too. */
async function probe(inner: Storage, speed = false) {
  const rows: ProbeRow[] = [];
  const tell = async (row: ProbeRow): Promise<void> => void rows.push(row);
  const world = testWorld(seededRandom(1));
  const storage = interceptStorage(inner, {
    call: <T>(call: StorageCall, run: () => Promise<T>) =>
      call.kind === "serverTime" ? Promise.resolve(world.now() as T) : run(),
    listing: (_call, run) => run(),
  });
  const { badCount, wasRefused } = await probeFolder({ storage, world, speed, tell });
  const bad = rows.filter(({ judgement }) => judgement === "bad").map(({ what }) => what);
  return { rows, bad, badCount, wasRefused };
}

test("a folder that works: nothing is bad, and nothing is left in it", async () => {
  using temp = tempDir();
  const storage = await openFolderStorage(temp.path);
  const { rows, bad } = await probe(storage, true);
  expect(bad).toEqual([]);
  const warned = rows.filter(({ judgement }) => judgement === "warn");
  expect(warned.map(({ what }) => what)).toEqual(["versions and locks"]);
  const rates = rows.flatMap(({ bytesPerSecond }) => bytesPerSecond ?? []);
  expect(rates.length).toBe(2);
  expect(Math.min(...rates)).toBeGreaterThan(0);
  expect(readdirSync(temp.path).filter((name) => name !== "tmp")).toEqual([]);
});

test("a folder that can't be written to was refused", async () => {
  using temp = tempDir();
  const storage = refusing(await openFolderStorage(temp.path), "put");
  const { bad, wasRefused } = await probe(storage);
  expect(bad).toEqual(["put"]);
  expect(wasRefused).toBe(true);
});

test("a folder that lists nothing, or gives other bytes, is bad", async () => {
  using temp = tempDir();
  const storage = interceptStorage(await openFolderStorage(temp.path), {
    async call(call, run) {
      const result = await run();
      if (result instanceof Uint8Array) result[0]! ^= 1;
      return result;
    },
    listing: async function* () {},
  });
  expect((await probe(storage)).bad).toEqual(["get", "get a part", "list what is new"]);
});

function refusing(storage: Storage, kind: CallKind): Storage {
  return interceptStorage(storage, {
    call: (call, run) =>
      call.kind === kind ? Promise.reject(new BunkerError("denied", "read-only")) : run(),
    listing: (_call, run) => run(),
  });
}
