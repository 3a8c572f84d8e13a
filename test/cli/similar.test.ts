// Similar words: near ones are found, and nothing far-fetched.

import { expect, test } from "bun:test";

import { similarTo } from "../../src/cli/similar.ts";

const COMMANDS = ["init", "backup", "restore", "snapshots", "ls", "cat", "check", "key", "version"];

test.each([
  ["snapshot", "snapshots"],
  ["snap", "snapshots"],
  ["bakcup", "backup"],
  ["Backup", "backup"],
  ["resotre", "restore"],
  ["chekc", "check"],
  ["keys", "key"],
  ["lst", "ls"],
])("%s: %s", (word, expected) => {
  expect(similarTo(word, COMMANDS)).toBe(expected);
});

test.each(["", "x", "frob", "prune", "backups-of-all", "toString", "c", "x".repeat(100_000)])(
  "%.20s is like none",
  (word) => {
    expect(similarTo(word, COMMANDS)).toBeUndefined();
  },
);
