// Path set: very many paths, in the order of a walk; and the folders that lead to them.

import { expect, test } from "bun:test";
import { type Bytes, utf8 } from "../../src/base/bytes.ts";
import { ListedFolder } from "../../src/source/listed-folder.ts";
import {
  folderBytes,
  holdsAny,
  isInAny,
  keyOf,
  keysOf,
  PathSet,
  pathOfKey,
} from "../../src/source/path-set.ts";
import { type SeededRandom, withSeed } from "../support/random.ts";

const NOTHING = new Uint8Array(0);

function setOf(paths: readonly string[], folder = ""): PathSet {
  const set = new PathSet(0, 0);
  for (const path of paths) set.add(keyOf(utf8(folder)), utf8(path));
  set.sort();
  return set;
}

const textOfPath = (path: Bytes): string => Buffer.from(path).toString("latin1");
const pathsOf = (set: PathSet): string[] =>
  Array.from({ length: set.count }, (_, i) => textOfPath(pathOfKey(set.keyAt(i))));

/** The paths that a walk of the folder leads to. */
function walked(folder: ListedFolder, upper = ""): string[] {
  return Array.from({ length: folder.count }, (_, i) => {
    const path = `${upper}/${textOfPath(folder.nameAt(i))}`;
    const below = folder.below(i);
    expect(folder.typeAt(i)).toBe(below === undefined ? undefined : "folder");
    return below === undefined ? [path] : walked(below, path);
  }).flat();
}

test("paths stand in the order of a walk, without what says nothing", () => {
  const set = setOf(["/b", "//a-b/.//c", "/a/x/", "a/./y", "/a/x", "./d"]);
  expect(pathsOf(set)).toEqual(["/a/x", "/a/x", "/a/y", "/a-b/c", "/b", "/d"]);
  expect(pathsOf(setOf(["/", ".", "..x/.y"], "/up"))).toEqual(["/up", "/up", "/up/..x/.y"]);
});

test("the folder that holds them all", () => {
  const shared = (...paths: string[]): string => {
    const set = setOf(paths);
    const bytes = set.sharedBytes({ from: 0, to: set.count });
    return textOfPath(pathOfKey(set.keyAt(0).subarray(0, bytes)));
  };
  expect(shared("/a/b/x", "/a/b/y")).toBe("/a/b");
  expect(shared("/a/b/x", "/a/bc/y")).toBe("/a");
  expect(shared("/a/x", "/b")).toBe("/");
  expect(shared("/a/b")).toBe("/a");
});

test("what is put in another's place stands in its own order", () => {
  const set = setOf(["/a/x", "/b/y", "/c/z"]);
  set.replace(0, keyOf(utf8("/far/away")), utf8("x"));
  set.filter((key) => textOfPath(pathOfKey(key)) !== "/c/z");
  set.sort();
  expect(pathsOf(set)).toEqual(["/b/y", "/far/away/x"]);
});

test("one path may lie in another of many", () => {
  const keys = keysOf(["/b", "/a/b", "/b/c", "/d-e"].map(utf8).map(keyOf), true);
  expect(keys.count).toBe(3);
  const at = (path: string): Bytes => keyOf(utf8(path));
  const isIn = ["/b", "/b/c/d", "/a/b/x", "/a", "/a/bc", "/d", "/d-e", "/"].map((path) =>
    isInAny(at(path), keys),
  );
  expect(isIn).toEqual([true, true, true, false, false, false, true, false]);
  const holds = ["/a", "/a/b", "/a/b/c", "/", "/c", "/d"].map((path) => holdsAny(at(path), keys));
  expect(holds).toEqual([true, true, false, true, false, false]);
  expect(isInAny(at("/x"), keysOf([NOTHING]))).toBe(true);
  expect(holdsAny(NOTHING, keysOf([]))).toBe(false);
});

test("a walk leads to all that is listed, whatever the paths are", () =>
  withSeed((random) => {
    for (let round = 0; round < 300; round++) {
      const paths = Array.from({ length: 1 + random.int(40) }, () => randomPath(random));
      const kept = paths.filter((path) => !paths.some((other) => path.startsWith(`${other}/`)));
      const want = [...new Set(kept)].sort((a, b) =>
        a.replaceAll("/", "\0") < b.replaceAll("/", "\0") ? -1 : 1,
      );
      const set = setOf(paths);
      let last: Bytes | undefined;
      set.filter((key) => {
        if (last !== undefined && isInAny(key, keysOf([last]))) return false;
        last = key;
        return true;
      });
      expect(pathsOf(set)).toEqual(want);
      expect(walked(new ListedFolder(set, { from: 0, to: set.count }, 0))).toEqual(want);
      const at = set.sharedBytes({ from: 0, to: set.count });
      const upper = textOfPath(pathOfKey(set.keyAt(0).subarray(0, at)));
      const below = new ListedFolder(set, { from: 0, to: set.count }, at);
      expect(walked(below, upper === "/" ? "" : upper)).toEqual(want);
      expect(set.count === 1 ? folderBytes(set.keyAt(0)) : at).toBe(at);
    }
  }));

// Few names, so that many are alike, and one the beginning of another.
function randomPath(random: SeededRandom): string {
  const names = ["a", "aa", "a-", "b", "a\x01", "a b", "~"];
  const depth = 1 + random.int(5);
  return Array.from({ length: depth }, () => `/${names[random.int(names.length)]}`).join("");
}
