// Paths that the user gives: text, bytes, lengths.

import { expect, test } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";
import { textOf, utf8 } from "../../src/base/bytes.ts";
import { openFileSystem } from "../../src/system/open.ts";
import {
  bytesOfPath,
  makeFolderPath,
  openFolderPath,
  resolvePath,
  splitLast,
  splitPath,
} from "../../src/system/paths.ts";
import { tempDir } from "../support/temp.ts";
import { deepTempDir, raw } from "./trees.ts";

test.each([
  ["/a/b", "/a/b"],
  ["/", "/"],
  ["//a///b/", "/a/b"],
  ["a", "/some/here/a"],
  [".", "/some/here"],
  ["..", "/some"],
  ["../../../..", "/"],
  ["./a/../b/.", "/some/here/b"],
  ["/a/..b/...", "/a/..b/..."],
])("resolves %p to %p", (given, want) => {
  expect(textOf(resolvePath(utf8(given), utf8("/some/here")))).toBe(want);
});

test("resolves bytes that are no text", () => {
  expect(resolvePath(raw("\xff/../\xfe"), utf8("/w"))).toEqual(raw("/w/\xfe"));
});

test.each([
  ["/a/b", "/a", "b"],
  ["/a", "/", "a"],
  ["a", ".", "a"],
  ["a/b//", "a", "b"],
  ["/", "/", ""],
])("splits %p into %p and %p", (given, folder, name) => {
  const last = splitLast(utf8(given));
  expect([textOf(last.folder), textOf(last.name)]).toEqual([folder, name]);
});

test("refuses an empty path and a NUL", () => {
  expect(() => bytesOfPath("")).toThrow("empty");
  expect(() => bytesOfPath("a\0b")).toThrow("NUL");
  expect(splitPath(utf8("//"))).toEqual([]);
});

test("makes and opens a path beyond what the system takes at once", () => {
  using temp = deepTempDir();
  const files = openFileSystem();
  const path = utf8(temp.path + `/${"d".repeat(200)}`.repeat(30));
  const made = makeFolderPath(files, path, 0o700);
  const opened = openFolderPath(files, path);
  expect(files.statDescriptor(opened)).toEqual(files.statDescriptor(made));
  files.close(opened);
  files.close(made);
});

test("follows links that the user named, and makes what is missing below", () => {
  using temp = tempDir();
  fs.mkdirSync(join(temp.path, "real"));
  fs.symlinkSync("real", join(temp.path, "link"));
  const files = openFileSystem();
  files.close(makeFolderPath(files, utf8(join(temp.path, "link", "a", "b")), 0o700));
  expect(fs.statSync(join(temp.path, "real", "a", "b")).mode & 0o777).toBe(0o700);
  expect(fs.statSync(join(temp.path, "real", "a")).mode & 0o700).toBe(0o700);
});
