// Attributes as a source gives them: sorted, only what is kept, and a complaint where some is missing.

import { expect, test } from "bun:test";
import { textOf, utf8 } from "../../src/base/bytes.ts";
import { ATTRIBUTE_BYTES_MAX, readAttributes } from "../../src/source/attributes.ts";
import { systemErrorOf } from "../../src/system/failure.ts";
import type { FileSystem } from "../../src/system/files.ts";

/** A file system with these attributes; one that throws, or is gone when it is asked for. */
function having(values: Readonly<Record<string, Uint8Array | "EIO" | "gone">>): FileSystem {
  const attributes = {
    list: () => Object.keys(values).map((name) => utf8(name)),
    get(_: unknown, name: Uint8Array) {
      const value = values[textOf(name)]!;
      if (value === "EIO") throw systemErrorOf("EIO", "getxattr");
      return value === "gone" ? undefined : value;
    },
  };
  return { attributes } as unknown as FileSystem;
}

const one = Uint8Array.of(1);

test("are sorted, and without what is the system's own", () => {
  const { attributes, complaint } = readAttributes(
    having({
      "user.b": one,
      "system.ntfs_attrib": "EIO",
      "user.a": new Uint8Array(0),
      "security.evm": one,
    }),
    0,
  );
  expect(attributes.map(({ name }) => textOf(name))).toEqual(["user.a", "user.b"]);
  expect(complaint).toBeUndefined();
});

test("one that is removed between two calls was not there", () => {
  const { attributes, complaint } = readAttributes(having({ "user.a": "gone", "user.b": one }), 0);
  expect(attributes.map(({ name }) => textOf(name))).toEqual(["user.b"]);
  expect(complaint).toBeUndefined();
});

test("one that can't be read leaves a complaint, and the others", () => {
  const values = { "user.a": one, "user.b": "EIO", "user.c": one, "user.d": "EIO" } as const;
  const { attributes, complaint } = readAttributes(having(values), 0);
  expect(attributes.map(({ name }) => textOf(name))).toEqual(["user.a", "user.c"]);
  expect(complaint).toMatch(
    /some of its extended attributes: user\.b: input or output failed \(EIO\), and 1 more$/,
  );
});

test("so does one for which an entry has no room", () => {
  const part = new Uint8Array(ATTRIBUTE_BYTES_MAX / 8);
  const names = Array.from({ length: 8 }, (_, i) => [`user.${i}`, part] as const);
  const fitting = readAttributes(having(Object.fromEntries(names.slice(0, 7))), 0);
  expect(fitting.attributes).toHaveLength(7);
  expect(fitting.complaint).toBeUndefined();
  const { attributes, complaint } = readAttributes(
    having({ ...Object.fromEntries(names), "user.9": one }),
    0,
  );
  expect(attributes.map(({ name }) => textOf(name)).slice(6)).toEqual(["user.6", "user.9"]);
  expect(complaint).toMatch(/some of its extended attributes: user\.7: expected at most/);
});

test("where they can't be listed there are none, and a complaint", () => {
  const broken = {
    attributes: {
      list: () => {
        throw systemErrorOf("EIO", "listxattr");
      },
    },
  };
  expect(readAttributes(broken as unknown as FileSystem, 0).complaint).toMatch(/EIO/);
});
