// Trees: written as entries come, read back in the same order, however large a folder is.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Bytes, compareBytes, textOf, utf8 } from "../../src/base/bytes.ts";
import type { Entry } from "../../src/base/entry.ts";
import { BunkerError } from "../../src/base/errors.ts";
import { INLINE_IDS_MAX, TREE_BYTES_MAX, TREE_PAGE_BYTES } from "../../src/base/limits.ts";
import {
  decodeTree,
  encodeContentList,
  encodeTreePage,
  encodeTreePages,
} from "../../src/format/tree.ts";
import type { BlobReader } from "../../src/store/blobs.ts";
import { TreeWriter } from "../../src/store/tree-writer.ts";
import { findEntry, readContent, readFolder, treeOf } from "../../src/store/trees.ts";
import { failureOf } from "../support/failure.ts";
import { seededRandom } from "../support/random.ts";

/** Blobs by their hash, behind the one method that reading trees needs. */
class Blobs {
  readonly all = new Map<string, Bytes>();

  readonly put = async (bytes: Bytes): Promise<Bytes> => {
    const id = new Uint8Array(new Bun.CryptoHasher("sha256").update(bytes).digest());
    this.all.set(id.toHex(), bytes);
    return id;
  };

  get reader(): BlobReader {
    const read = async (_kind: string, id: Bytes) => {
      const bytes = this.all.get(Buffer.from(id).toString("hex"));
      if (bytes === undefined) throw new BunkerError("not-found", "no such blob");
      return bytes;
    };
    return { read } as unknown as BlobReader;
  }
}

function fileOf(name: Bytes, content: readonly Bytes[] = []): Entry {
  const modified = { seconds: 1, nanoseconds: 0 };
  return { name, type: "file", mode: 0o644, userId: 0, groupId: 0, modified, size: 0, content };
}

async function writeFolder(blobs: Blobs, names: readonly Bytes[]): Promise<Bytes> {
  const writer = new TreeWriter(blobs.put);
  writer.enter();
  for (const name of names) await writer.add(fileOf(name));
  return writer.leave();
}

async function namesOf(blobs: Blobs, tree: Bytes): Promise<string[]> {
  const entries = await Array.fromAsync(readFolder(blobs.reader, tree));
  return entries.map(({ name }) => textOf(name));
}

const idOf = (i: number) => new Uint8Array(new Bun.CryptoHasher("sha256").update(`${i}`).digest());

test("folders in folders come back", async () => {
  const blobs = new Blobs();
  const writer = new TreeWriter(blobs.put);
  writer.enter();
  await writer.add(fileOf(utf8("a")));
  writer.enter();
  expect(writer.depth).toBe(2);
  await writer.add(fileOf(utf8("inner")));
  const inner: Entry = { ...fileOf(utf8("b")), type: "folder", content: [await writer.leave()] };
  await writer.add(inner);
  const top = await writer.leave();
  expect(await namesOf(blobs, top)).toEqual(["a", "b"]);
  const found = await findEntry(blobs.reader, top, utf8("b"));
  expect(await namesOf(blobs, treeOf(found!))).toEqual(["inner"]);
  expect(await findEntry(blobs.reader, top, utf8("c"))).toBeUndefined();
});

test("an empty folder has a tree", async () => {
  const blobs = new Blobs();
  expect(await namesOf(blobs, await writeFolder(blobs, []))).toEqual([]);
});

test("a folder of 60,000 names comes back in order, in pages within their bounds", async () => {
  const blobs = new Blobs();
  const names = Array.from({ length: 60_000 }, (_, i) => utf8(`name ${i} ${"x".repeat(i % 120)}`));
  names.sort(compareBytes);
  const tree = await writeFolder(blobs, names);
  expect(await namesOf(blobs, tree)).toEqual(names.map((name) => textOf(name)));
  expect(decodeTree(blobs.all.get(Buffer.from(tree).toString("hex"))!).kind).toBe("pages");
  for (const bytes of blobs.all.values()) expect(bytes.length).toBeLessThanOrEqual(TREE_BYTES_MAX);
  expect(blobs.all.size).toBeGreaterThan(3);
  for (const i of [0, 1, 29_999, 59_999]) {
    expect((await findEntry(blobs.reader, tree, names[i]!))?.name).toEqual(names[i]!);
  }
  for (const absent of ["", "name", "name 59999 zz", "zzz"]) {
    expect(await findEntry(blobs.reader, tree, utf8(absent))).toBeUndefined();
  }
});

test("a name more changes few pages of a large folder", async () => {
  const [before, after] = [new Blobs(), new Blobs()];
  const names = Array.from({ length: 60_000 }, (_, i) => utf8(`name ${i} ${"x".repeat(i % 120)}`));
  names.sort(compareBytes);
  await writeFolder(before, names);
  await writeFolder(after, [utf8("a new one, the first"), ...names]);
  const fresh = [...after.all.keys()].filter((id) => !before.all.has(id));
  expect(fresh.length).toBeLessThanOrEqual(3);
  expect(after.all.size).toBeGreaterThan(4);
});

test("a folder just below a page's bytes is one blob", async () => {
  const blobs = new Blobs();
  const name = (i: number) => utf8(String(i).padStart(200, "0"));
  const each = encodeTreePage([fileOf(name(0))]).length;
  const count = Math.floor(TREE_PAGE_BYTES / each) - 1;
  await writeFolder(
    blobs,
    Array.from({ length: count }, (_, i) => name(i)),
  );
  expect(blobs.all.size).toBe(1);
});

for (const count of [1, INLINE_IDS_MAX, INLINE_IDS_MAX + 1, 8192, 8193, 50_000]) {
  test(`a file of ${count} chunks comes back in order`, async () => {
    const blobs = new Blobs();
    const writer = new TreeWriter(blobs.put);
    const content = Array.from({ length: count }, (_, i) => idOf(i));
    const contentLists = await writer.putContentLists(content);
    expect(contentLists.length).toBeLessThanOrEqual(INLINE_IDS_MAX);
    const entry: Entry = { ...fileOf(utf8("f")), contentLists };
    const read = await readContent(blobs.reader, entry);
    expect(read.length).toBe(count);
    expect(read.every((id, i) => Buffer.from(id).equals(content[i]!))).toBe(true);
  });
}

test("names of any bytes come back", async () => {
  const byte = fc.integer({ min: 1, max: 255 }).filter((value) => value !== 0x2f);
  const name = fc
    .array(byte, { minLength: 1, maxLength: 12 })
    .map((bytes) => Uint8Array.from(bytes))
    .filter((bytes) => ![".", ".."].includes(textOf(bytes)));
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(name, { selector: String, maxLength: 40 }), async (names) => {
      const blobs = new Blobs();
      const sorted = names.toSorted(compareBytes);
      const tree = await writeFolder(blobs, sorted);
      const read = await Array.fromAsync(readFolder(blobs.reader, tree));
      expect(read.map((entry) => String(entry.name))).toEqual(sorted.map(String));
    }),
    { seed: seededRandom().seed, numRuns: 60 },
  );
});

test("pages out of order, lists for trees and endless nesting are damage", async () => {
  const blobs = new Blobs();
  const code = async (tree: Bytes) => {
    try {
      await namesOf(blobs, tree);
      return "ok";
    } catch (error) {
      return error instanceof BunkerError ? error.code : String(error);
    }
  };
  const page = async (...names: string[]) =>
    blobs.put(encodeTreePage(names.map((name) => fileOf(utf8(name)))));
  const [ab, bc] = [await page("a", "b"), await page("b", "c")];
  const pages = await blobs.put(
    encodeTreePages([
      { firstName: utf8("a"), id: ab },
      { firstName: utf8("b"), id: bc },
    ]),
  );
  expect(await code(pages)).toBe("corrupt");
  expect(await code(await blobs.put(encodeContentList("ids", [ab])))).toBe("corrupt");
  let deep = ab;
  for (let depth = 0; depth < 6; depth++) {
    deep = await blobs.put(encodeTreePages([{ firstName: utf8("a"), id: deep }]));
  }
  expect(await code(deep)).toBe("corrupt");
  expect(await code(idOf(1))).toBe("not-found");
  const list: Entry = { ...fileOf(utf8("f")), contentLists: [ab] };
  expect(await failureOf(readContent(blobs.reader, list))).toMatchObject({ code: "corrupt" });
  expect(() => treeOf(fileOf(utf8("f")))).toThrow(BunkerError);
});
