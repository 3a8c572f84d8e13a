// Segments and the cached catalog: it says what the storage says, however the cache looks.

import { expect, test } from "bun:test";
import { utf8 } from "../../src/base/bytes.ts";
import { hexId } from "../../src/base/ids.ts";
import { memoryStorage, type MemoryStorage } from "../../src/storage/memory.ts";
import { recordStorage } from "../../src/storage/record.ts";
import type { Store } from "../../src/store/store.ts";
import { certify, Client, makeStore, namesIn, writerBundle } from "../support/store.ts";
import { snap } from "./snap.ts";

async function storeOf(snapshots: number): Promise<{ storage: MemoryStorage; client: Client }> {
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  for (let i = 0; i < snapshots; i++) {
    await snap(client, await client.open(storage), [utf8(`chunk ${i}`)]);
  }
  return { storage, client };
}

async function knownChunks(store: Store, count: number): Promise<number[]> {
  const catalog = await store.catalog();
  const all = Array.from({ length: count }, (_, i) => i);
  return all.filter((i) => catalog.findAll(store.core.idOf("data", utf8(`chunk ${i}`))).length > 0);
}

const ALL = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

test("a fresh machine and one with a cache know the same", async () => {
  const { storage, client } = await storeOf(10);
  expect(await knownChunks(await client.open(storage), 10)).toEqual(ALL);
  expect(await knownChunks(await new Client().open(storage), 10)).toEqual(ALL);
});

test("a segment is fetched once", async () => {
  const { storage, client } = await storeOf(10);
  await knownChunks(await client.open(storage), 10);
  const recording = recordStorage(storage);
  await knownChunks(await client.open(recording.storage), 10);
  expect(recording.count("get", "index/")).toBe(0);
});

test("runs are merged: few files, however many segments", async () => {
  const { storage } = await storeOf(20);
  const fresh = await new Client().open(storage);
  await fresh.catalog();
  expect(fresh.cache.list().filter((name) => name.endsWith(".run")).length).toBeLessThanOrEqual(5);
});

test("a segment that is gone is forgotten, the others are not", async () => {
  const { storage, client } = await storeOf(10);
  await knownChunks(await client.open(storage), 10);
  storage.vanish((await namesIn(storage, "index/"))[3]!);
  const rest = ALL.filter((i) => i !== 3);
  expect(await knownChunks(await client.open(storage), 10)).toEqual(rest);
});

test("a damaged segment is a finding, the others count", async () => {
  const { storage } = await storeOf(10);
  const name = (await namesIn(storage, "index/"))[3]!;
  storage.plant(name, (await storage.get(name))!.subarray(0, 5000));
  const store = await new Client().open(storage);
  expect(await knownChunks(store, 10)).toEqual(ALL.filter((i) => i !== 3));
  expect(store.findings.all.map(({ subject }) => subject)).toEqual([name]);
});

const SPOILS: Record<string, (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>> = {
  "cut short": (bytes) => bytes.slice(0, -7),
  empty: () => new Uint8Array(0),
  "with other counts": (bytes) => bytes.map((byte, i) => (i === 16 ? byte ^ 1 : byte)),
  rubbish: (bytes) => new Uint8Array(bytes.length).fill(3),
};

for (const [how, spoil] of Object.entries(SPOILS)) {
  test(`a run file that is ${how} is made anew`, async () => {
    const { storage, client } = await storeOf(10);
    const store = await client.open(storage);
    await store.catalog();
    for (const name of store.cache.list().filter((file) => file.endsWith(".run"))) {
      store.cache.write(name, [spoil(store.cache.read(name)!)]);
    }
    const again = await client.open(storage);
    expect(await knownChunks(again, 10)).toEqual(ALL);
    expect(again.findings.all).toEqual([]);
  });
}

test("a cache without anything is made anew", async () => {
  const { storage, client } = await storeOf(10);
  const store = await client.open(storage);
  for (const name of store.cache.list()) store.cache.delete(name);
  expect(await knownChunks(await client.open(storage), 10)).toEqual(ALL);
});

test("what another's key says is stored is read, but not relied on", async () => {
  const { storage, client } = await storeOf(1);
  const bundle = await writerBundle("server");
  await certify(await client.open(storage), bundle);
  const server = new Client({ label: "server", secret: { kind: "bundle", bundle } });
  await snap(server, await server.open(storage), [utf8("chunk 1")]);
  const store = await client.open(storage);
  expect(await knownChunks(store, 2)).toEqual([0, 1]);
  const stored = await snap(client, store, [utf8("chunk 1")]);
  expect(stored.writer.counts.packs).toBe(1);
  const { publicKey } = (await server.open(storage)).keyring.signer;
  const trusting = await new Client().open(storage, { trust: [hexId(publicKey)] });
  const known = await snap(client, trusting, [utf8("chunk 1")]);
  expect(known.writer.counts.packs).toBe(0);
});

test("what another machine of the owner stored is relied on", async () => {
  const { storage, client } = await storeOf(1);
  const other = new Client({ label: "other" });
  await snap(other, await other.open(storage), [utf8("chunk 1")]);
  const { writer } = await snap(client, await client.open(storage), [utf8("chunk 1")]);
  expect(writer.counts.packs).toBe(0);
});
