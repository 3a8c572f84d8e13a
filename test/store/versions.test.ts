// Versions: a thief with the bucket's key puts other bytes in front of packs, or hides them; what was
// there before stands in the versions, and is read. And what a dear storage is asked, by counting.

import { expect, test } from "bun:test";

import { copyBytes, utf8 } from "../../src/base/bytes.ts";
import { BunkerError } from "../../src/base/errors.ts";
import { hexId } from "../../src/base/ids.ts";
import { interceptStorage } from "../../src/storage/intercept.ts";
import { SEGMENT_BYTES_MAX } from "../../src/base/limits.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { recordStorage } from "../../src/storage/record.ts";
import { thoroughStorage } from "../../src/storage/thorough.ts";
import { BlobReader } from "../../src/store/blobs.ts";
import { changeMemory } from "../../src/store/memory.ts";
import { mapRuns } from "../../src/store/run-files.ts";
import { loadManifests } from "../../src/store/snapshots.ts";
import type { Store } from "../../src/store/store.ts";
import { certify, Client, makeStore, namesIn, writerBundle } from "../support/store.ts";
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

test("what a listing does not show yet is asked for before it counts as gone", async () => {
  const { storage, client, chunks } = await bucketWith(1);
  await snap(client, await client.open(storage), [...chunks, chunk(5)]);
  const lagging = interceptStorage(storage, {
    call: (_call, run) => run(),
    async *listing(_call, run) {
      yield* (await Array.fromAsync(run())).slice(0, -1);
    },
  });
  const store = await client.open(lagging);
  expect((await loadManifests(store)).offered).toHaveLength(2);
  expect(store.findings.all).toEqual([]);
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

test("however many versions a thief puts over a pack, the first one is read", async () => {
  const { storage, chunks } = await bucketWith(1);
  const [name] = await namesIn(storage, "packs/");
  for (let i = 0; i < 150; i++) storage.plant(name!, new Uint8Array(10 + i));
  const store = await new Client().open(storage);
  expect(await read(new BlobReader(store), store, chunks[0]!)).toEqual(chunks[0]!);
});

test("a snapshot that was trusted for one run is not told to be gone", async () => {
  const { storage } = await bucketWith(1);
  const records = await namesIn(storage, "owner/");
  const bundle = await writerBundle("foreign");
  await certify(await new Client().open(storage), bundle);
  const foreign = new Client({ label: "foreign", secret: { kind: "bundle", bundle } });
  const { manifest } = await snap(foreign, await foreign.open(storage), [chunk(0)]);
  const signer = hexId((await foreign.open(storage)).keyring.signer.publicKey);
  for (const name of await namesIn(storage, "owner/")) {
    if (!records.includes(name)) storage.vanish(name);
  }
  const client = new Client({ label: "another" });
  const trusting = await client.open(storage, { trust: [signer] });
  expect((await loadManifests(trusting)).offered).toHaveLength(2);
  const store = await client.open(storage);
  expect((await loadManifests(store)).offered).toHaveLength(1);
  const findings = store.findings.all.filter(({ subject }) => subject === manifest!.name);
  expect(findings.map(({ message }) => message)).toEqual([
    expect.stringContaining("the owner has not certified"),
  ]);
});

// Two segments whose numbers are far apart, as when many were put between them.
async function farApart() {
  const { storage, client, chunks } = await bucketWith(1);
  const store = await client.open(storage);
  changeMemory(store.state, { segmentNumber: 500 });
  await snap(client, store, [...chunks, chunk(1)]);
  return { storage, chunks: [...chunks, chunk(1)] };
}

const unknownOf = async (store: Store, chunks: readonly Uint8Array[]) => {
  const catalog = await store.catalog();
  return chunks.filter((bytes) => catalog.findAll(store.core.idOf("data", bytes)).length === 0);
};

for (const isKnown of [false, true]) {
  const whose = isKnown ? "that the cache has lost" : "that a machine has never read";
  test(`of an index ${whose} the rest is read after a cut`, async () => {
    const { storage, chunks } = await farApart();
    const [early] = await namesIn(storage, "index/");
    const client = new Client({ label: "fresh" });
    if (isKnown) {
      const store = await client.open(storage);
      expect(await unknownOf(store, chunks)).toEqual([]);
      for (const { file } of mapRuns(store.cache)) store.cache.delete(file);
    }
    const cut = interceptStorage(storage, {
      call(call, run) {
        if (call.name === early) throw new BunkerError("unavailable", "the connection is lost");
        return run();
      },
      listing: (_call, run) => run(),
    });
    const opening = (await client.open(cut)).catalog();
    expect(await opening.catch((error: unknown) => error)).toMatchObject({ code: "unavailable" });
    expect(await unknownOf(await client.open(storage), chunks)).toEqual([]);
    const recording = recordStorage(storage);
    expect(await unknownOf(await client.open(recording.storage), chunks)).toEqual([]);
    const listings = recording.calls.filter(({ name }) => name.startsWith("index/"));
    expect(listings.reduce((sum, { items }) => sum + items, 0)).toBe(1);
  });
}

test("where the index is lost too, a pack that was replaced is found by the trailer of its version", async () => {
  const { storage, chunks } = await bucketWith(2);
  for (const name of await namesIn(storage, "index/")) storage.vanish(name);
  for (const name of await namesIn(storage, "packs/")) storage.plant(name, new Uint8Array(9999));
  const store = await new Client().open(storage);
  const reader = new BlobReader(store);
  for (const bytes of chunks) expect(await read(reader, store, bytes)).toEqual(bytes);
});

test("a segment that something longer than any was put over is read from its version", async () => {
  const { storage, chunks } = await bucketWith(1);
  const [segment] = await namesIn(storage, "index/");
  storage.plant(segment!, new Uint8Array(SEGMENT_BYTES_MAX + 1));
  const store = await new Client().open(storage);
  expect([...(await store.catalog()).packs().keys()]).toHaveLength(1);
  const reader = new BlobReader(store);
  expect(await read(reader, store, chunks[0]!)).toEqual(chunks[0]!);
});
