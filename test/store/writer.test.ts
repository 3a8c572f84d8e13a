// The store writer and its commit: order, numbers, closures, and what happens when the owner
// condemns packs meanwhile.

import { expect, test } from "bun:test";
import { utf8 } from "../../src/base/bytes.ts";
import { hexId, parseHexId } from "../../src/base/ids.ts";
import { CLOSURE_DEPTH_MAX, SEGMENT_BLOB_COUNT } from "../../src/base/limits.ts";
import { parseName } from "../../src/format/names.ts";
import { writeBlob, writePack } from "../../src/format/records.ts";
import { faultStorage } from "../../src/storage/faults.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { recordStorage } from "../../src/storage/record.ts";
import { Journal } from "../../src/store/journal.ts";
import { loadMemory } from "../../src/store/memory.ts";
import type { FinishedPack } from "../../src/store/pack-writer.ts";
import type { Presence } from "../../src/store/presence.ts";
import { RECORD_BYTES } from "../../src/store/run.ts";
import { closureOf, loadManifests } from "../../src/store/snapshots.ts";
import type { Store } from "../../src/store/store.ts";
import { StoreWriter } from "../../src/store/writer.ts";
import { failureOf } from "../support/failure.ts";
import { Client, makeStore, namesIn } from "../support/store.ts";
import { testWorld } from "../support/world.ts";
import { snap } from "./snap.ts";

const chunk = (i: number) => utf8(`chunk ${i}`);

async function condemn(store: Store, packs: readonly string[]): Promise<void> {
  await store.log.append({
    kind: "condemnation",
    time: store.world.now(),
    locationId: store.log.locationId!,
    packs: packs.map(parseHexId).sort((a, b) => Buffer.compare(a, b)),
    others: [],
    notBefore: 0,
  });
}

test("a snapshot costs its packs, one segment, one manifest, in this order", async () => {
  const storage = memoryStorage();
  await makeStore(storage);
  const recording = recordStorage(storage);
  const client = new Client();
  const store = await client.open(recording.storage);
  recording.calls.length = 0;
  await snap(client, store, [chunk(1), chunk(2)]);
  const puts = recording.calls.filter(({ kind }) => kind === "put").map(({ name }) => name);
  expect(puts.map((name) => parseName(name)!.kind)).toEqual([
    "pack",
    "pack",
    "segment",
    "manifest",
  ]);
  expect(parseName(puts[2]!)).toMatchObject({ number: 1 });
  expect(parseName(puts[3]!)).toMatchObject({ number: 1 });
});

test("many small blobs make several segments, also those that an earlier run was cut off from listing", async () => {
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  const store = await client.open(storage);
  const packs = Array.from({ length: 5 }, (_, i) => packOfMany(i, SEGMENT_BLOB_COUNT / 2));
  const writer = new StoreWriter(store, await store.catalog());
  for (const pack of packs.slice(0, 3)) await writer.putPack(pack);
  await writer.flush();
  expect(writer.counts).toMatchObject({ packs: 3, segments: 2 });
  // As if the process had died: the packs are stored and journaled, no segment lists them.
  const journal = new Journal(store.state);
  const cut = await client.open(storage);
  for (const pack of packs) {
    const record = new Uint8Array(RECORD_BYTES);
    writePack(record, 0, { ...pack, bytes: pack.bytes.length });
    journal.note({ pack: record, records: pack.records });
  }
  const adopting = new StoreWriter(cut, await cut.catalog());
  const there = packs.map(({ id, bytes }) => [hexId(id), bytes.length] as const);
  await adopting.adoptJournal(new Map(there) as unknown as Presence);
  expect(adopting.counts.segments).toBe(1);
  expect(await namesIn(storage, "index/")).toHaveLength(3);
  expect(journal.entries()).toEqual([]);
  const known = (await (await new Client().open(storage)).catalog()).packs();
  expect(packs.every(({ id }) => known.has(hexId(id)))).toBe(true);
});

/** A pack of random bytes that is said to hold so many blobs. */
function packOfMany(seed: number, blobCount: number): FinishedPack {
  const bytes = new Uint8Array(3 * 1024 * 1024).fill(seed);
  const records = new Uint8Array(blobCount * RECORD_BYTES);
  for (let i = 0; i < blobCount; i++) {
    const id = new Uint8Array(new Bun.CryptoHasher("sha256").update(`${seed}/${i}`).digest());
    const lengths = { storedBytes: 40, plainBytes: 24, codec: 0 as const };
    writeBlob(records, i * RECORD_BYTES, { id, ordinal: i, offset: 256 + 40 * i, ...lengths }, 0);
  }
  const id = new Uint8Array(new Bun.CryptoHasher("sha256").update(bytes).digest());
  return { id, kind: "data", md5: new Uint8Array(16), bytes, records } as FinishedPack;
}

test("numbers go on, also where the state is lost, and where the storage lost objects", async () => {
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  const number = async (one: Client, i: number) => {
    const { manifest } = await snap(one, await one.open(storage), [chunk(i)]);
    const parsed = parseName(manifest!.name)!;
    return "number" in parsed ? parsed.number : 0;
  };
  expect(await number(client, 1)).toBe(1);
  expect(await number(client, 2)).toBe(2);
  expect(await number(new Client(), 3)).toBe(3);
  expect(await number(client, 4)).toBe(4);
  for (const name of await namesIn(storage, "snapshots/")) storage.vanish(name);
  for (const name of await namesIn(storage, "index/")) storage.vanish(name);
  expect(await number(client, 5)).toBe(5);
});

test("a number is remembered before the manifest is put", async () => {
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  const faulty = faultStorage(storage, [
    { kind: "put", prefix: "snapshots/", nth: 1, what: "before" },
  ]);
  const store = await client.open(faulty.storage);
  expect(await failureOf(snap(client, store, [chunk(1)]))).toMatchObject({ code: "unavailable" });
  expect(loadMemory(store.state)).toMatchObject({ manifestNumber: 1, segmentNumber: 1 });
  const { manifest } = await snap(client, await client.open(storage), [chunk(1)]);
  expect(parseName(manifest!.name)).toMatchObject({ number: 2 });
  faulty.assertAllFired();
});

test("closures over 40 snapshots: exact, and at most 32 deep", async () => {
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  const all = Array.from({ length: 60 }, (_, i) => chunk(i));
  for (let i = 0; i < 40; i++) {
    // A window that moves: each one adds a pack and drops one.
    await snap(client, await client.open(storage), all.slice(i, i + 20));
  }
  const store = await new Client().open(storage);
  const manifests = await loadManifests(store);
  expect(manifests.offered.length).toBe(40);
  const depths: number[] = [];
  const catalog = await store.catalog();
  for (const [i, manifest] of manifests.offered.entries()) {
    const closure = closureOf(manifests, manifest);
    const wanted = all.slice(i, i + 20).map((bytes) => {
      const [place] = catalog.findAll(store.core.idOf("data", bytes));
      return hexId(place!.packId);
    });
    expect([...closure.packs.keys()].sort()).toEqual(wanted.sort());
    depths.push(manifest.closure.depth);
  }
  expect(Math.max(...depths)).toBe(CLOSURE_DEPTH_MAX);
  expect(depths.filter((depth) => depth === 0).length).toBe(2);
  expect(store.findings.all).toEqual([]);
});

test("what was condemned before a backup is stored again", async () => {
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  await snap(client, await client.open(storage), [chunk(1), chunk(2)]);
  const store = await client.open(storage);
  const [old] = (await store.catalog()).packs().keys();
  await condemn(store, [old!]);
  const { manifest, writer } = await snap(client, store, [chunk(1), chunk(2)]);
  expect(manifest).toBeDefined();
  expect(writer.counts.packs).toBe(1);
  const manifests = await loadManifests(await client.open(storage));
  const closure = closureOf(manifests, manifests.byId.get(hexId(manifest!.id))!);
  expect(closure.packs.has(old!)).toBe(false);
  expect(closure.packs.size).toBe(2);
});

for (const when of ["before the manifest", "between the manifest and the last look"] as const) {
  test(`what is condemned ${when}: the commit is refused, and done again it holds`, async () => {
    const storage = memoryStorage();
    await makeStore(storage);
    const client = new Client();
    const pruner = new Client({ label: "pruner" });
    await snap(client, await client.open(storage), [chunk(1)]);
    const prune = async () => {
      const store = await pruner.open(storage);
      await condemn(store, [...(await store.catalog()).packs().keys()].slice(0, 1));
    };
    const meddled = when === "before the manifest" ? storage : onPut(storage, prune);
    const store = await client.open(meddled);
    const beforeCommit = when === "before the manifest" ? prune : async () => undefined;
    const refused = await snap(client, store, [chunk(1)], { beforeCommit });
    expect(refused.manifest).toBeUndefined();
    const again = await client.open(storage);
    const { manifest, writer } = await snap(client, again, [chunk(1)]);
    expect(writer.counts.packs).toBe(1);
    const manifests = await loadManifests(again);
    const { packs } = closureOf(manifests, manifests.byId.get(hexId(manifest!.id))!);
    for (const hex of packs.keys()) expect(again.log.state.condemnedPacks.has(hex)).toBe(false);
  });
}

/** A storage in which something happens once, right after the first manifest was put. */
function onPut(
  storage: ReturnType<typeof memoryStorage>,
  act: () => Promise<void>,
): typeof storage {
  let done = false;
  return new Proxy(storage, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (key !== "put")
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      return async (name: string, bytes: Uint8Array) => {
        await target.put(name, bytes);
        if (done || !name.startsWith("snapshots/")) return;
        done = true;
        await act();
      };
    },
  });
}

test("a commit that takes longer than a quarter of the grace is made again, and in the end given up", async () => {
  const world = testWorld();
  const storage = memoryStorage(world);
  await makeStore(storage);
  const slowPuts = (times: number) => {
    let left = times;
    return new Proxy(storage, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key, target);
        if (key !== "put")
          return typeof value === "function" ? (value.bind(target) as unknown) : value;
        return async (name: string, bytes: Uint8Array) => {
          await target.put(name, bytes);
          if (name.startsWith("snapshots/") && left-- > 0) world.advance(7 * 3_600_000);
        };
      },
    });
  };
  const client = new Client();
  const { manifest } = await snap(client, await client.open(slowPuts(2)), [chunk(1)]);
  expect(parseName(manifest!.name)).toMatchObject({ number: 3 });
  const store = await client.open(slowPuts(100));
  expect(await failureOf(snap(client, store, [chunk(1)]))).toMatchObject({ code: "timeout" });
});

test("a machine that the owner has not certified certifies itself, a revoked one is refused", async () => {
  const storage = memoryStorage();
  await makeStore(storage);
  const other = new Client({ label: "other" });
  const store = await other.open(storage);
  await snap(other, store, [chunk(1)]);
  expect([...store.log.state.signers.values()].map(({ label }) => label).sort()).toEqual([
    "machine",
    "other",
  ]);
  const owner = await new Client().open(storage);
  expect((await loadManifests(owner)).offered.length).toBe(1);
  await owner.log.append({
    kind: "revocation",
    time: 1,
    publicKey: store.keyring.signer.publicKey,
    accepted: [],
  });
  const again = await other.open(storage);
  expect(await failureOf(snap(other, again, [chunk(2)]))).toMatchObject({ code: "denied" });
});
