// Zip: what no tree of files on this machine holds. The rest is read by unzip, in test/cli.

import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { type Bytes, utf8 } from "../../src/base/bytes.ts";
import { withHoles } from "../../src/destination/archive.ts";
import { ZipArchive } from "../../src/destination/zip.ts";
import {
  centralHeader,
  descriptor,
  endOfDirectory,
  localHeader,
  METHOD_DEFLATED,
  type ZipEntry,
} from "../../src/destination/zip-headers.ts";
import { tempDir } from "../support/temp.ts";
import { archived, fileNamed, memberOf } from "./members.ts";

const GIB = 1024 ** 3;

function entryOf(changes: Partial<ZipEntry>): ZipEntry {
  return {
    name: utf8("a"),
    metadata: fileNamed("a"),
    offset: 0,
    method: METHOD_DEFLATED,
    hasDescriptor: false,
    isLarge: false,
    crc: 0,
    plainBytes: 0,
    storedBytes: 0,
    ...changes,
  };
}

function u32At(bytes: Bytes, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
}

function u64At(bytes: Bytes, at: number): number {
  return Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(at, true));
}

describe("beyond 32 bits", () => {
  test("a file of 5 GiB: lengths in the extra field, wide ones in the descriptor", () => {
    const entry = entryOf({
      isLarge: true,
      hasDescriptor: true,
      plainBytes: 5 * GIB,
      storedBytes: 7,
    });
    const local = localHeader({ ...entry, plainBytes: 0, storedBytes: 0 });
    expect([u32At(local, 18), u32At(local, 22)]).toEqual([0xffff_ffff, 0xffff_ffff]);
    expect(u32At(local, 31)).toBe(0x0010_0001);
    const behind = descriptor(entry);
    expect([u64At(behind, 8), u64At(behind, 16)]).toEqual([7, 5 * GIB]);
    const central = centralHeader(entry);
    expect([u64At(central, 51), u64At(central, 59)]).toEqual([5 * GIB, 7]);
  });

  test("a file that begins behind 4 GiB: its place in the extra field", () => {
    const central = centralHeader(entryOf({ offset: 4 * GIB, plainBytes: 9, storedBytes: 9 }));
    expect(u32At(central, 42)).toBe(0xffff_ffff);
    expect(u64At(central, 51)).toBe(4 * GIB);
    expect(u32At(central, 20)).toBe(9);
  });

  test("the end of a directory that begins behind 4 GiB", () => {
    const end = endOfDirectory({ count: 1, start: 5 * GIB, bytes: 100 });
    expect(u32At(end, 0)).toBe(0x0606_4b50);
    expect(u64At(end, 48)).toBe(5 * GIB);
    expect(u32At(end, 56)).toBe(0x0706_4b50);
    expect(u64At(end, 64)).toBe(5 * GIB + 100);
  });
});

test.skipIf(Bun.which("unzip") === null)("unzip reads more than 65,535 names", async () => {
  const count = 66_000;
  const bytes = await archived(ZipArchive, async (archive) => {
    for (let i = 0; i < count; i++) await archive.addFile(memberOf(fileNamed(`${i}`)), []);
  });
  using folder = tempDir();
  const path = join(folder.path, "many.zip");
  writeFileSync(path, bytes);
  const { stdout } = Bun.spawnSync(["unzip", "-Z1", path]);
  const names = stdout.toString().trimEnd().split("\n");
  expect(names).toHaveLength(count);
  expect(names.at(-1)).toBe(`${count - 1}`);
});

test("what zip can't keep is told once", async () => {
  const attributes = [{ name: utf8("user.a"), value: utf8("b") }];
  let limits: readonly string[] = [];
  await archived(ZipArchive, async (archive) => {
    await archive.addFile(memberOf({ ...fileNamed("a"), attributes }), []);
    await archive.addFile(memberOf({ ...fileNamed("b"), attributes, hardLink: 1 }), []);
    const modified = { seconds: -1, nanoseconds: 0 };
    await archive.addFile(memberOf({ ...fileNamed("c"), modified }), []);
    limits = archive.limits;
  });
  expect(limits).toHaveLength(3);
});

test("a path that is too long for a zip is refused", async () => {
  const folders = Array.from({ length: 65_535 / 5 - 1 }, () => "abcd");
  await archived(ZipArchive, async (archive) => {
    await archive.add(memberOf(fileNamed("abcde"), ...folders));
    const tooLong = archive.add(memberOf(fileNamed("abcdef"), ...folders));
    expect(tooLong).rejects.toThrow(expect.objectContaining({ code: "incomplete" }));
  });
});

test("holes are filled with zeros, wherever the pieces end", async () => {
  const holes = [
    [2, 300_000],
    [300_004, 5],
    [300_012, 3],
  ] as const;
  const metadata = { ...fileNamed("a", 300_015), holes };
  const data = utf8("abcdefg"); // 2, 2 and 3 bytes.
  const expected = Buffer.alloc(300_015);
  expected.write("ab", 0);
  expected.write("cd", 300_002);
  expected.write("efg", 300_009);
  for (const cuts of [[], [2], [1, 3], [4], [1, 2, 3, 4, 5, 6]]) {
    const pieces = [0, ...cuts].map((from, i) => data.subarray(from, cuts[i] ?? data.length));
    const filled: Bytes[] = [];
    for await (const piece of withHoles(metadata, pieces)) filled.push(piece);
    expect(Buffer.concat(filled).equals(expected)).toBe(true);
  }
});

test("a file of holes alone is zeros", async () => {
  let total = 0;
  const metadata = { ...fileNamed("a", 700_000), holes: [[0, 700_000]] as const };
  for await (const piece of withHoles(metadata, [])) total += piece.length;
  expect(total).toBe(700_000);
});
