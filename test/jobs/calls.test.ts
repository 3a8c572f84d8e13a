// Promises about speed, as numbers of storage calls.

import { expect, test } from "bun:test";
import { join } from "node:path";
import { PACK_BYTES_TARGET } from "../../src/base/limits.ts";
import { hexId } from "../../src/base/ids.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { recordStorage, type Recording } from "../../src/storage/record.ts";
import type { Store } from "../../src/store/store.ts";
import { openLocalFolder } from "../../src/system/local.ts";
import { compareFolders } from "../support/compare.ts";
import { writeTree } from "../support/files.ts";
import { backUp, restoreTo, workerLanes } from "../support/jobs.ts";
import { seededRandom } from "../support/random.ts";
import { Client, makeStore } from "../support/store.ts";
import { tempDir } from "../support/temp.ts";

const PUTS = ["packs/", "index/", "snapshots/", "owner/", "keys/"];

function putsOf(recording: Recording): Record<string, number> {
  return Object.fromEntries(PUTS.map((prefix) => [prefix, recording.count("put", prefix)]));
}

/** A machine with its folders on the disk, where Workers can map them. */
function newClient(path: string): {
  readonly client: Client;
  readonly cachePathOf: (store: Store) => (file: string) => string;
} {
  const local = {
    root: openLocalFolder(join(path, "state")),
    state: (id: string) => openLocalFolder(join(path, "state", id)),
    cache: (id: string) => openLocalFolder(join(path, "cache", id)),
  };
  const client = new Client({ local });
  const cachePathOf = (store: Store) => (file: string) =>
    join(path, "cache", hexId(store.keys.storeId), file);
  return { client, cachePathOf };
}

for (const laneCount of [1, 2, 3]) {
  test(`with ${laneCount} lanes, less than a pack of new data makes one pack of each kind, one segment, one manifest`, async () => {
    using temp = tempDir();
    const [from, to] = [join(temp.path, "from"), join(temp.path, "to")];
    const random = seededRandom(laneCount);
    const tree: Record<string, Uint8Array> = {};
    // More files and bytes than main's own lane takes, so that Workers are started.
    for (let i = 0; i < 700; i++) tree[`${i % 7}/small ${i}`] = random.bytes(1 + random.int(4000));
    for (let i = 0; i < 3; i++) tree[`large ${i}`] = random.bytes(3_400_000);
    writeTree(from, tree);
    const storage = memoryStorage();
    await makeStore(storage);
    const { client, cachePathOf } = newClient(temp.path);
    const recording = recordStorage(storage);
    const store = await client.open(recording.storage);
    const cachePath = cachePathOf(store);
    const workers = workerLanes(laneCount);
    const choices = { lanes: workers, cachePath, packBytes: PACK_BYTES_TARGET };
    recording.calls.length = 0;
    const made = await backUp(client, store, [from], choices);
    expect(made.problems).toEqual([]);
    expect(workers.spawned()).toBe(laneCount > 1 ? laneCount : 0);
    expect(putsOf(recording)).toEqual({
      "packs/": 2,
      "index/": 1,
      "snapshots/": 1,
      "owner/": 0,
      "keys/": 0,
    });

    recording.calls.length = 0;
    const second = await backUp(client, await client.open(recording.storage), [from], choices);
    expect(second.unchangedFiles).toBe(703);
    expect(putsOf(recording)).toEqual({
      "packs/": 0,
      "index/": 0,
      "snapshots/": 1,
      "owner/": 0,
      "keys/": 0,
    });
    expect(recording.count("get", "packs/")).toBe(0);

    const restored = await restoreTo(await client.open(storage), to, { lanes: workers });
    expect(restored.problems).toEqual([]);
    expect(compareFolders(from, to).differences).toEqual([]);
  }, 60_000);
}

test("Workers find what is known: a forced second run stores nothing", async () => {
  using temp = tempDir();
  const from = join(temp.path, "from");
  const random = seededRandom(9);
  const tree: Record<string, Uint8Array> = {};
  for (let i = 0; i < 900; i++) tree[`${i % 7}/small ${i}`] = random.bytes(1 + random.int(4000));
  tree["large"] = random.bytes(12_000_000);
  writeTree(from, tree);
  const storage = memoryStorage();
  await makeStore(storage);
  const { client, cachePathOf } = newClient(temp.path);
  const store = await client.open(storage);
  const cachePath = cachePathOf(store);
  const choices = { cachePath, lanes: workerLanes(2) };
  await backUp(client, store, [from], choices);
  const second = await backUp(client, await client.open(storage), [from], {
    ...choices,
    force: true,
  });
  expect(choices.lanes.spawned()).toBe(4);
  expect(second.unchangedFiles).toBe(0);
  expect(second.written).toMatchObject({ packs: 0, blobs: 0 });
}, 60_000);

test("equal files and chunks are stored once, in one lane and in several", async () => {
  using temp = tempDir();
  const from = join(temp.path, "from");
  const random = seededRandom(10);
  const same = random.bytes(3_000_000);
  const tree: Record<string, Uint8Array> = {};
  for (let i = 0; i < 8; i++) tree[`${i}/copy`] = same;
  for (let i = 0; i < 600; i++) tree[`${i % 8}/small ${i}`] = random.bytes(8).fill(i % 5);
  writeTree(from, tree);
  const stored: number[] = [];
  for (const laneCount of [1, 3]) {
    const storage = memoryStorage();
    await makeStore(storage);
    const { client, cachePathOf } = newClient(join(temp.path, `client ${laneCount}`));
    const store = await client.open(storage);
    const cachePath = cachePathOf(store);
    const made = await backUp(client, store, [from], { cachePath, lanes: workerLanes(laneCount) });
    stored.push(made.written.blobs);
    expect(made.written.storedBytes).toBeLessThan(same.length * 1.3);
  }
  expect(stored[0]).toBe(stored[1]!);
}, 60_000);

test("a restore of small files makes few requests", async () => {
  using temp = tempDir();
  const [from, to] = [join(temp.path, "from"), join(temp.path, "to")];
  const random = seededRandom(12);
  const tree: Record<string, Uint8Array> = {};
  for (let i = 0; i < 400; i++) tree[`${i % 7}/small ${i}`] = random.bytes(1 + random.int(4000));
  writeTree(from, tree);
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  await backUp(client, await client.open(storage), [from], { packBytes: PACK_BYTES_TARGET });
  const recording = recordStorage(storage);
  await restoreTo(await client.open(recording.storage), to);
  // For each of two packs its key, and its bytes in one go.
  expect(recording.count("get", "packs/")).toBeLessThanOrEqual(4);
});
