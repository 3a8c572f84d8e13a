// Trees: entries come back as they were, and where the pages of large folders end.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { utf8 } from "../../src/base/bytes.ts";
import type { Entry } from "../../src/base/entry.ts";
import { TREE_BYTES_MAX, TREE_PAGE_BYTES } from "../../src/base/limits.ts";
import { type Cbor, encodeCbor } from "../../src/format/cbor-encoder.ts";
import { encodeEntry } from "../../src/format/entry.ts";
import {
  decodeTree,
  encodeContentList,
  encodeTreePage,
  encodeTreePages,
  endsPage,
  joinEntries,
} from "../../src/format/tree.ts";
import { id, run } from "./fixture.ts";
import { allTypes, entryOf } from "./samples.ts";

function entriesOf(bytes: Uint8Array): readonly Entry[] {
  const node = decodeTree(bytes);
  if (node.kind !== "entries") throw new Error(node.kind);
  return node.entries;
}

test("entries of all types come back as they were", () => {
  expect(entriesOf(encodeTreePage(allTypes()))).toEqual([...allTypes()]);
});

const names = fc
  .uint8Array({ minLength: 1, maxLength: 20 })
  .map((bytes) => bytes.map((byte) => (byte === 0 || byte === 0x2f || byte === 0x2e ? 1 : byte)));
const optional = <T>(key: string, value: fc.Arbitrary<T>) =>
  fc.option(value, { nil: undefined }).map((some) => (some === undefined ? {} : { [key]: some }));
const files = fc
  .tuple(
    names,
    fc.nat(0o7777),
    fc.maxSafeNat(),
    fc.maxSafeInteger(),
    fc.nat(999_999_999),
    fc.maxSafeNat(),
    fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 3 }),
    optional("userName", fc.string({ unit: "binary" })),
    optional("hardLink", fc.integer({ min: 1, max: 1e9 })),
    optional("unstable", fc.constant(true)),
  )
  .map(([name, mode, userId, seconds, nanoseconds, size, content, ...more]): Entry =>
    Object.assign(
      { ...entryOf("x", "file"), name, mode, userId, size, content },
      { modified: { seconds, nanoseconds } },
      ...more,
    ),
  );

test("files come back as they were, and are written the same again", () => {
  fc.assert(
    fc.property(files, (file) => {
      const bytes = encodeTreePage([file]);
      const read = entriesOf(bytes);
      expect(read).toEqual([file]);
      expect(encodeTreePage(read)).toEqual(bytes);
    }),
  );
});

test("keys of a later version are kept", () => {
  const map = new Map<number, Cbor>([
    [0, utf8("a")],
    [1, 1],
    [2, 0o644],
    [3, 1],
    [4, 1],
    [7, 1],
    [15, id(1)],
    [28, "later"],
    [300, [1, true]],
  ]);
  const bytes = encodeCbor([0, [map]]);
  const [entry] = entriesOf(bytes);
  expect(entry?.unknown).toEqual(
    new Map<number, unknown>([
      [28, "later"],
      [300, [1, true]],
    ]),
  );
  expect(joinEntries([encodeEntry(entry!)])).toEqual(bytes);
});

test("pages and content lists come back as they were", () => {
  const pages = [
    { firstName: utf8("a"), id: id(2) },
    { firstName: utf8("b"), id: id(1) },
  ];
  expect(decodeTree(encodeTreePages(pages))).toEqual({ kind: "pages", pages });
  const ids = [id(2), id(1), id(2)];
  expect(decodeTree(encodeContentList("ids", ids))).toEqual({ kind: "ids", ids });
  expect(decodeTree(encodeContentList("lists", [id(1)]))).toEqual({ kind: "lists", ids: [id(1)] });
});

test("names that are not sorted, or come twice, are a fault of ours", () => {
  const [a, b] = [entryOf("a", "file"), entryOf("b", "file")];
  expect(() => encodeTreePage([b, a])).toThrow("sorted");
  expect(() => encodeTreePage([a, a])).toThrow("sorted");
});

test("an entry and a tree that are too long are not written", () => {
  const value = run(600_000);
  const attributes = [1, 2].map((byte) => ({ name: Uint8Array.of(byte), value }));
  expect(() => encodeEntry(entryOf("a", "file", { attributes }))).toThrow("at most 1048576 bytes");
  const piece = encodeEntry(entryOf("a", "file", { attributes: attributes.slice(1) }));
  const many = Array.from({ length: 8 }, () => piece);
  expect(() => joinEntries(many)).toThrow(`at most ${TREE_BYTES_MAX}`);
});

test("a number that CBOR would write as a float is a fault of ours", () => {
  const modified = { seconds: 2 ** 60, nanoseconds: 0 };
  expect(() => encodeEntry(entryOf("a", "file", { modified }))).toThrow("safe integer");
});

test("a page ends by its length and the name, at about one name in 2,048", () => {
  const name = (i: number) => utf8(`file-${i}`);
  const count = 200_000;
  let ends = 0;
  let early = 0;
  for (let i = 0; i < count; i++) {
    if (endsPage(TREE_PAGE_BYTES - 1, name(i))) early++;
    if (endsPage(TREE_PAGE_BYTES, name(i))) ends++;
  }
  expect(early).toBe(0);
  expect(endsPage(2 * 1024 * 1024, name(0))).toBeTrue();
  expect(ends).toBeGreaterThan(count / 2048 / 2);
  expect(ends).toBeLessThan((count / 2048) * 2);
});
