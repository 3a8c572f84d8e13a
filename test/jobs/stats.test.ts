// Stats: sums by numbers of blobs, against sums by plain sets of their ids.

import { expect, test } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";
import { silentMonitor } from "../../src/base/monitor.ts";
import { type BlobSum, type Holding, type SnapshotStats, Stats } from "../../src/jobs/stats.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { BlobReader } from "../../src/store/blobs.ts";
import { Numbering } from "../../src/store/numbering.ts";
import { isFolder, type Node, topOf } from "../../src/store/paths.ts";
import type { Store } from "../../src/store/store.ts";
import { readParts } from "../../src/store/trees.ts";
import { writeTree } from "../support/files.ts";
import { backUp } from "../support/jobs.ts";
import { countingReader, snapshotsIn } from "../support/looking.ts";
import { seededRandom } from "../support/random.ts";
import { Client, makeStore, namesIn } from "../support/store.ts";
import { tempDir } from "../support/temp.ts";

async function statsOf(store: Store, reader = new BlobReader(store)) {
  const snapshots = await snapshotsIn(store);
  const breathe = (): undefined => undefined;
  const parts = { store, reader, monitor: silentMonitor, breathe };
  const job = new Stats(parts, new Numbering(await store.catalog()), snapshots.length);
  const all: SnapshotStats[] = [];
  for (const found of snapshots) all.push(await job.take(found));
  return { all, store: job.store() };
}

/** All ids that a snapshot needs, and what it holds, by reading everything anew. */
async function naive(store: Store, top: Node): Promise<{ ids: Set<string>; holds: Holding }> {
  const reader = new BlobReader(store);
  const ids = new Set<string>();
  const holds = { files: 0, folders: 0, links: 0, others: 0, contentBytes: 0, holeBytes: 0 };
  const tree = async (id: Uint8Array): Promise<void> => {
    ids.add(Buffer.from(id).toString("hex"));
    for (const part of await readParts(reader, id)) {
      if (part.kind === "entry") await node(part);
      else if (part.kind === "tree") await tree(part.id);
      else ids.add(Buffer.from(part.id).toString("hex"));
    }
  };
  const node = async (at: Node): Promise<void> => {
    if (at.kind === "way") {
      holds.folders += 1;
      for (const child of at.children.values()) await node(child);
      return;
    }
    const { type, size, content, contentLists = [], holes = [] } = at.entry;
    if (isFolder(at)) holds.folders += 1;
    else if (type === "link") holds.links += 1;
    else if (type === "file") holds.files += 1;
    else holds.others += 1;
    holds.contentBytes += size;
    for (const [, length] of holes) holds.holeBytes += length;
    for (const id of content) {
      if (isFolder(at)) await tree(id);
      else ids.add(Buffer.from(id).toString("hex"));
    }
    for (const list of contentLists) await tree(list);
  };
  await node(top);
  return { ids, holds };
}

async function sumOf(store: Store, ids: Iterable<string>): Promise<BlobSum> {
  const sum = { blobs: 0, plainBytes: 0, storedBytes: 0 };
  const catalog = await store.catalog();
  for (const hex of ids) {
    const [place] = catalog.findAll(new Uint8Array(Buffer.from(hex, "hex")));
    sum.blobs += 1;
    sum.plainBytes += place!.plainBytes;
    sum.storedBytes += place!.storedBytes;
  }
  return sum;
}

function meddle(from: string, random: ReturnType<typeof seededRandom>): void {
  for (let i = 0; i < 12; i++) {
    const path = join(from, `${random.int(4)}`, `${random.int(5)}`);
    fs.rmSync(path, { recursive: true, force: true });
    if (random.int(3) === 0) continue;
    writeTree(path, { x: `content ${random.int(8)}` });
    if (random.int(3) === 0) fs.symlinkSync("x", join(path, "link"));
  }
  // With one time for all, a folder may come back as it was, after a snapshot without it.
  Bun.spawnSync(["find", from, "-exec", "touch", "-h", "-d", "2020-01-01", "{}", "+"]);
}

test("sums are those of plain sets, over random snapshots", async () => {
  using temp = tempDir();
  const random = seededRandom();
  const from = join(temp.path, "from");
  const other = join(temp.path, "other");
  fs.mkdirSync(from);
  writeTree(other, { same: "content 1" });
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  for (let round = 0; round < 6; round++) {
    meddle(from, random);
    const roots = round % 3 === 2 ? [from, other] : [from];
    await backUp(client, await client.open(storage), roots);
  }
  const store = await client.open(storage);
  const wanted = await Promise.all(
    (await snapshotsIn(store)).map(({ snapshot }) => naive(store, topOf(snapshot))),
  );
  const found = await statsOf(store);
  expect({ seed: random.seed, holds: found.all.map(({ holds }) => holds) }).toEqual({
    seed: random.seed,
    holds: wanted.map(({ holds }) => holds),
  });
  const earlier = new Set<string>();
  for (const [i, { ids }] of wanted.entries()) {
    const others = new Set(wanted.flatMap(({ ids: more }, j) => (j === i ? [] : [...more])));
    expect(found.all[i]!.adds).toEqual(await sumOf(store, ids.difference(earlier)));
    expect(found.all[i]!.frees).toEqual(await sumOf(store, ids.difference(others)));
    for (const id of ids) earlier.add(id);
  }
  expect(found.store.needed).toEqual(await sumOf(store, earlier));
  expect(found.store.blobs).toEqual(found.store.needed);
  expect(found.store.again.blobs).toBe(0);
  expect(store.findings.all).toEqual([]);
});

test("a tree is read twice at most, and not at all where it is known to all", async () => {
  using temp = tempDir();
  const from = join(temp.path, "from");
  writeTree(from, { "a/b/c/d/file": "1", "e/f/file": "2" });
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  for (let round = 0; round < 5; round++) await backUp(client, await client.open(storage), [from]);
  const store = await client.open(storage);
  const { reader, counts } = countingReader(store);
  const { all } = await statsOf(store, reader);
  expect(counts).toEqual({ tree: 2 * 7, data: 0 });
  expect(all.map(({ holds }) => holds.files)).toEqual([2, 2, 2, 2, 2]);
  expect(all.map(({ adds }) => adds.blobs)).toEqual([9, 0, 0, 0, 0]);
  expect(all.map(({ frees }) => frees.blobs)).toEqual([0, 0, 0, 0, 0]);
});

test("what two machines stored twice is counted once, and once as stored again", async () => {
  using temp = tempDir();
  const from = join(temp.path, "from");
  writeTree(from, { file: "the same on both" });
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  const [one, two] = [await client.open(storage), await client.open(storage)];
  // Both looked before either had stored anything.
  await one.catalog();
  await two.catalog();
  await backUp(client, one, [from]);
  await backUp(client, two, [from]);
  const store = await new Client().open(storage);
  const { all, store: sums } = await statsOf(store);
  expect(all.length).toBe(2);
  expect(sums.again.blobs).toBeGreaterThan(0);
  expect(sums.blobs.blobs).toBe(all[0]!.adds.blobs + all[1]!.adds.blobs);
});

test("what is lost is a finding, and the rest is counted", async () => {
  using temp = tempDir();
  const from = join(temp.path, "from");
  writeTree(from, { "lost/x": "1" });
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  await backUp(client, await client.open(storage), [from]);
  const early = await namesIn(storage, "packs/");
  writeTree(from, { "new/x": "22" });
  await backUp(client, await client.open(storage), [from]);
  for (const name of early) storage.vanish(name);
  const store = await new Client().open(storage);
  const { all } = await statsOf(store);
  expect(all.map(({ holds }) => holds.contentBytes)).toEqual([0, 2]);
  expect(store.findings.count).toBeGreaterThan(0);
});
