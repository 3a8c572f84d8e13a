// Versions: a thief with the bucket's key puts other bytes in front of packs, or hides them; what was
// there before stands in the versions, and is read. And what a dear storage is asked, by counting.

import { expect, test } from "bun:test";

import { copyBytes, utf8 } from "../../src/base/bytes.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { recordStorage } from "../../src/storage/record.ts";
import { thoroughStorage } from "../../src/storage/thorough.ts";
import { BlobReader } from "../../src/store/blobs.ts";
import { loadManifests } from "../../src/store/snapshots.ts";
import type { Store } from "../../src/store/store.ts";
import { Client, makeStore, namesIn } from "../support/store.ts";
import { snap } from "./snap.ts";

const chunk = (i: number) => utf8(`chunk ${i} `.repeat(30));
const PLACE = { endpoint: "https://s3.example", bucket: "bucket", prefix: "a/" };

async function bucketWith(chunkCount: number) {
  const storage = memoryStorage(undefined, {
    versions: true,
    dear: true,
    listingReuseMs: 86_400_000,
    bucketPlace: PLACE,
  });
  await makeStore(storage);
  const client = new Client();
  const chunks = Array.from({ length: chunkCount }, (_, i) => chunk(i));
  await snap(client, await client.open(storage), chunks);
  return { storage, client, chunks };
}

const read = (reader: BlobReader, store: Store, bytes: Uint8Array) =>
  reader.read("data", store.core.idOf("data", bytes));

test("packs that a thief hides, replaces or cuts short are read from their versions, and named", async () => {
  const { storage, chunks } = await bucketWith(4);
  const [hidden, replaced, cut] = await namesIn(storage, "packs/");
  await storage.delete(hidden!);
  storage.plant(replaced!, crypto.getRandomValues(new Uint8Array(70_000)));
  const whole = (await storage.get(cut!))!;
  for (let i = 0; i < 3; i++) storage.plant(cut!, copyBytes(whole.subarray(0, 200 + i)));
  const store = await new Client().open(storage);
  const reader = new BlobReader(store);
  for (const bytes of chunks) expect(await read(reader, store, bytes)).toEqual(bytes);
  const named = store.findings.all.map(({ subject }) => subject);
  expect(named.sort()).toEqual([hidden!, replaced!, cut!].sort());
});

test("a pack whose versions are all wrong is named as damaged", async () => {
  const { storage, chunks } = await bucketWith(1);
  const [name] = await namesIn(storage, "packs/");
  storage.vanish(name!);
  storage.plant(name!, new Uint8Array(1000));
  storage.plant(name!, new Uint8Array(2000));
  const store = await new Client().open(storage);
  const reading = read(new BlobReader(store), store, chunks[0]!);
  expect(await reading.catch((error: unknown) => error)).toMatchObject({ code: "corrupt" });
});

test("hidden slots, records, segments and snapshots are found by a machine that knows nothing", async () => {
  const { storage, chunks } = await bucketWith(2);
  for (const prefix of ["keys/", "owner/", "index/", "snapshots/", "packs/"]) {
    for (const name of await namesIn(storage, prefix)) await storage.delete(name);
  }
  const store = await new Client().open(storage);
  expect((await loadManifests(store)).offered).toHaveLength(1);
  const reader = new BlobReader(store);
  for (const bytes of chunks) expect(await read(reader, store, bytes)).toEqual(bytes);
});

test("opening what is known costs four listings, and a backup without changes at most ten calls", async () => {
  const { storage, client, chunks } = await bucketWith(3);
  await snap(client, await client.open(storage), chunks);
  const opening = recordStorage(storage);
  const store = await client.open(opening.storage);
  await loadManifests(store);
  await store.catalog();
  expect(opening.calls.map(({ kind, name }) => `${kind} ${name.split("/", 1)[0]}`)).toEqual([
    "listVersions owner",
    "listVersions keys",
    "listVersions snapshots",
    "listVersions index",
  ]);
  const unchanged = recordStorage(storage);
  await snap(client, await client.open(unchanged.storage), chunks);
  const asked = unchanged.calls.filter(({ kind }) => kind !== "serverTime");
  expect(asked.length).toBeLessThanOrEqual(10);
  expect(unchanged.count("put")).toBe(1);
});

test("another writer costs two listings more", async () => {
  const { storage, client, chunks } = await bucketWith(1);
  const other = new Client({ label: "other" });
  await snap(other, await other.open(storage), [...chunks, chunk(9)]);
  const count = async () => {
    const recording = recordStorage(storage);
    const store = await client.open(recording.storage);
    expect((await loadManifests(store)).offered).toHaveLength(2);
    await store.catalog();
    return recording.calls.length;
  };
  await count();
  expect(await count()).toBe(6);
});

test("after many snapshots only the last few names are listed, and all of them count", async () => {
  const { storage, client } = await bucketWith(1);
  for (let i = 0; i < 70; i++) {
    await snap(client, await client.open(storage), [chunk(i % 3)]);
  }
  const recording = recordStorage(storage);
  const store = await client.open(recording.storage);
  const manifests = await loadManifests(store);
  expect(manifests.offered).toHaveLength(71);
  expect(recording.calls.find(({ name }) => name.startsWith("snapshots/"))?.items).toBe(64);
  expect(store.findings.all).toEqual([]);
});

test("a lately deleted snapshot is noticed by every run, an early one by a thorough one", async () => {
  const { storage, client } = await bucketWith(1);
  for (let i = 0; i < 70; i++) {
    await snap(client, await client.open(storage), [chunk(i % 3)]);
  }
  const names = await namesIn(storage, "snapshots/");
  const missing = async (through = storage as Parameters<Client["open"]>[0]) => {
    const store = await client.open(through);
    await loadManifests(store);
    return store.findings.all.map(({ subject }) => subject);
  };
  storage.vanish(names[2]!);
  expect(await missing()).toEqual([]);
  expect(await missing(thoroughStorage(storage))).toEqual([names[2]!]);
  storage.vanish(names.at(-1)!);
  expect(await missing()).toEqual([names.at(-1)!]);
});

test("a damaged record is seen by a thorough opening, and costs a plain one nothing", async () => {
  const { storage, client } = await bucketWith(1);
  const [name] = await namesIn(storage, "owner/");
  storage.vanish(name!);
  storage.plant(name!, new Uint8Array(4096));
  const subjects = async (through: Parameters<Client["open"]>[0]) =>
    (await client.open(through)).findings.all.map(({ subject }) => subject);
  expect(await subjects(storage)).toEqual([]);
  expect(await subjects(thoroughStorage(storage))).toEqual([name!]);
});
