// A dry run: counts what a backup would read and store, and leaves no trace.

import { expect, test } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";
import { textOf } from "../../src/base/bytes.ts";
import { type MemoryStorage, memoryStorage } from "../../src/storage/memory.ts";
import type { Storage } from "../../src/storage/storage.ts";
import { unchangingStorage } from "../../src/storage/unchanging.ts";
import { forgetfulRoot } from "../../src/store/forgetful.ts";
import { writeTree } from "../support/files.ts";
import { backUp, rehearse, workerLanes } from "../support/jobs.ts";
import { type MemoryRoot, memoryRoot } from "../support/local.ts";
import { seededRandom } from "../support/random.ts";
import { Client, makeStore } from "../support/store.ts";
import { tempDir } from "../support/temp.ts";

/** All that a machine remembers of its stores, its cache apart. */
function remembered(local: MemoryRoot, id: string): unknown {
  return [local.root, local.state(id)].map(({ files }) =>
    [...files].map(([name, bytes]) => [name, Buffer.from(bytes).toString("latin1")]),
  );
}

async function storedIn(storage: Storage): Promise<string[]> {
  const names: string[] = [];
  for await (const { name, bytes } of storage.list("")) names.push(`${name} ${bytes}`);
  return names.sort();
}

/** Opens the store as a dry run does, on the same machine. */
function opened(client: Client, local: MemoryRoot, storage: MemoryStorage) {
  const dry = new Client({ local: forgetfulRoot(local), label: client.label });
  return dry.open(unchangingStorage(storage)).then((store) => ({ dry, store }));
}

test("what it counts is what a backup then stores, and it stores nothing", async () => {
  using temp = tempDir();
  const random = seededRandom(5);
  const content = ["a", "b", "c/d", "c/e"].map((name) => [name, random.bytes(100_000)] as const);
  writeTree(temp.path, Object.fromEntries(content));
  const storage = memoryStorage();
  await makeStore(storage);
  const local = memoryRoot();
  const client = new Client({ local });
  const before = await storedIn(storage);
  const { dry, store } = await opened(client, local, storage);
  const first = await rehearse(dry, store, [temp.path]);
  expect(await storedIn(storage)).toEqual(before);

  const real = await client.open(storage);
  const id = Buffer.from(real.keys.storeId).toString("hex");
  const made = await backUp(client, real, [temp.path]);
  expect(first.counts).toEqual(made.counts);
  expect(first.counts.storedBytes).toBeGreaterThan(400_000);

  // The second time all is known; then one file is new, and one has changed.
  const after = { stored: await storedIn(storage), remembered: remembered(local, id) };
  const states = (): string[] => local.cache(id).list().sort();
  const cached = states();
  const rehearseAgain = async () => {
    const again = await opened(client, local, storage);
    const read: string[] = [];
    const onRead = (event: { metadata: { name: Uint8Array } }) =>
      void read.push(textOf(event.metadata.name));
    const result = await rehearse(again.dry, again.store, [temp.path], { options: { onRead } });
    return { ...result, read };
  };
  const second = await rehearseAgain();
  expect(second.counts).toMatchObject({ files: 4, newBlobs: 0, storedBytes: 0 });
  expect(second).toMatchObject({ unchangedFiles: 4, read: [], written: { packs: 0 } });
  fs.writeFileSync(join(temp.path, "c/e"), "changed");
  fs.writeFileSync(join(temp.path, "c/f"), "new");
  const third = await rehearseAgain();
  expect(third.read).toEqual(["e", "f"]);
  expect(third.counts.files).toBe(5);
  expect(third.counts.newBlobs).toBeGreaterThan(2);
  expect(third.problems).toEqual([]);
  expect(await storedIn(storage)).toEqual(after.stored);
  expect(remembered(local, id)).toEqual(after.remembered);
  expect(states()).toEqual(cached);
  const fourth = await rehearseAgain();
  expect(fourth.read).toEqual(third.read);
});

test("lanes in Workers count too", async () => {
  using temp = tempDir();
  const random = seededRandom(6);
  const names = Array.from({ length: 24 }, (_, i) => `f${i}`);
  writeTree(temp.path, Object.fromEntries(names.map((name) => [name, random.bytes(900_000)])));
  const storage = memoryStorage();
  await makeStore(storage);
  const local = memoryRoot();
  const { dry, store } = await opened(new Client({ local }), local, storage);
  const before = await storedIn(storage);
  const lanes = workerLanes(2);
  const result = await rehearse(dry, store, [temp.path], { lanes, packBytes: 4 * 1024 * 1024 });
  expect(lanes.spawned()).toBe(2);
  expect(result.counts.storedBytes).toBeGreaterThan(24 * 900_000);
  expect(result.written.packs).toBeGreaterThan(4);
  expect(await storedIn(storage)).toEqual(before);
});

test("an unchanging storage takes nothing, and gives all", async () => {
  const inner = memoryStorage();
  await makeStore(inner);
  const before = await storedIn(inner);
  const [first = ""] = before.map((line) => line.split(" ")[0]!);
  const storage = unchangingStorage(inner);
  const denied: unknown = expect.objectContaining({ code: "denied" });
  await expect(storage.put(first, Uint8Array.of(2))).rejects.toEqual(denied);
  await expect(storage.delete(first)).rejects.toEqual(denied);
  expect((await storage.get(first))?.length).toBeGreaterThan(0);
  expect(await storedIn(storage)).toEqual(before);
});

test("a forgetful folder reads what was written to it, and writes nothing", () => {
  const inner = memoryRoot();
  inner.state("id").write("kept", [Uint8Array.of(1)]);
  inner.state("id").write("old", [Uint8Array.of(2)]);
  const folder = forgetfulRoot(inner).state("id");
  folder.write("new", [Uint8Array.of(3), Uint8Array.of(4)]);
  folder.delete("old");
  const made = folder.create("made");
  made.write(Uint8Array.of(5));
  expect(folder.read("made")).toBeUndefined();
  made.finish();
  expect(folder.list().sort()).toEqual(["kept", "made", "new"]);
  expect(folder.read("kept")).toEqual(Uint8Array.of(1));
  expect(folder.map("new")).toEqual(Uint8Array.of(3, 4));
  expect([folder.read("old"), folder.map("old")]).toEqual([undefined, undefined]);
  expect(inner.state("id").list().sort()).toEqual(["kept", "old"]);
  folder.lock();
  inner.state("id").lock(); // Is free.
});
