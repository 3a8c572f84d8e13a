// Link groups of a walk: numbers for files with several names, compared with plain maps.

import { describe, expect, test } from "bun:test";
import { LinkGroups } from "../../src/source/link-groups.ts";
import { withSeed } from "../support/random.ts";

const MIB = 1024 * 1024;
const OLD = { modified: { seconds: 1_700_000_000, nanoseconds: 5 }, size: 12 };

/** What a map of strings says of the same files. */
class Reference {
  readonly #files = new Map<string, { readonly group: number; left: number }>();
  #last = 0;

  get waiting(): number {
    return this.#files.size;
  }

  groupOf(file: { deviceId: number; inode: number | bigint; links: number }): number {
    const key = `${file.deviceId} ${file.inode}`;
    const known = this.#files.get(key);
    if (known === undefined) {
      this.#files.set(key, { group: ++this.#last, left: file.links - 1 });
      return this.#last;
    }
    if (--known.left === 0) this.#files.delete(key);
    return known.group;
  }
}

test("all names of a file have one number, and no other file has it", () =>
  withSeed((random) => {
    const groups = new LinkGroups();
    const reference = new Reference();
    // Few enough that most are met again, and that clusters of the table are broken up again.
    for (let step = 0; step < 200_000; step++) {
      const number = random.int(6000);
      const inode = number % 7 === 0 ? (BigInt(number) << 40n) | 5n : number * 2 ** (number % 20);
      const file = { deviceId: 8 * 2 ** 32 + (number % 3), inode, links: 2 + (number % 4), ...OLD };
      const group = groups.groupOf(file);
      if (group !== reference.groupOf(file)) throw new Error(`another group at step ${step}`);
    }
    expect(groups.waiting).toBe(reference.waiting);
  }));

describe("files whose other names lie outside", () => {
  test("take 40 MiB for a million", () => {
    const groups = new LinkGroups();
    for (let inode = 1; inode <= 1_000_000; inode++) {
      groups.groupOf({ deviceId: 2049, inode, links: 2, ...OLD });
    }
    expect(groups.waiting).toBe(1_000_000);
    expect(groups.memoryBytes).toBeLessThan(41 * MIB);
    expect(groups.groupOf({ deviceId: 2049, inode: 500_000, links: 2, ...OLD })).toBe(500_000);
  });

  test("take no more room than their bound, and those beyond it have groups of their own", () => {
    let told = 0;
    const groups = new LinkGroups({ filesMax: 2, onFull: () => (told += 1) });
    const numbers = [1, 2, 3, 3, 4, 1, 2].map((inode) =>
      groups.groupOf({ deviceId: 1, inode, links: 2, ...OLD }),
    );
    expect(numbers).toEqual([1, 2, 3, 4, 5, 1, 2]);
    expect(told).toBe(1);
    expect(groups.waiting).toBe(0);
  });
});

test("those whose names were all met take no room", () => {
  const groups = new LinkGroups();
  const before = groups.memoryBytes;
  for (let inode = 1; inode <= 100_000; inode++) {
    const file = { deviceId: 1, inode, links: 3, ...OLD };
    const numbers = [0, 1, 2].map(() => groups.groupOf(file));
    expect(new Set(numbers)).toEqual(new Set([inode]));
  }
  expect(groups.waiting).toBe(0);
  expect(groups.memoryBytes).toBe(before);
});

test("a file that has taken the inode of another one is not that one", () => {
  const groups = new LinkGroups();
  const file = { deviceId: 1, inode: 77, links: 2, ...OLD };
  const later = { seconds: OLD.modified.seconds, nanoseconds: OLD.modified.nanoseconds + 1 };
  expect(groups.groupOf(file)).toBe(1);
  expect(groups.groupOf({ ...file, size: 13 })).toBe(2);
  expect(groups.groupOf({ ...file, modified: later })).toBe(3);
  expect(groups.groupOf({ ...file, modified: later })).toBe(3);
  expect(groups.waiting).toBe(0);
});
