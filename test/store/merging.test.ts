// Merging: a writer's many small segments become one, at no more calls and at no risk.

import { expect, test } from "bun:test";
import { compareBytes, utf8 } from "../../src/base/bytes.ts";
import { hexId } from "../../src/base/ids.ts";
import { parseName, segmentName } from "../../src/format/names.ts";
import {
  buildSegmentBody,
  encodeSegment,
  readSegment,
  type Segment,
} from "../../src/format/segment.ts";
import { faultStorage } from "../../src/storage/faults.ts";
import { memoryStorage, type MemoryStorage } from "../../src/storage/memory.ts";
import { recordStorage } from "../../src/storage/record.ts";
import { SMALL_SEGMENT_COUNT_MAX as MANY } from "../../src/store/segment-writer.ts";
import { closureOf, loadManifests } from "../../src/store/snapshots.ts";
import type { Store } from "../../src/store/store.ts";
import { runCheck } from "../support/jobs.ts";
import { memoryRoot, type MemoryRoot } from "../support/local.ts";
import { certify, Client, makeStore, namesIn, objectsIn, writerBundle } from "../support/store.ts";
import { testWorld } from "../support/world.ts";
import { snap } from "./snap.ts";

const chunk = (i: number) => utf8(`chunk ${i}`);
const CRASHED: unknown = expect.stringMatching(/^(?:unavailable|interrupted)$/);
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

/** A store with a snapshot of a chunk of its own for each segment. */
async function storeOf(segments: number): Promise<{ storage: MemoryStorage; local: MemoryRoot }> {
  const storage = memoryStorage();
  await makeStore(storage);
  const local = memoryRoot();
  const client = new Client({ local });
  for (const i of upTo(segments)) await snap(client, await client.open(storage), [chunk(i)]);
  return { storage, local };
}

const many = await storeOf(MANY);
const objects = await objectsIn(many.storage);
const locationId = (await many.storage.locationId(false))!;

/** A copy of a store with as many small segments as are left alone. */
async function copyOfMany(): Promise<{ storage: MemoryStorage; client: Client }> {
  const storage = memoryStorage({ ...testWorld(), random: () => locationId.slice() });
  await storage.locationId(true);
  for (const [name, bytes] of objects) storage.plant(name, bytes);
  return { storage, client: new Client({ local: many.local.copy() }) };
}

async function knownChunks(store: Store, count: number): Promise<number[]> {
  const catalog = await store.catalog();
  const places = (i: number) => catalog.findAll(store.core.idOf("data", chunk(i)));
  return upTo(count).filter((i) => places(i).length > 0);
}

async function segmentsIn(store: Store, without = ""): Promise<Segment[]> {
  const names = (await namesIn(store.storage, "index/")).filter((name) => name !== without);
  return Promise.all(
    names.map(async (name) => readSegment(store, name, (await store.storage.get(name))!)),
  );
}

test("so many small segments are left alone, one more merges them: at no more calls", async () => {
  const { storage, client } = await copyOfMany();
  const before = await segmentsIn(await client.open(storage));
  expect(before.length).toBe(MANY);
  expect(before.every(({ replaces }) => replaces.length === 0)).toBe(true);
  const recording = recordStorage(storage);
  const { writer } = await snap(client, await client.open(recording.storage), [chunk(MANY)]);
  expect(writer.counts).toMatchObject({ packs: 1, segments: 1 });
  expect(recording.count("put")).toBe(3);
  expect(recording.count("get", "index/")).toBe(0);
  expect(recording.count("delete")).toBe(0);
  expect(
    recording.calls.filter(({ kind }) => kind === "put").map(({ name }) => kindOf(name)),
  ).toEqual(["pack", "segment", "manifest"]);
  const after = await segmentsIn(await client.open(storage));
  expect(after.length).toBe(MANY + 1);
  const newest = after.at(-1)!;
  expect(newest.replaces.map(String).sort()).toEqual(before.map(({ id }) => String(id)).sort());
  expect(newest.body).toMatchObject({ packCount: MANY + 1, blobCount: MANY + 1 });
});

function kindOf(name: string): string | undefined {
  return parseName(name)?.kind;
}

test("a cold catalog costs one get where it cost one for each segment", async () => {
  const { storage, client } = await copyOfMany();
  const getsOfCold = async (): Promise<number> => {
    const recording = recordStorage(storage);
    const store = await new Client().open(recording.storage);
    await store.catalog();
    expect(store.findings.all).toEqual([]);
    return recording.count("get", "index/");
  };
  expect(await getsOfCold()).toBe(MANY);
  await snap(client, await client.open(storage), [chunk(MANY)]);
  expect(await getsOfCold()).toBe(1);
  await snap(client, await client.open(storage), [chunk(MANY + 1)]);
  expect(await getsOfCold()).toBe(2);
});

test("cold and warm machines know the same, and read nothing twice", async () => {
  const { storage, client } = await copyOfMany();
  const other = new Client({ label: "other" });
  const fresh = new Client();
  await (await other.open(storage)).catalog();
  await snap(client, await client.open(storage), [chunk(MANY)]);
  for (const machine of [client, other, fresh]) {
    expect(await knownChunks(await machine.open(storage), MANY + 2)).toEqual(upTo(MANY + 1));
    const recording = recordStorage(storage);
    expect(await knownChunks(await machine.open(recording.storage), MANY + 2)).toEqual(
      upTo(MANY + 1),
    );
    expect(recording.count("get", "index/")).toBe(0);
  }
});

test("a machine that lost its cache merges too; the number goes on", async () => {
  const { storage } = await copyOfMany();
  const fresh = new Client();
  const { writer } = await snap(fresh, await fresh.open(storage), [chunk(MANY)]);
  expect(writer.counts.segments).toBe(1);
  const newest = (await segmentsIn(await fresh.open(storage))).at(-1)!;
  expect(newest).toMatchObject({ number: MANY + 1, body: { packCount: MANY + 1 } });
  expect(newest.replaces.length).toBe(MANY);
});

test("merged ones are merged again, and name all that they stand for", async () => {
  const { storage, client } = await copyOfMany();
  const last = 2 * MANY + 1;
  for (let i = MANY; i < last; i++) await snap(client, await client.open(storage), [chunk(i)]);
  const store = await client.open(storage);
  const merged = (await segmentsIn(store)).filter(({ replaces }) => replaces.length > 0);
  expect(merged.map(({ replaces }) => replaces.length)).toEqual([MANY, 2 * MANY]);
  const recording = recordStorage(storage);
  const cold = await new Client().open(recording.storage);
  expect(await knownChunks(cold, last + 1)).toEqual(upTo(last));
  expect(recording.count("get", "index/")).toBe(1);
  expect(cold.cache.list().filter((name) => name.endsWith(".object")).length).toBe(1);
}, 60_000);

test("what a merged segment repeats may go; where the merged one goes, the old ones count", async () => {
  const { storage, client } = await copyOfMany();
  await snap(client, await client.open(storage), [chunk(MANY)]);
  const names = await namesIn(storage, "index/");
  const kept = (await storage.get(names.at(-1)!))!;
  await (await client.open(storage)).catalog();
  storage.vanish(names.at(-1)!);
  for (const machine of [client, new Client()]) {
    expect(await knownChunks(await machine.open(storage), MANY + 1)).toEqual(upTo(MANY));
  }
  storage.plant(names.at(-1)!, kept);
  await (await client.open(storage)).catalog();
  for (const name of names.slice(0, -1)) storage.vanish(name);
  const recording = recordStorage(storage);
  for (const machine of [client, new Client()]) {
    const store = await machine.open(recording.storage);
    expect(await knownChunks(store, MANY + 1)).toEqual(upTo(MANY + 1));
    expect(store.findings.all).toEqual([]);
  }
  expect(recording.count("get", "index/")).toBe(1); // The fresh machine's.
});

test("old segments may go also where they share a run with what others wrote", async () => {
  const { storage, client } = await copyOfMany();
  const other = new Client({ label: "other" });
  const theirs = upTo(200).map((i) => utf8(`other ${i}`));
  await snap(other, await other.open(storage), theirs);
  const runs = (await (await client.open(storage)).catalog()).runs.length;
  const old = (await namesIn(storage, "index/")).filter((name) => objects.has(name));
  await snap(client, await client.open(storage), [chunk(MANY)]);
  const catalog = await (await client.open(storage)).catalog();
  expect(catalog.runs.length).toBe(runs + 1); // The merged one is small beside the others.
  for (const name of old) storage.vanish(name);
  const recording = recordStorage(storage);
  const store = await client.open(recording.storage);
  expect(await knownChunks(store, MANY + 1)).toEqual(upTo(MANY + 1));
  expect(recording.count("get", "index/")).toBe(0);
});

test("a damaged merged segment is a finding, and the old ones count", async () => {
  const { storage, client } = await copyOfMany();
  await snap(client, await client.open(storage), [chunk(MANY)]);
  const name = (await namesIn(storage, "index/")).at(-1)!;
  storage.plant(name, (await storage.get(name))!.subarray(0, 5000));
  const store = await new Client().open(storage);
  expect(await knownChunks(store, MANY + 1)).toEqual(upTo(MANY));
  expect(store.findings.all.map(({ subject }) => subject)).toEqual([name]);
});

test("a damaged old segment is left out of the merge and of no reading", async () => {
  const { storage } = await copyOfMany();
  const client = new Client();
  await (await client.open(storage)).catalog();
  const store = await client.open(storage);
  for (const name of store.cache.list()) if (name.endsWith(".object")) store.cache.delete(name);
  const name = (await namesIn(storage, "index/"))[7]!;
  storage.plant(name, utf8("rubbish"));
  await snap(client, store, [chunk(MANY)]);
  expect(store.findings.all.map(({ subject }) => subject)).toEqual([name]);
  const newest = (await segmentsIn(store, name)).at(-1)!;
  expect(newest.replaces.length).toBe(MANY - 1);
  expect(await knownChunks(await client.open(storage), MANY + 1)).toEqual(upTo(MANY + 1));
});

test("packs that are gone are repeated, and not relied on", async () => {
  const { storage, client } = await copyOfMany();
  const all = upTo(MANY + 1).map(chunk);
  const packs = (await (await client.open(storage)).catalog()).packs();
  const gone = [...packs.keys()].slice(0, 8);
  for (const hex of gone) storage.vanish(`packs/${hex.slice(0, 2)}/${hex}`);
  const store = await client.open(storage);
  const { writer, manifest } = await snap(client, store, all);
  expect(writer.counts).toMatchObject({ packs: 9, segments: 1 });
  const manifests = await loadManifests(store);
  const closure = closureOf(manifests, manifests.byId.get(hexId(manifest!.id))!);
  expect(closure.packs.size).toBe(all.length);
  expect(gone.filter((hex) => closure.packs.has(hex))).toEqual([]);
  const again = await snap(client, await client.open(storage), all);
  expect(again.writer.counts).toMatchObject({ packs: 0, segments: 0 });
});

test("a writer that claims to repeat another's segments hides none of them", async () => {
  const { storage, client } = await copyOfMany();
  const bundle = await writerBundle("server");
  await certify(await client.open(storage), bundle);
  const server = new Client({ label: "server", secret: { kind: "bundle", bundle } });
  const signing = await server.open(storage);
  const names = await namesIn(storage, "index/");
  const parsed = names.map((name) => parseName(name)!);
  const lie = await encodeSegment(signing.writeContext(), {
    number: 1000,
    time: 1,
    replaces: parsed.map(({ id }) => id).sort(compareBytes),
    body: buildSegmentBody([]),
  });
  await storage.put(lie.name, lie.bytes);
  // Also where the same ids stand in its own folder.
  const { publicKey } = signing.keyring.signer;
  for (const { id } of parsed) storage.plant(segmentName(publicKey, 7, id), utf8("rubbish"));
  for (const machine of [new Client(), client]) {
    for (let round = 0; round < 2; round++) {
      expect(await knownChunks(await machine.open(storage), MANY + 1)).toEqual(upTo(MANY));
    }
  }
  const { writer } = await snap(client, await client.open(storage), upTo(MANY).map(chunk));
  expect(writer.counts.packs).toBe(0);
});

test("another's segments are not merged", async () => {
  const { storage, client } = await copyOfMany();
  const other = new Client({ label: "other" });
  for (const i of upTo(3)) await snap(other, await other.open(storage), [utf8(`other ${i}`)]);
  await snap(client, await client.open(storage), [chunk(MANY)]);
  const merged = (await segmentsIn(await client.open(storage))).filter(
    ({ replaces }) => replaces.length > 0,
  );
  expect(merged.map(({ replaces, body }) => [replaces.length, body.packCount])).toEqual([
    [MANY, MANY + 1],
  ]);
});

for (const what of ["before", "after"] as const) {
  test(`a merging run that crashes ${what} its n-th call leaves a store that checks clean`, async () => {
    let n = 1;
    for (let finished = false; !finished; n++) {
      expect(n).toBeLessThan(100);
      const { storage, client } = await copyOfMany();
      const faulty = faultStorage(storage, [{ kind: "any", nth: n, what, crash: true }]);
      try {
        await snap(client, await client.open(faulty.storage), [chunk(MANY)]);
        finished = faulty.callCount() < n;
      } catch (error) {
        expect(error).toMatchObject({ code: CRASHED });
      }
      for (const machine of [new Client(), new Client({ local: client.local })]) {
        const store = await machine.open(storage);
        expect(await knownChunks(store, MANY)).toEqual(upTo(MANY));
        expect({ n, all: store.findings.all }).toEqual({ n, all: [] });
      }
      const again = new Client({ local: client.local });
      const { manifest } = await snap(again, await again.open(storage), upTo(MANY + 1).map(chunk));
      expect(manifest).toBeDefined();
      const checked = await runCheck(await new Client().open(storage), 0);
      expect({ n, findings: checked.findings }).toEqual({ n, findings: [] });
    }
    expect(n).toBeGreaterThan(5);
  }, 120_000);
}
