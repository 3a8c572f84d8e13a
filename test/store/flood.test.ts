// Floods: somebody with access to the storage plants very many objects. Good backups go on, what is
// there is still found, and the calls and the memory of a run stay bounded.

import { expect, test } from "bun:test";
import { utf8 } from "../../src/base/bytes.ts";
import { BunkerError } from "../../src/base/errors.ts";
import { hexId } from "../../src/base/ids.ts";
import { parseName } from "../../src/format/names.ts";
import { memoryStorage, type MemoryStorage } from "../../src/storage/memory.ts";
import { recordStorage } from "../../src/storage/record.ts";
import type { StoredObject } from "../../src/storage/storage.ts";
import { Findings } from "../../src/store/findings.ts";
import { closurePacks, listPacks, UNLISTED_COUNT_MAX } from "../../src/store/presence.ts";
import { loadManifests } from "../../src/store/snapshots.ts";
import type { Store } from "../../src/store/store.ts";
import { listObjects, Strangers } from "../../src/store/strangers.ts";
import { MemoryFolder } from "../support/local.ts";
import { Client, makeStore } from "../support/store.ts";
import { testWorld } from "../support/world.ts";
import { snap } from "./snap.ts";

const FLOOD = 100_000;
const JUNK = utf8("rubbish");
const GOOD = [0, 1, 2, 3, 4];
const chunk = (i: number) => utf8(`chunk ${i}`);

async function storeOf(): Promise<{ storage: MemoryStorage; client: Client; signer: string }> {
  const storage = memoryStorage(testWorld());
  await makeStore(storage);
  const client = new Client();
  for (const i of GOOD) await snap(client, await client.open(storage), [chunk(i)]);
  const signer = hexId((await client.open(storage)).keyring.signer.publicKey);
  return { storage, client, signer };
}

/** A different id for each number, none of which is the hash of anything. */
function idOf(i: number): string {
  return (BigInt(i + 1) * 0x9e3779b97f4a7c15n).toString(16).padStart(64, "0").slice(-64);
}

interface Flood {
  readonly count: number;
  readonly numberOf: (i: number) => number;
}

function plantSegments(storage: MemoryStorage, signer: string, { count, numberOf }: Flood): void {
  for (let i = 0; i < count; i++) {
    storage.plant(`index/${signer}/${String(numberOf(i)).padStart(10, "0")}-${idOf(i)}`, JUNK);
  }
}

async function knownChunks(store: Store): Promise<number[]> {
  const catalog = await store.catalog();
  return GOOD.filter((i) => catalog.findAll(store.core.idOf("data", chunk(i))).length > 0);
}

const FLOODS: Record<string, Flood> = {
  "with the greatest numbers": { count: FLOOD, numberOf: (i) => 4_294_967_295 - (i % 7) },
  "with the numbers to come": { count: FLOOD / 4, numberOf: (i) => 6 + i },
  "with the first number": { count: FLOOD / 4, numberOf: () => 1 },
};

for (const [where, flood] of Object.entries(FLOODS)) {
  test(`${flood.count} segments ${where}: what was known is known, cold and warm`, async () => {
    const { storage, client, signer } = await storeOf();
    plantSegments(storage, signer, flood);
    for (const machine of [client, new Client()]) {
      const recording = recordStorage(storage);
      const store = await machine.open(recording.storage);
      expect(await knownChunks(store)).toEqual(GOOD);
      expect(recording.count("get", "index/")).toBeLessThan(600); // Two passes at most.
      expect(store.findings.count).toBeLessThan(210);
      const { subject, message } = store.findings.all.at(-1)!;
      expect(subject).toBe("index/");
      expect(message).toMatch(/^\d+ more objects .* flooded/);
      expect(parseInt(message)).toBeGreaterThan(flood.count - 300);
    }
    const recording = recordStorage(storage);
    const store = await new Client().open(recording.storage);
    const { manifest, writer } = await snap(client, store, [...GOOD, 5].map(chunk));
    expect(manifest).toBeDefined();
    expect(writer.counts.packs).toBe(1);
    expect(recording.count("get", "index/")).toBeLessThan(600); // Two passes at most.
    const put = recording.calls.find(
      ({ kind, name }) => kind === "put" && name.startsWith("index/"),
    );
    expect(parseName(put!.name)).toMatchObject({ number: GOOD.length + 1 });
  }, 60_000);
}

test("segments by strangers, and what has no name of a segment, cost no call", async () => {
  const { storage, client } = await storeOf();
  for (let i = 0; i < FLOOD / 2; i++) {
    storage.plant(`index/${idOf(i)}/0000000001-${idOf(i)}`, JUNK);
    storage.plant(`index/${idOf(i)}`, JUNK);
  }
  const recording = recordStorage(storage);
  const store = await client.open(recording.storage);
  expect(await knownChunks(store)).toEqual(GOOD);
  expect(recording.count("get", "index/")).toBe(0);
  expect(store.findings.count).toBe(101);
  expect(store.findings.all.at(-1)!.message).toStartWith(`${FLOOD - 100} more objects`);
}, 60_000);

test("a flood of packs is bounded, hides no known pack, and stops no backup", async () => {
  const { storage, client } = await storeOf();
  for (let i = 0; i < FLOOD; i++) {
    const id = idOf(i);
    storage.plant(`packs/${id.slice(0, 2)}/${id}`, JUNK);
  }
  const store = await client.open(storage);
  const known = [...(await store.catalog()).packs().keys()];
  const presence = await listPacks(store, []);
  expect(presence.size).toBe(UNLISTED_COUNT_MAX + known.length);
  expect(known.every((hex) => presence.has(hex))).toBe(true);
  expect(store.findings.all.map(({ subject }) => subject)).toEqual(["packs/"]);
  expect(store.findings.all[0]!.message).toStartWith(`${FLOOD - UNLISTED_COUNT_MAX} more packs`);
  const last = idOf(FLOOD - 1);
  expect((await listPacks(store, [last])).has(last)).toBe(true);
  const { writer } = await snap(client, await client.open(storage), GOOD.map(chunk));
  expect(writer.counts.packs).toBe(0);
}, 60_000);

test("the packs that snapshots stand on are never left out, however many are unlisted", async () => {
  const { storage } = await storeOf();
  for (const { name } of await Array.fromAsync(storage.list("index/"))) storage.vanish(name);
  for (let i = 0; i < UNLISTED_COUNT_MAX + 1000; i++) {
    storage.plant(`packs/00/00${idOf(i).slice(2)}`, JUNK); // Before all others in a listing.
  }
  const store = await new Client().open(storage);
  const needed = closurePacks(await loadManifests(store));
  expect(needed.size).toBe(GOOD.length);
  const presence = await listPacks(store, needed);
  expect(presence.size).toBe(UNLISTED_COUNT_MAX + GOOD.length);
  expect([...needed].every((hex) => presence.has(hex))).toBe(true);
}, 60_000);

function strangersOf(cache = new MemoryFolder()) {
  const findings = new Findings();
  return { findings, cache, strangers: new Strangers({ cache, findings }, "index/") };
}

const objectOf = (i: number, modified = 1): StoredObject => ({ name: `n${i}`, bytes: 7, modified });
const refuse = () => Promise.reject(new BunkerError("corrupt", "rubbish"));

test("refused objects are remembered where there are many, and others have their turn", async () => {
  const cache = new MemoryFolder();
  const asked = new Set<string>();
  for (let round = 1; round <= 4; round++) {
    const { strangers, findings } = strangersOf(cache);
    for (let i = 0; i < 1000; i++) strangers.add("one", objectOf(i));
    await strangers.judge((object) => {
      asked.add(object.name);
      return refuse();
    });
    strangers.tellOmitted();
    expect(asked.size).toBe(Math.min(1000, round * 256));
    expect(findings.all.at(-1)!.message).toStartWith("900 more objects");
  }
  const { strangers, findings } = strangersOf(cache);
  for (let i = 0; i < 1000; i++) strangers.add("one", objectOf(i, i === 500 ? 2 : 1));
  const seen: string[] = [];
  await strangers.judge(({ name }) => {
    seen.push(name);
    return name === "n500" ? Promise.resolve() : refuse();
  });
  strangers.tellOmitted();
  expect(seen[0]).toBe("n500"); // Put there anew, so judged anew.
  expect(seen.length).toBe(1 + 8); // And a few of the others.
  expect(findings.all.at(-1)!.subject).toBe("index/");
});

test("a store that was mended is whole again at the next run", async () => {
  const cache = new MemoryFolder();
  const { strangers: damaged } = strangersOf(cache);
  for (let i = 0; i < 1000; i++) damaged.add("one", objectOf(i));
  await damaged.judge(refuse);
  const { strangers, findings } = strangersOf(cache);
  for (let i = 0; i < 1000; i++) strangers.add("one", objectOf(i));
  const { goodCount } = await strangers.judge(() => Promise.resolve());
  strangers.tellOmitted();
  expect(goodCount).toBe(1000);
  expect(findings.count).toBe(0);
});

test("more than can be held are listed again", async () => {
  const { strangers } = strangersOf();
  for (let i = 0; i < 40_000; i++) strangers.add("one", objectOf(i));
  const { goodCount, hasMore } = await strangers.judge(() => Promise.resolve());
  expect(hasMore).toBe(true);
  expect(goodCount).toBeGreaterThan(16_000);
});

test("a few refused objects are judged anew each time", async () => {
  const cache = new MemoryFolder();
  for (let round = 0; round < 2; round++) {
    const { strangers, findings } = strangersOf(cache);
    for (let i = 0; i < 20; i++) strangers.add("one", objectOf(i));
    await strangers.judge(refuse);
    expect(findings.count).toBe(20);
  }
});

test("what can't be read today is not remembered", async () => {
  const cache = new MemoryFolder();
  const denied = new BunkerError("denied", "no");
  const failures = [
    () => new BunkerError("corrupt", "can't be read", { cause: denied }),
    () => new BunkerError("unsupported-version", "made by a newer version"),
    () => new BunkerError("not-found", "gone"),
  ];
  for (const failure of failures) {
    for (let round = 0; round < 2; round++) {
      let count = 0;
      const { strangers } = strangersOf(cache);
      for (let i = 0; i < 200; i++) strangers.add("one", objectOf(i));
      await strangers.judge(() => {
        count += 1;
        return Promise.reject(failure());
      });
      expect(count).toBe(200);
    }
  }
});

test("what is no damage stops the run", async () => {
  const { strangers } = strangersOf();
  strangers.add("one", objectOf(1));
  const judging = strangers.judge(() => Promise.reject(new BunkerError("unavailable", "later")));
  expect(judging).rejects.toMatchObject({ code: "unavailable" });
});

test("good ones have no bound but memory: the first and the last ones are held, in each folder", async () => {
  const { strangers, findings } = strangersOf();
  for (let i = 0; i < 300_000; i++) strangers.add("many", objectOf(i));
  for (let i = 0; i < 3; i++) strangers.add("few", objectOf(-i));
  const seen: string[] = [];
  await strangers.judge(async ({ name }) => void seen.push(name));
  expect(seen.length).toBeGreaterThanOrEqual(16_384);
  expect(seen.length).toBeLessThan(30_000);
  expect(seen[0]).toBe("n299999");
  expect(seen).toContain("n8191");
  expect(seen).toContain("n-2");
  strangers.tellOmitted();
  expect(findings.all[0]!.message).toStartWith(`${300_003 - seen.length} more objects`);
});

test("objects are listed once each, from versions too, hidden or not", async () => {
  const storage = memoryStorage(testWorld(), { versions: true });
  const [a, b, c] = ["a", "b", "c"].map((name) => `index/${name}-${"0".repeat(64)}`);
  storage.plant(a!, JUNK);
  storage.plant(b!, JUNK);
  storage.plant(b!, utf8("longer rubbish"));
  await storage.delete(b!);
  storage.plant(c!, JUNK);
  storage.plant(c!, utf8("longer rubbish"));
  const listed = await Array.fromAsync(listObjects(storage, "index/"));
  expect(listed.map(({ name, bytes }) => [name, bytes])).toEqual([
    [a!, 7],
    [b!, 14],
    [c!, 14],
  ]);
});
