// Holes: found where the file system has them, and left out of what is read.

import { expect, test } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";
import { utf8 } from "../../src/base/bytes.ts";
import {
  dataBytesOf,
  DataReader,
  findHoles,
  type Hole,
  holesAmong,
  mayHaveHoles,
} from "../../src/source/holes.ts";
import type { FileSystem } from "../../src/system/files.ts";
import { openFileSystem } from "../../src/system/open.ts";
import { seededRandom } from "../support/random.ts";
import { tempDir } from "../support/temp.ts";

const KIB = 1024;

/** A file system in which a file has data only in these ranges: [from, to]. */
function withData(ranges: readonly (readonly [number, number])[]): FileSystem {
  return {
    dataFrom: (_: number, at: number) => {
      const range = ranges.find(([, to]) => to > at);
      return range === undefined ? undefined : Math.max(range[0], at);
    },
    holeFrom: (_: number, at: number) =>
      ranges.find(([from, to]) => from <= at && to > at)?.[1] ?? at,
  } as unknown as FileSystem;
}

const found = (ranges: readonly (readonly [number, number])[], size: number, countMax?: number) =>
  findHoles(withData(ranges), 0, size, countMax);

test("holes before, between and after the data", () => {
  const size = 100 * KIB;
  expect(found([[0, size]], size)).toEqual([]);
  expect(found([], size)).toEqual([[0, size]]);
  expect(found([], 0)).toEqual([]);
  expect(
    found(
      [
        [8 * KIB, 12 * KIB],
        [40 * KIB, 44 * KIB],
      ],
      size,
    ),
  ).toEqual([
    [0, 8 * KIB],
    [12 * KIB, 28 * KIB],
    [44 * KIB, 56 * KIB],
  ]);
});

test("less than a block is no hole, but at the end", () => {
  expect(
    found(
      [
        [0, 10],
        [100, 200],
      ],
      5000,
    ),
  ).toEqual([[200, 4800]]);
  expect(
    found(
      [
        [0, 10],
        [100, 200],
      ],
      207,
    ),
  ).toEqual([[200, 7]]);
  expect(
    found(
      [
        [0, 4096],
        [8192, 12288],
      ],
      12288,
    ),
  ).toEqual([[4096, 4096]]);
});

test("data beyond the size, as of a file that grows, is not looked at", () => {
  expect(
    found(
      [
        [0, 4096],
        [20_000, 30_000],
      ],
      10_000,
    ),
  ).toEqual([[4096, 5904]]);
  expect(found([[0, 30_000]], 10_000)).toEqual([]);
});

test("where there are more than an entry holds, the largest are holes", () => {
  const ranges = Array.from(
    { length: 50 },
    (_, i) => [i * 100 * KIB, i * 100 * KIB + 4 * KIB * (i + 1)] as const,
  ).filter(([from, to]) => to - from < 96 * KIB);
  const size = 5000 * KIB;
  const all = found(ranges, size);
  const few = found(ranges, size, 5);
  expect(few).toHaveLength(5);
  const lengths = (holes: readonly Hole[]) => holes.map(([, length]) => length);
  const largestFirst = (holes: readonly Hole[]) => lengths(holes).sort((a, b) => b - a);
  expect(largestFirst(few)).toEqual(largestFirst(all).slice(0, 5));
  expect(few.map(([offset]) => offset)).toEqual(
    few.map(([offset]) => offset).sort((a, b) => a - b),
  );
});

test("a file that answers nonsense is read as it is", () => {
  const stuck = { dataFrom: () => 0, holeFrom: () => 0 } as unknown as FileSystem;
  expect(findHoles(stuck, 0, 1000)).toEqual([]);
});

test("data is read in order, however much is asked for", () => {
  using temp = tempDir();
  const path = join(temp.path, "file");
  const random = seededRandom(5);
  const content = random.bytes(64 * KIB);
  const holes: Hole[] = [
    [0, 5],
    [100, 4096],
    [30_000, 1],
    [60 * KIB, 4 * KIB],
  ];
  fs.writeFileSync(path, content);
  const isData = (at: number) =>
    !holes.some(([offset, length]) => at >= offset && at < offset + length);
  const expected = Buffer.from(content.filter((_, at) => isData(at)));
  expect(dataBytesOf(content.length, holes)).toBe(expected.length);
  const descriptor = fs.openSync(path, "r");
  for (const step of [1, 7, 4096, 100 * KIB]) {
    const reader = new DataReader(descriptor, content.length, holes);
    const pieces: Buffer[] = [];
    const view = new Uint8Array(step);
    for (let count = reader.read(view); count > 0; count = reader.read(view)) {
      pieces.push(Buffer.from(view.slice(0, count)));
    }
    expect(Buffer.concat(pieces).equals(expected)).toBe(true);
    expect(reader.read(view)).toBe(0);
  }
  // A file that was cut meanwhile ends early.
  fs.truncateSync(path, 200);
  const reader = new DataReader(descriptor, content.length, holes);
  const view = new Uint8Array(KIB);
  expect(reader.read(view)).toBe(95);
  expect(reader.read(view)).toBe(0);
  fs.closeSync(descriptor);
});

test.skipIf(process.platform !== "linux")("a sparse file on this machine", () => {
  using temp = tempDir();
  const files = openFileSystem();
  const folder = files.openFolder(undefined, utf8(temp.path));
  const at = join(temp.path, "file");
  const descriptor = fs.openSync(at, "w");
  fs.writeSync(descriptor, "data", 1024 * KIB);
  fs.ftruncateSync(descriptor, 3 * 1024 * KIB);
  fs.closeSync(descriptor);
  fs.writeFileSync(join(temp.path, "full"), new Uint8Array(64 * KIB).fill(1));
  const stat = files.stat(folder, utf8("file"))!;
  expect(mayHaveHoles(stat)).toBe(true);
  expect(mayHaveHoles(files.stat(folder, utf8("full"))!)).toBe(false);
  const open = files.openFile(folder, utf8("file"));
  const holes = findHoles(files, open, stat.size);
  expect(holes[0]![0]).toBe(0);
  expect(dataBytesOf(stat.size, holes)).toBeLessThanOrEqual(64 * KIB);
  files.close(open);
  files.close(folder);
});

test("of a file that was cut, the holes among what came of it are left", () => {
  const holes: readonly Hole[] = [
    [0, 10],
    [20, 10],
    [40, 10],
  ];
  expect(holesAmong(0, holes)).toEqual([]);
  expect(holesAmong(1, holes)).toEqual([[0, 10]]);
  expect(holesAmong(10, holes)).toEqual([[0, 10]]);
  expect(holesAmong(11, holes)).toEqual(holes.slice(0, 2));
  expect(holesAmong(21, holes)).toEqual(holes);
});
