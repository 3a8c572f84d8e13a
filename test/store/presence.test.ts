// Presence and memory: what the client believes to be there, and what it remembers at all.

import { expect, test } from "bun:test";
import { utf8 } from "../../src/base/bytes.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { recordStorage } from "../../src/storage/record.ts";
import { thoroughStorage } from "../../src/storage/thorough.ts";
import { BlobReader } from "../../src/store/blobs.ts";
import { PACK_UNUSABLE, PACK_USABLE } from "../../src/store/catalog.ts";
import { changeMemory, loadMemory } from "../../src/store/memory.ts";
import { judgePack, listPacks } from "../../src/store/presence.ts";
import { MemoryFolder } from "../support/local.ts";
import { Client, makeStore, namesIn } from "../support/store.ts";
import { testWorld } from "../support/world.ts";
import { snap } from "./snap.ts";

const DAY_MS = 86_400_000;

test("a pack that is gone or has another size is not usable", async () => {
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  await snap(client, await client.open(storage), [utf8("a"), utf8("b"), utf8("c")]);
  const [gone, short] = await namesIn(storage, "packs/");
  storage.vanish(gone!);
  storage.plant(short!, (await storage.get(short!))!.slice(0, -1));
  const store = await client.open(storage);
  const catalog = await store.catalog();
  const judge = judgePack(store, await listPacks(store, []));
  const marks = [...catalog.packs().values()].map(judge).sort((a, b) => a - b);
  expect(marks).toEqual([PACK_USABLE, PACK_UNUSABLE, PACK_UNUSABLE]);
  const { writer } = await snap(client, store, [utf8("a"), utf8("b"), utf8("c")]);
  expect(writer.counts.packs).toBe(2);
});

test("where listing is dear, a young listing is used again, an old or an unknowing one is not", async () => {
  const world = testWorld();
  const storage = memoryStorage(world, { listingReuseMs: DAY_MS });
  await makeStore(storage);
  const recording = recordStorage(storage);
  const client = new Client({ world });
  const listings = () => recording.count("list", "packs/");
  const store = await client.open(recording.storage);
  recording.calls.length = 0;
  const first = await listPacks(store, []);
  expect(listings()).toBe(1);
  expect(await listPacks(store, [])).toEqual(first);
  expect(listings()).toBe(1);
  await snap(client, store, [utf8("a")]);
  // What this machine puts is known to be there; what another one puts is not.
  expect((await listPacks(store, (await store.catalog()).packs().keys())).size).toBe(1);
  expect(listings()).toBe(1);
  const other = new Client({ world, label: "other" });
  await snap(other, await other.open(storage), [utf8("b")]);
  const again = await client.open(recording.storage);
  const second = await listPacks(again, (await again.catalog()).packs().keys());
  expect(second.size).toBe(2);
  expect(listings()).toBe(2);
  expect(await listPacks(store, second.keys())).toEqual(second);
  expect(listings()).toBe(2);
  world.advance(DAY_MS);
  await listPacks(store, second.keys());
  expect(listings()).toBe(3);
  store.state.write("packs.list", [new Uint8Array(11)]);
  expect((await listPacks(store, [])).size).toBe(2);
  expect(listings()).toBe(4);
});

async function dearStore() {
  const world = testWorld();
  const storage = memoryStorage(world, { listingReuseMs: DAY_MS });
  await makeStore(storage);
  const client = new Client({ world });
  const store = await client.open(storage);
  await snap(client, store, [utf8("a")]);
  const packs = [...(await store.catalog()).packs().keys()];
  expect((await listPacks(store, packs)).size).toBe(1);
  const [name] = await namesIn(storage, "packs/");
  storage.vanish(name!);
  expect((await listPacks(store, packs)).size).toBe(1);
  return { world, storage, client, store };
}

test("a pack that a check misses is stored anew by the next backup, the same day too", async () => {
  const { storage, client } = await dearStore();
  const checked = await client.open(thoroughStorage(storage));
  expect((await listPacks(checked, [])).size).toBe(0);
  const { writer } = await snap(client, await client.open(storage), [utf8("a")]);
  expect(writer.counts.packs).toBe(1);
});

test("a pack that a reader misses is stored anew by the next backup, the same day too", async () => {
  const { storage, client, store } = await dearStore();
  const reading = new BlobReader(store).read("data", store.core.idOf("data", utf8("a")));
  expect(await reading.catch((error: unknown) => error)).toMatchObject({ code: "not-found" });
  const { writer } = await snap(client, await client.open(storage), [utf8("a")]);
  expect(writer.counts.packs).toBe(1);
});

test("a listing of the future, from before a clock was set back, is none", async () => {
  const { world, store } = await dearStore();
  world.advance(-1000 * DAY_MS);
  expect((await listPacks(store, [])).size).toBe(0);
});

test("where listing is cheap it is always done", async () => {
  const recording = recordStorage(memoryStorage());
  await makeStore(recording.storage);
  const store = await new Client().open(recording.storage);
  recording.calls.length = 0;
  await listPacks(store, []);
  await listPacks(store, []);
  expect(recording.count("list", "packs/")).toBe(2);
});

test("memory comes back as it was written", () => {
  const state = new MemoryFolder();
  changeMemory(state, { manifestNumber: 7, manifestNames: ["b"] });
  changeMemory(state, { segmentNumber: 8 });
  expect(loadMemory(state)).toEqual({
    logNames: [],
    slotNames: [],
    badPacks: [],
    manifestNames: ["b"],
    manifestNumber: 7,
    segmentNumber: 8,
  });
});

for (const text of [
  "",
  "{",
  "null",
  "[]",
  "7",
  '{"logNames":[]}',
  '{"logNames":[1],"slotNames":[],"manifestNames":[],"badPacks":[],"manifestNumber":1,"segmentNumber":1}',
  '{"logNames":[],"slotNames":[],"manifestNames":[],"badPacks":[],"manifestNumber":1.5,"segmentNumber":1}',
  '{"logNames":[],"slotNames":[],"manifestNames":null,"badPacks":[],"manifestNumber":1,"segmentNumber":1}',
  '{"logNames":[],"slotNames":[],"manifestNames":[5],"badPacks":[],"manifestNumber":1,"segmentNumber":1}',
  '{"logNames":[],"slotNames":[],"manifestNames":[],"badPacks":[],"manifestNumber":-1,"segmentNumber":1}',
  "\u0000",
]) {
  test(`memory of ${JSON.stringify(text)} is first use again`, () => {
    const state = new MemoryFolder();
    state.write("memory.json", [utf8(text)]);
    expect(loadMemory(state)).toMatchObject({ logNames: [], slotNames: [], manifestNames: [] });
    expect(loadMemory(state)).toMatchObject({ manifestNumber: 0, segmentNumber: 0 });
  });
}

test("a store opens with a broken memory", async () => {
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  const store = await client.open(storage);
  for (const text of ['{"logNames":[],"slotNames":[],"manifestNames":null}', "\ufffd{", "[1]"]) {
    store.state.write("memory.json", [utf8(text)]);
    const again = await client.open(storage);
    expect((await snap(client, again, [utf8(text)])).manifest).toBeDefined();
    expect(again.findings.all).toEqual([]);
  }
});
