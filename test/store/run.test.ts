// Runs and their merge: look-ups in sorted records, whatever the ids.

import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Bytes } from "../../src/base/bytes.ts";
import { Catalog, PACK_UNUSABLE, PACK_USABLE } from "../../src/store/catalog.ts";
import { mergeRuns } from "../../src/store/merge.ts";
import { isRun, Run } from "../../src/store/run.ts";
import { replacedIn, segmentsOf } from "../../src/store/run-segments.ts";
import { MemoryFolder } from "../support/local.ts";
import { type SeededRandom, withSeed } from "../support/random.ts";
import { pair, pairsOf, type PlainRun, runOf } from "./runs.ts";

function randomRun(random: SeededRandom, blobCount: number, packCount = 5): PlainRun {
  return {
    segment: random.bytes(32),
    packs: Array.from({ length: packCount }, () => random.bytes(32)),
    blobs: Array.from({ length: blobCount }, () => ({
      id: random.bytes(32),
      pack: random.int(packCount),
    })),
  };
}

function merged(first: PlainRun, second: PlainRun): Run {
  const cache = new MemoryFolder();
  mergeRuns(new Run(runOf(first)), new Run(runOf(second)), () => cache.create("merged"));
  return new Run(cache.read("merged")!);
}

function pairsIn(run: Run): string[] {
  return Array.from({ length: run.counts.blobs }, (_, i) =>
    pair(run.idAt(i), run.packAt(run.packOf(i)).id),
  ).sort();
}

for (const count of [1, 2, 3, 9, 100, 10_000]) {
  test(`all of ${count} ids are found, and no other`, () =>
    withSeed((random) => {
      const plain = randomRun(random, count);
      const run = new Run(runOf(plain));
      for (const { id, pack } of plain.blobs) {
        const index = run.find(id);
        expect(run.idAt(index)).toEqual(new Uint8Array(id));
        expect(run.packAt(run.packOf(index)).id).toEqual(new Uint8Array(plain.packs[pack]!));
      }
      for (let i = 0; i < 200; i++) expect(run.find(random.bytes(32))).toBe(-1);
      for (const { id } of plain.blobs.slice(0, 100)) {
        const near = Uint8Array.from(id);
        near[31]! ^= 1;
        expect(run.find(near)).toBe(-1);
      }
    }));
}

test("an empty run finds nothing", () => {
  const run = new Run(runOf({ segment: new Uint8Array(32), packs: [], blobs: [] }));
  expect(run.find(new Uint8Array(32))).toBe(-1);
});

test("ids at both ends and ids that share their beginnings are found", () => {
  const ids: Uint8Array[] = [new Uint8Array(32), new Uint8Array(32).fill(255)];
  // All in one heap, where interpolation does not help.
  for (let i = 0; i < 3000; i++) {
    const id = new Uint8Array(32).fill(7);
    id[30] = i >> 8;
    id[31] = i & 255;
    ids.push(id);
  }
  const run = new Run(
    runOf({
      segment: new Uint8Array(32),
      packs: [new Uint8Array(32)],
      blobs: ids.map((id) => ({ id, pack: 0 })),
    }),
  );
  for (const id of ids) expect(Buffer.from(run.idAt(run.find(id))).equals(id)).toBe(true);
});

test("an id in several packs: the first of its records is found", () =>
  withSeed((random) => {
    const id = random.bytes(32);
    const plain = randomRun(random, 500, 40);
    const copies = plain.packs.map((_, pack) => ({ id, pack }));
    const run = new Run(runOf({ ...plain, blobs: [...plain.blobs, ...copies] }));
    const first = run.find(id);
    expect(first === 0 || !run.isSame(first - 1, id)).toBe(true);
    for (let i = 0; i < copies.length; i++) expect(run.isSame(first + i, id)).toBe(true);
    expect(run.isSame(first + copies.length, id)).toBe(false);
  }));

test("an id in all records of a run: the very first is found", () => {
  const id = new Uint8Array(32).fill(9);
  const packs = Array.from({ length: 40 }, (_, i) => new Uint8Array(32).fill(i));
  const blobs = packs.map((_, pack) => ({ id, pack }));
  expect(new Run(runOf({ segment: id, packs, blobs })).find(id)).toBe(0);
});

test("the merge of two runs is their union", () => {
  const byte = fc.integer({ min: 0, max: 3 });
  const id = fc.tuple(byte, byte).map(([a, b]) => new Uint8Array(32).fill(a).fill(b, 16) as Bytes);
  const plain = fc
    .tuple(fc.uniqueArray(id, { minLength: 1, maxLength: 5, selector: String }), id)
    .chain(([packs, segment]) =>
      fc.record({
        segment: fc.constant(segment),
        packs: fc.constant(packs),
        blobs: fc.uniqueArray(
          fc.record({ id, pack: fc.integer({ min: 0, max: packs.length - 1 }) }),
          { maxLength: 20, selector: (blob) => `${String(blob.id)} ${blob.pack}` },
        ),
      }),
    );
  fc.assert(
    fc.property(plain, plain, (first, second) => {
      const run = merged(first, second);
      const expected = [...new Set([...pairsOf(first), ...pairsOf(second)])].sort();
      expect(pairsIn(run)).toEqual(expected);
      expect(run.counts.packs).toBe(new Set([...first.packs, ...second.packs].map(String)).size);
      const segments = new Set([first, second].map(({ segment }) => String(segment)));
      expect(run.counts.segments).toBe(segments.size);
      for (const text of expected)
        expect(run.find(Buffer.from(text.slice(0, 64), "hex"))).not.toBe(-1);
    }),
    { numRuns: 300 },
  );
});

test("what a run's segments repeat is no segment of the merge, in either order", () =>
  withSeed((random) => {
    const plain = randomRun(random, 20);
    const newest = { ...plain, segment: random.bytes(32), replaces: [plain.segment] };
    for (const run of [merged(plain, newest), merged(newest, plain)]) {
      expect(segmentsOf(run)).toMatchObject([{ id: new Uint8Array(newest.segment), number: 5 }]);
      expect(replacedIn(run)).toMatchObject([{ id: new Uint8Array(plain.segment), number: 0 }]);
      expect(pairsIn(run)).toEqual(pairsOf(plain));
    }
  }));

test("a large merge keeps every record, in order", () =>
  withSeed((random) => {
    const first = randomRun(random, 9000, 30);
    const second = randomRun(random, 5000, 30);
    const run = merged(first, second);
    expect(pairsIn(run)).toEqual([...pairsOf(first), ...pairsOf(second)].sort());
    for (let i = 1; i < run.counts.blobs; i++) {
      expect(Buffer.compare(run.idAt(i - 1), run.idAt(i))).toBe(-1);
    }
  }));

test("what is cut short, too long or of another kind is no run", () => {
  const bytes = runOf({ segment: new Uint8Array(32), packs: [new Uint8Array(32)], blobs: [] });
  expect(isRun(bytes)).toBe(true);
  for (const wrong of [
    bytes.subarray(0, 31),
    bytes.subarray(0, -1),
    Buffer.concat([bytes, new Uint8Array(1)]),
    bytes.map((byte, i) => (i === 0 ? byte ^ 1 : byte)),
    bytes.map((byte, i) => (i === 4 ? 1 : byte)),
    bytes.map((byte, i) => (i === 16 ? 1 : byte)),
    bytes.map((byte, i) => (i === 20 ? 1 : byte)),
  ]) {
    expect(isRun(wrong)).toBe(false);
    expect(() => new Run(wrong)).toThrow();
  }
});

test("a catalog asks usable packs of trusted runs only", () => {
  const [id, other] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  const [good, bad] = [new Uint8Array(32).fill(8), new Uint8Array(32).fill(9)];
  const catalog = new Catalog();
  const blobs = [
    { id, pack: 0 },
    { id, pack: 1 },
    { id: other, pack: 1 },
  ];
  catalog.add(runOf({ segment: id, packs: [good, bad], blobs }), { trusted: true });
  expect(catalog.findUsable(id)).toBe(-1); // Nobody has said that the packs are there.
  catalog.mark((pack) => (Buffer.from(pack.id).equals(good) ? PACK_USABLE : PACK_UNUSABLE));
  expect(catalog.placeAt(catalog.findUsable(id)).packId).toEqual(good);
  expect(catalog.findUsable(other)).toBe(-1);
  expect(catalog.findAll(other).length).toBe(1);
  expect(catalog.findAll(id).map((place) => place.packId)).toEqual([good, bad]);
  const foreign = catalog.add(
    runOf({ segment: other, packs: [bad], blobs: [{ id: other, pack: 0 }] }),
    {
      trusted: false,
    },
  );
  foreign.marks.fill(PACK_USABLE);
  expect(catalog.findUsable(other)).toBe(-1);
  expect(catalog.findUsable(other, 0, { anyTrust: true })).toBeGreaterThan(-1);
  const joined = Buffer.concat([new Uint8Array(5), id]);
  expect(catalog.findUsable(joined, 5)).toBe(catalog.findUsable(id));
});
