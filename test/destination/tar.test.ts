// Tar: what no tree of files on this machine holds. The rest is read by GNU tar, in test/cli.

import { describe, expect, test } from "bun:test";

import { type Bytes, textOf, utf8 } from "../../src/base/bytes.ts";
import type { Sink } from "../../src/destination/archive.ts";
import { TarArchive } from "../../src/destination/tar.ts";
import { fitsName } from "../../src/destination/tar-header.ts";
import { archived, fileNamed, memberOf } from "./members.ts";

const BLOCK_BYTES = 512;

describe("a name that the header holds", () => {
  test.each([
    ["100 bytes", "a".repeat(100), true],
    ["101 bytes without a slash", "a".repeat(101), false],
    ["155 and 100", `${"p".repeat(155)}/${"a".repeat(100)}`, true],
    ["156 and 100", `${"p".repeat(156)}/${"a".repeat(100)}`, false],
    ["155 and 101", `${"p".repeat(155)}/${"a".repeat(101)}`, false],
    ["a slash that ends a short folder only", `a/${"b".repeat(101)}/`, false],
  ])("%s", (_, name, fits) => {
    expect(fitsName(utf8(name))).toBe(fits);
  });
});

test("an archive is a whole number of records and ends with zeros", async () => {
  const bytes = await archived(TarArchive, (archive) =>
    archive.addFile(memberOf(fileNamed("a", 5)), [utf8("hello")]),
  );
  expect(bytes.length).toBe(10_240);
  expect(textOf(bytes.subarray(BLOCK_BYTES, BLOCK_BYTES + 5))).toBe("hello");
  expect(bytes.subarray(2 * BLOCK_BYTES).every((byte) => byte === 0)).toBe(true);
});

test("a file of more than 8 GiB says its size in a record, and is never held", async () => {
  const piece = new Uint8Array(64 * 1024 * 1024 + 1).subarray(1);
  const size = 160 * piece.length;
  const first: Bytes[] = [];
  let total = 0;
  const sink: Sink = (bytes) => {
    if (total < 4 * BLOCK_BYTES) first.push(bytes.slice(0, 4 * BLOCK_BYTES));
    total += bytes.length;
    return Promise.resolve();
  };
  const archive = new TarArchive(sink);
  const pieces = async function* (): AsyncGenerator<Bytes> {
    for (let i = 0; i < 160; i++) yield await Promise.resolve(piece);
  };
  await archive.addLargeFile(memberOf(fileNamed("huge", size)), pieces());
  expect(textOf(first[0]!)).toContain(` size=${size}\n`);
  expect(total).toBe(size + 3 * BLOCK_BYTES);
});

describe.skipIf(Bun.which("tar") === null)("an archive that is abandoned is no whole one", () => {
  const half = async function* (): AsyncGenerator<Bytes> {
    yield await Promise.resolve(utf8("half"));
    throw new Error("no more");
  };

  test.each([
    ["before anything", async () => undefined],
    ["between two files", (it: TarArchive) => it.addFile(memberOf(fileNamed("a", 1)), [utf8("1")])],
    ["in a file", (it: TarArchive) => it.addLargeFile(memberOf(fileNamed("a", 8)), half())],
  ])("%s", async (_, fill) => {
    const parts: Bytes[] = [];
    const archive = new TarArchive((bytes) => {
      parts.push(bytes.slice());
      return Promise.resolve();
    });
    await fill(archive).catch(() => undefined);
    await archive.abandon();
    const { exitCode } = Bun.spawnSync(["tar", "-t"], { stdin: Buffer.concat(parts) });
    expect(exitCode).toBe(2);
  });
});

test("a sparse file has a map before its data, as GNU's format 1.0", async () => {
  const holes = [
    [0, 1_000_000],
    [1_000_003, 1_000_000],
  ] as const;
  const bytes = await archived(TarArchive, (archive) =>
    archive.addFile(memberOf({ ...fileNamed("a", 2_000_003), holes }), [utf8("mid")]),
  );
  const records = textOf(bytes.subarray(BLOCK_BYTES, 2 * BLOCK_BYTES));
  expect(records).toContain("GNU.sparse.name=a\n");
  expect(records).toContain("GNU.sparse.realsize=2000003\n");
  const map = textOf(bytes.subarray(3 * BLOCK_BYTES, 4 * BLOCK_BYTES)).replaceAll("\0", "");
  expect(map).toBe("2\n1000000\n3\n2000003\n0\n");
  expect(textOf(bytes.subarray(4 * BLOCK_BYTES, 4 * BLOCK_BYTES + 3))).toBe("mid");
});

test("a socket has no place, a device without numbers is damage", async () => {
  const archive = new TarArchive(() => Promise.resolve());
  expect(archive.lacks({ ...fileNamed("a"), type: "socket" })).toBeDefined();
  expect(archive.lacks({ ...fileNamed("a"), type: "fifo" })).toBeUndefined();
  const device = memberOf({ ...fileNamed("a"), type: "char" });
  await expect(async () => archive.add(device)).toThrow("a device has no numbers");
});

test.each(["..", ".", "", "a/b", "a\0b"])("the name %j is refused", async (name) => {
  const archive = new TarArchive(() => Promise.resolve());
  await expect(async () => archive.addFile(memberOf(fileNamed(name)), [])).toThrow("a name ");
});
