// Snapshot words: what a person may type for a snapshot and a path in it.

import { expect, test } from "bun:test";

import { textOf } from "../../src/base/bytes.ts";
import { parseSnapshotWord } from "../../src/cli/snapshot-word.ts";

const ID = "0123456789abcdef".repeat(4);

test.each([
  ["latest", ["latest", undefined, undefined]],
  ["latest:", ["latest", undefined, undefined]],
  ["latest:/a:b", ["latest", undefined, "/a:b"]],
  ["latest:./a", ["latest", undefined, "./a"]],
  ["latest:daily", ["latest", "daily", undefined]],
  ["latest:daily:", ["latest", "daily", undefined]],
  ["latest:daily:a:b", ["latest", "daily", "a:b"]],
  ["latest:a/b", ["latest", "a/b", undefined]],
  ["abcd", ["abcd", undefined, undefined]],
  ["abcd:a b", ["abcd", undefined, "a b"]],
  [`${ID}:/`, [ID, undefined, "/"]],
] as const)("%s", (word, expected) => {
  const { id, tag, path } = parseSnapshotWord(word);
  const found = [id, tag, path === undefined ? undefined : textOf(path)];
  expect<(string | undefined)[]>(found).toEqual([...expected]);
});

test.each(["", ":", ":/a", "abc", "ABCD", "last", "/etc", "latest/a", `${ID}0`, "abcg"])(
  "%p is none",
  (word) => {
    expect(() => parseSnapshotWord(word)).toThrow("expected 4 or more digits of a snapshot's id");
  },
);
