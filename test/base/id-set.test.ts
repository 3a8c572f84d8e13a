// Id sets against the runtime's own, their bounds, and what a million ids cost.

import { expect, test } from "bun:test";
import { hexOf } from "../../src/base/bytes.ts";
import { IdSet } from "../../src/base/id-set.ts";
import { withSeed } from "../support/random.ts";

test("random ids, again and again, with many that begin alike: as a set says", () =>
  withSeed((random) => {
    for (const idBytes of [8, 16, 32]) {
      const set = new IdSet({ idBytes });
      const expected = new Set<string>();
      const known: Uint8Array[] = [];
      for (let i = 0; i < 20_000; i++) {
        const again = known.length > 0 && random.int(3) === 0;
        const id = again ? known[random.int(known.length)]! : random.bytes(32);
        if (!again && random.int(4) === 0) id.fill(7, 0, 4);
        const key = hexOf(id.subarray(0, idBytes));
        expect(set.has(id)).toBe(expected.has(key));
        expect(set.add(id)).toBe(!expected.has(key));
        expected.add(key);
        known.push(id);
      }
      expect(set.count).toBe(expected.size);
      const found: string[] = [];
      set.each((ids, at) => found.push(hexOf(ids.subarray(at, at + idBytes))));
      expect(found).toEqual([...expected]);
      set.clear();
      expect([set.count, set.has(known[0]!)]).toEqual([0, false]);
    }
  }));

test("ids are read where they stand in a list", () =>
  withSeed((random) => {
    const ids = random.bytes(3 * 32);
    const set = new IdSet({ idBytes: 32 });
    expect([set.add(ids, 32), set.has(ids, 32), set.has(ids), set.has(ids, 64)]).toEqual([
      true,
      true,
      false,
      false,
    ]);
  }));

test("a full set takes in nothing more and keeps what it has", () =>
  withSeed((random) => {
    const set = new IdSet({ idBytes: 8, countMax: 2 });
    const [a, b, c] = [random.bytes(32), random.bytes(32), random.bytes(32)];
    expect([set.add(a), set.isFull, set.add(b), set.isFull]).toEqual([true, false, true, true]);
    expect([set.add(c), set.add(c), set.has(c), set.has(a), set.has(b), set.add(a)]).toEqual([
      true,
      true,
      false,
      true,
      true,
      false,
    ]);
    expect(set.count).toBe(2);
  }));

test("a million ids cost what is said of them", () => {
  for (const [idBytes, mebibytes] of [
    [16, 24],
    [32, 40],
  ] as const) {
    const set = new IdSet({ idBytes });
    const id = new Uint8Array(32);
    const words = new Uint32Array(id.buffer);
    for (let i = 0; i < 1_000_000; i++) {
      words[0] = Math.imul(i, 0x9e37_79b1);
      words[1] = i;
      set.add(id);
    }
    expect(set.count).toBe(1_000_000);
    expect(set.memoryBytes).toBeLessThanOrEqual(mebibytes * 1024 * 1024);
  }
});
