// Names: the grammar, fact by fact.

import { expect, test } from "bun:test";

import { hexOf } from "../../src/base/bytes.ts";
import * as names from "../../src/storage/names.ts";

const HASH = "0123456789abcdef".repeat(4);

test("takes the names of the format", () => {
  for (const name of [
    `packs/ab/${HASH}`,
    `owner/0000000001-${HASH}`,
    `keys/${HASH}`,
    `index/${HASH}/0000000001-${HASH}`,
    HASH,
    `..a/.b/c./${HASH}`,
    `tmpx/${HASH}`,
    `x/tmp/${HASH}`,
  ]) {
    expect([name, names.isObjectName(name)]).toEqual([name, true]);
    expect(hexOf(names.hashInName(name))).toBe(HASH);
  }
});

test("refuses all other names", () => {
  for (const name of [
    "",
    "packs",
    HASH.slice(1),
    `packs/${HASH}x`,
    `packs/${HASH.toUpperCase()}`,
    `a//${HASH}`,
    `/${HASH}`,
    `../${HASH}`,
    `a/./${HASH}`,
    `a b/${HASH}`,
    `a_b/${HASH}`,
    `a\n${HASH}`,
    `${HASH}\n`,
    `tmp/${HASH}`,
    `aside/a/${HASH}`,
    `${"a".repeat(256 - 64)}${HASH}`,
    `${"abc/".repeat(241)}${HASH}`,
  ]) {
    expect([name, names.isObjectName(name)]).toEqual([name, false]);
    expect(() => names.hashInName(name)).toThrow("an object's name is");
  }
});

test("takes the longest names there may be", () => {
  expect(names.isObjectName(`${"a".repeat(255 - 64)}${HASH}`)).toBe(true);
  expect(names.isObjectName(`${"abc/".repeat(240)}${HASH}`)).toBe(true);
});

test("tells the folder of a name", () => {
  expect(names.folderOfName(`a/b/${HASH}`)).toBe("a/b");
  expect(names.folderOfName(HASH)).toBe("");
});

test("takes beginnings of names as prefixes, and nothing else", () => {
  for (const prefix of ["", "a", "a/", "a/b", ".", "..", "a/.", `packs/ab/${HASH}`]) {
    expect(() => names.checkPrefix(prefix)).not.toThrow();
  }
  for (const prefix of ["/", "a//", "../", "./a", "a/../b", "B", "a\n"]) {
    expect(() => names.checkPrefix(prefix)).toThrow("a prefix is");
  }
});
