// The contract of a storage as tests: every storage and every decorator runs the same ones.

import { describe, expect, test } from "bun:test";

import { type Bytes, hexOf } from "../../src/base/bytes.ts";
import { BunkerError, type ErrorCode } from "../../src/base/errors.ts";
import type { Storage } from "../../src/storage/storage.ts";
import { seededRandom, withSeed } from "../support/random.ts";
import { nameFor } from "./naming.ts";

export interface Harness extends AsyncDisposable {
  readonly storage: Storage;
  /** Puts any bytes under a name, past the storage. */
  plant(name: string, bytes: Bytes): Promise<void>;
}

export function numbered(count: number, byteCount = 100): Uint8Array<ArrayBuffer>[] {
  return Array.from({ length: count }, (_, i) => seededRandom(i).bytes(byteCount));
}

/** Waits for a call to fail and returns the error, which must be of ours and have this code. */
export async function failureOf(code: ErrorCode, run: Promise<unknown>): Promise<BunkerError> {
  const error = await run.then(
    () => expect.unreachable(`no ${code} was thrown`),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(BunkerError);
  expect((error as BunkerError).code).toBe(code);
  return error as BunkerError;
}

export async function namesOf(storage: Storage, prefix = "", after?: string): Promise<string[]> {
  const options = after === undefined ? undefined : { after };
  return (await Array.fromAsync(storage.list(prefix, options))).map((object) => object.name);
}

const BAD_NAMES = [
  "",
  "packs/00/abc",
  `/packs/${"a".repeat(64)}`,
  `packs//${"a".repeat(64)}`,
  `packs/../${"a".repeat(64)}`,
  `./${"a".repeat(64)}`,
  `packs/${"A".repeat(64)}`,
  `packs/é${"a".repeat(64)}`,
  `packs/x\0${"a".repeat(64)}`,
  `tmp/${"a".repeat(64)}`,
  `aside/${"a".repeat(64)}`,
  `${"a".repeat(256)}`,
  `packs/${"a".repeat(64)}/`,
];

/** Declares the contract's tests; `open` makes an empty storage for each. */
export function storageSuite(name: string, open: () => Promise<Harness>): void {
  describe(`${name}: contract`, () => {
    describeObjects(open);
    describeLists(open);
    describeVersions(open);
    describePlace(open);
  });
}

function describeObjects(open: () => Promise<Harness>): void {
  test("gives back what was put, as the caller's own bytes", async () => {
    await withSeed(async (random) => {
      await using harness = await open();
      const { storage } = harness;
      for (const byteCount of [0, 1, 4096, 3 * 1024 * 1024 + 7]) {
        const bytes = random.bytes(byteCount);
        const name = nameFor(bytes);
        const given = bytes.slice();
        await storage.put(name, given);
        given.fill(0);
        const first = (await storage.get(name))!;
        expect(hexOf(first)).toBe(hexOf(bytes));
        expect(first.buffer.byteLength).toBe(byteCount);
        first.fill(1);
        expect(hexOf((await storage.get(name))!)).toBe(hexOf(bytes));
      }
    });
  });

  test("takes no object that is longer than allowed", async () => {
    await using harness = await open();
    const { storage } = harness;
    const bytes = seededRandom(3).bytes(2 * 1024 * 1024);
    const name = nameFor(bytes);
    await storage.put(name, bytes);
    await failureOf("corrupt", storage.get(name, { bytesMax: 1024 * 1024 }));
    expect(await storage.get(name, { bytesMax: bytes.length })).toHaveLength(bytes.length);
  });

  test("takes bytes that are a view into something larger", async () => {
    await using harness = await open();
    const whole = seededRandom(1).bytes(1000);
    const part = whole.subarray(100, 300);
    await harness.storage.put(nameFor(part), part);
    expect(hexOf((await harness.storage.get(nameFor(part)))!)).toBe(hexOf(part));
  });

  test("reads ranges exactly, and what there is past the end", async () => {
    await using harness = await open();
    const { storage } = harness;
    const bytes = seededRandom(2).bytes(100_000);
    const name = nameFor(bytes);
    await storage.put(name, bytes);
    const cases = [
      [0, 0],
      [0, 1],
      [65_536, 1000],
      [99_999, 1],
      [99_990, 100],
      [0, 1_000_000],
      [100_000, 10],
      [200_000, 10],
    ] as const;
    for (const [offset, length] of cases) {
      const part = (await storage.get(name, { range: { offset, length } }))!;
      expect(hexOf(part)).toBe(hexOf(bytes.subarray(offset, offset + length)));
      expect(part.buffer.byteLength).toBe(part.length);
    }
    const range = { offset: 0, length: 1 };
    expect(await storage.get(nameFor(bytes, "packs/ff/"), { range })).toBeUndefined();
  });

  test("has nothing where nothing was put", async () => {
    await using harness = await open();
    const name = nameFor(new Uint8Array(1));
    expect(await harness.storage.get(name)).toBeUndefined();
    expect(await harness.storage.lockOf(name)).toBeUndefined();
    await harness.storage.delete(name);
    expect(await namesOf(harness.storage)).toEqual([]);
  });

  test("takes the same object twice, also at once", async () => {
    await using harness = await open();
    const bytes = seededRandom(3).bytes(10_000);
    const name = nameFor(bytes);
    await Promise.all(Array.from({ length: 8 }, () => harness.storage.put(name, bytes)));
    await harness.storage.put(name, bytes);
    expect(await namesOf(harness.storage)).toEqual([name]);
    expect(hexOf((await harness.storage.get(name))!)).toBe(hexOf(bytes));
  });

  test("takes many objects at once", async () => {
    await using harness = await open();
    const objects = numbered(64, 5000);
    const named = objects.map((bytes, i) => [nameFor(bytes, `packs/0${i % 8}/`), bytes] as const);
    await Promise.all(named.map(([name, bytes]) => harness.storage.put(name, bytes)));
    expect(await namesOf(harness.storage)).toEqual(named.map(([name]) => name).sort());
    for (const [name, bytes] of named) {
      expect(hexOf((await harness.storage.get(name))!)).toBe(hexOf(bytes));
    }
  });

  test("puts the right bytes in place of wrong ones", async () => {
    await using harness = await open();
    const bytes = seededRandom(4).bytes(1000);
    const name = nameFor(bytes);
    for (const wrong of [bytes.subarray(0, 999), new Uint8Array(0), new Uint8Array(1000)]) {
      await harness.plant(name, wrong);
      expect(hexOf((await harness.storage.get(name))!)).toBe(hexOf(wrong));
      await harness.storage.put(name, bytes);
      expect(hexOf((await harness.storage.get(name))!)).toBe(hexOf(bytes));
      expect(await namesOf(harness.storage)).toEqual([name]);
    }
  });

  test("deletes one object and leaves the others", async () => {
    await using harness = await open();
    const { storage } = harness;
    const names: string[] = [];
    for (const bytes of numbered(3)) {
      names.push(nameFor(bytes));
      await storage.put(nameFor(bytes), bytes);
    }
    await storage.delete(names[1]!);
    await storage.delete(names[1]!);
    expect(await storage.get(names[1]!)).toBeUndefined();
    expect(await namesOf(storage)).toEqual([names[0]!, names[2]!].sort());
  });

  test("refuses names that are none", async () => {
    await using harness = await open();
    const { storage } = harness;
    for (const name of BAD_NAMES) {
      await failureOf("invalid-argument", storage.put(name, new Uint8Array(1)));
      await failureOf("invalid-argument", storage.get(name));
      await failureOf("invalid-argument", storage.delete(name));
      await failureOf("invalid-argument", storage.lockOf(name));
    }
    expect(await namesOf(storage)).toEqual([]);
  });

  test("does not begin where the caller has given up", async () => {
    await using harness = await open();
    const bytes = new Uint8Array(10);
    const signal = AbortSignal.abort();
    await failureOf("interrupted", harness.storage.put(nameFor(bytes), bytes, { signal }));
    expect(await namesOf(harness.storage)).toEqual([]);
    await failureOf("interrupted", harness.storage.get(nameFor(bytes), { signal }));
  });
}

// The order of "-", ".", "/" and "0" is where folders by themselves would sort wrongly.
const FOLDERS = ["a/", "a-b/", "a.b/", "a/b/", "a/b-c/", "a0/", "ab/c/d/", "", "b/0-", "b/1-"];

function describeLists(open: () => Promise<Harness>): void {
  test("lists by prefix in the byte order of names, with sizes", async () => {
    await using harness = await open();
    const { storage } = harness;
    const byteCounts = new Map<string, number>();
    for (const [i, folder] of FOLDERS.entries()) {
      for (const bytes of [seededRandom(i).bytes(10 + i), seededRandom(100 + i).bytes(50)]) {
        const name = nameFor(bytes, folder);
        byteCounts.set(name, bytes.length);
        await storage.put(name, bytes);
      }
    }
    const all = [...byteCounts.keys()].sort();
    const objects = await Array.fromAsync(storage.list(""));
    expect(objects.map(({ name, bytes }) => [name, bytes])).toEqual(
      all.map((name) => [name, byteCounts.get(name)!]),
    );
    const prefixes = ["a", "a/", "a/b", "a/b/", "a-", "b/0", "b/2", "c", "a/b/c/", all[5]!, "a."];
    for (const prefix of prefixes) {
      const wanted = all.filter((name) => name.startsWith(prefix));
      expect([prefix, await namesOf(storage, prefix)]).toEqual([prefix, wanted]);
    }
    for (const after of [...all, ...FOLDERS, "a0", "zz", "a/b/~"]) {
      for (const prefix of ["", "a", "b/"]) {
        const wanted = all.filter((name) => name.startsWith(prefix) && name > after);
        expect([after, await namesOf(storage, prefix, after)]).toEqual([after, wanted]);
      }
    }
  });

  test("refuses prefixes that no name begins with", async () => {
    await using harness = await open();
    for (const prefix of ["../", "/", "a//b", "./a", "A", "a/../b", "\0"]) {
      await failureOf("invalid-argument", namesOf(harness.storage, prefix));
    }
  });

  test("ends a list early without harm, and lists while objects go", async () => {
    await using harness = await open();
    const { storage } = harness;
    const objects = numbered(6);
    for (const bytes of objects) await storage.put(nameFor(bytes, "p/"), bytes);
    const names = objects.map((bytes) => nameFor(bytes, "p/")).sort();
    for await (const { name } of storage.list("p/")) {
      expect(name).toBe(names[0]!);
      break;
    }
    for await (const { name } of storage.list("p/")) await storage.delete(name);
    expect(await namesOf(storage)).toEqual([]);
  });
}

function describeVersions(open: () => Promise<Harness>): void {
  test("lists versions: all of them, or each object as its one version", async () => {
    await using harness = await open();
    const { storage } = harness;
    const bytes = seededRandom(5).bytes(77);
    const name = nameFor(bytes);
    await storage.put(name, bytes);
    const [version, ...others] = await Array.fromAsync(storage.listVersions("packs/"));
    expect(others).toEqual([]);
    expect(version).toMatchObject({ name, bytes: 77, latest: true, hidden: false });
    const { versionId } = version!;
    expect(hexOf((await storage.get(name, { versionId }))!)).toBe(hexOf(bytes));
    expect(await storage.get(name, { versionId: "none" })).toBeUndefined();
    await storage.delete(name, "none");
    expect(await namesOf(storage)).toEqual([name]);
    await storage.delete(name, versionId);
    expect(await Array.fromAsync(storage.listVersions(""))).toEqual([]);
  });

  test("what is deleted by name is hidden where there are versions, else gone", async () => {
    await using harness = await open();
    const { storage } = harness;
    const bytes = seededRandom(6).bytes(10);
    const name = nameFor(bytes);
    await storage.put(name, bytes);
    await storage.delete(name);
    expect(await storage.get(name)).toBeUndefined();
    const versions = await Array.fromAsync(storage.listVersions(""));
    if (!storage.abilities.versions) {
      expect(versions).toEqual([]);
      return;
    }
    expect(versions.map(({ hidden, latest }) => ({ hidden, latest }))).toEqual([
      { hidden: true, latest: true },
      { hidden: false, latest: false },
    ]);
    await storage.delete(name, versions[0]!.versionId);
    expect(hexOf((await storage.get(name))!)).toBe(hexOf(bytes));
  });

  test("refuses locks where there are none", async () => {
    await using harness = await open();
    const { storage } = harness;
    if (storage.abilities.locks) return;
    const bytes = new Uint8Array(5);
    const lock = { mode: "compliance", until: 1 } as const;
    await failureOf("denied", storage.put(nameFor(bytes), bytes, { lock }));
    expect(await namesOf(storage)).toEqual([]);
    await storage.put(nameFor(bytes), bytes);
    await failureOf("denied", storage.setLock(nameFor(bytes), lock));
    expect(await storage.lockOf(nameFor(bytes))).toBeUndefined();
  });
}

function describePlace(open: () => Promise<Harness>): void {
  test("dates objects by its own clock, which does not go back", async () => {
    await using harness = await open();
    const { storage } = harness;
    const before = await storage.serverTime();
    const bytes = new Uint8Array(5);
    await storage.put(nameFor(bytes), bytes);
    const [object] = await Array.fromAsync(storage.list(""));
    const after = await storage.serverTime();
    for (const time of [before, object!.modified, after]) expect(time).toBe(Math.floor(time));
    // A bucket's clock is known to the second.
    const doubt = storage.abilities.dear ? 1000 : 0;
    expect(before).toBeLessThanOrEqual(object!.modified + doubt);
    expect(object!.modified).toBeLessThanOrEqual(after + doubt);
    expect(await namesOf(storage)).toHaveLength(1);
  });

  test("has one location id, made when asked for", async () => {
    await using harness = await open();
    const { storage } = harness;
    expect(await storage.locationId(false)).toBeUndefined();
    if (storage.bucketPlace !== undefined) return; // That is its id.
    const ids = await Promise.all([1, 2, 3, 4].map(() => storage.locationId(true)));
    expect(ids[0]).toHaveLength(16);
    expect(new Set(ids.map((id) => hexOf(id!))).size).toBe(1);
    expect(hexOf((await storage.locationId(false))!)).toBe(hexOf(ids[0]!));
    expect(await namesOf(storage)).toEqual([]);
    expect(storage.location).not.toBe("");
    await storage.close();
  });
}
