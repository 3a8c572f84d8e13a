// The names of a folder: order, doubles, hints, growth.

import { expect, test } from "bun:test";
import { type Bytes, compareBytes, utf8 } from "../../src/base/bytes.ts";
import { NamesBuilder } from "../../src/system/names.ts";
import { withSeed } from "../support/random.ts";

function add(builder: NamesBuilder, name: Bytes, format = 0): void {
  builder.add(name, 0, name.length, format);
}

test("sorts as unsigned bytes, a prefix first, and leaves the dots out", () => {
  const builder = new NamesBuilder();
  const names = [[0xff], [0x61, 0x62], [0x61], [0x7f], [0x2e, 0x2e, 0x2e], [0x2e, 0x61]];
  for (const name of [...names, [0x2e], [0x2e, 0x2e]]) add(builder, Uint8Array.from(name));
  const sorted = builder.finish();
  const all = Array.from({ length: sorted.count }, (_, i) => sorted.nameAt(i));
  expect(all).toEqual(names.map((name) => Uint8Array.from(name)).sort(compareBytes));
});

test("gives each name once", () => {
  const builder = new NamesBuilder();
  for (const name of ["b", "a", "b", "c", "a", "b"]) add(builder, utf8(name));
  const names = builder.finish();
  expect(Array.from({ length: names.count }, (_, i) => names.nameAt(i))).toEqual(
    ["a", "b", "c"].map(utf8),
  );
});

test("keeps the type beside its name, and starts anew after finish", () => {
  const builder = new NamesBuilder();
  add(builder, utf8("z"), 0o10);
  add(builder, utf8("a"), 0o04);
  add(builder, utf8("m"));
  const names = builder.finish();
  expect([0, 1, 2].map((i) => names.typeAt(i))).toEqual(["folder", undefined, "file"]);
  expect(builder.finish().count).toBe(0);
});

test("a name ends at its NUL", () => {
  const builder = new NamesBuilder();
  builder.add(utf8("--name\0rest"), 2, 11, 0);
  expect(builder.finish().nameAt(0)).toEqual(utf8("name"));
});

test("a given name is a copy", () => {
  const builder = new NamesBuilder();
  add(builder, utf8("name"));
  const names = builder.finish();
  names.nameAt(0).fill(0);
  expect(names.nameAt(0)).toEqual(utf8("name"));
});

test("random names, many more than fit at first, come out sorted", () =>
  withSeed((random) => {
    const builder = new NamesBuilder();
    const want = new Map<string, Uint8Array>();
    for (let i = 0; i < 30_000; i++) {
      const name = random.bytes(1 + random.int(80)).map((byte) => byte | 1);
      want.set(Buffer.from(name).toString("latin1"), name);
      add(builder, name);
    }
    const names = builder.finish();
    const sorted = [...want.values()].sort(compareBytes);
    expect(names.count).toBe(sorted.length);
    for (let i = 0; i < names.count; i++) expect(compareBytes(names.nameAt(i), sorted[i]!)).toBe(0);
  }));
