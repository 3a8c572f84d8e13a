// Opening a file that a walk has met, and making sure that it still is that file.

import { expect, test } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";
import { utf8 } from "../../src/base/bytes.ts";
import { openForReading, readInto } from "../../src/source/read.ts";
import { openFileSystem } from "../../src/system/open.ts";
import { IS_ROOT, asUser, openBelow } from "../system/trees.ts";
import { tempDir } from "../support/temp.ts";

const files = openFileSystem();

function opened() {
  const temp = tempDir();
  fs.writeFileSync(join(temp.path, "file"), "content");
  const folder = files.openFolder(undefined, utf8(temp.path));
  const place = { folder, name: utf8("file") };
  return {
    path: join(temp.path, "file"),
    place,
    expected: files.stat(folder, place.name)!,
    [Symbol.dispose]() {
      files.close(folder);
      temp[Symbol.dispose]();
    },
  };
}

test("opens the file that was met and reads it to the end", () => {
  using at = opened();
  const opening = openForReading(files, at.place, at.expected);
  if (opening.kind !== "opened") throw new Error(opening.kind);
  expect(opening.stat).toEqual(at.expected);
  const view = new Uint8Array(new SharedArrayBuffer(5));
  expect(readInto(opening.descriptor, view)).toBe(5);
  expect(readInto(opening.descriptor, view)).toBe(2);
  expect(Buffer.from(view).toString()).toBe("ntnte");
  expect(readInto(opening.descriptor, view)).toBe(0);
  expect(() => readInto(opening.descriptor, view.subarray(5))).toThrow("somewhere to go");
  files.close(opening.descriptor);
});

test.each([
  ["another file", (path: string) => fs.writeFileSync(path, "other")],
  ["a link", (path: string) => fs.symlinkSync("/etc/passwd", path)],
  ["a pipe", (path: string) => Bun.spawnSync(["mkfifo", path])],
  ["a folder", (path: string) => fs.mkdirSync(path)],
])("%s in its place has changed, and nothing stays open", (_label, make) => {
  using at = opened();
  fs.renameSync(at.path, `${at.path}-moved`);
  make(at.path);
  const before = openBelow(join(at.path, ".."));
  expect(openForReading(files, at.place, at.expected)).toEqual({ kind: "changed" });
  expect(openBelow(join(at.path, ".."))).toBe(before);
});

test("a name that is gone has vanished", () => {
  using at = opened();
  fs.unlinkSync(at.path);
  expect(openForReading(files, at.place, at.expected)).toEqual({ kind: "vanished" });
});

test("the time of access stays", () => {
  using at = opened();
  fs.utimesSync(at.path, 1, 1);
  const opening = openForReading(files, at.place, files.stat(at.place.folder, at.place.name)!);
  if (opening.kind !== "opened") throw new Error(opening.kind);
  readInto(opening.descriptor, new Uint8Array(10));
  files.close(opening.descriptor);
  expect(fs.statSync(at.path).atimeMs).toBe(files.needsPaths ? expect.any(Number) : 1000);
});

test("a file that may not be read throws the system's error", () => {
  using at = opened();
  fs.chmodSync(at.path, 0);
  fs.chmodSync(join(at.path, ".."), 0o755);
  expect(() => asUser(() => openForReading(files, at.place, at.expected))).toThrow("EACCES");
});

test.skipIf(!IS_ROOT)("a readable file of someone else opens (as root, for another user)", () => {
  using at = opened();
  fs.chmodSync(at.path, 0o644);
  fs.chmodSync(join(at.path, ".."), 0o755);
  const opening = asUser(() => openForReading(files, at.place, at.expected));
  if (opening.kind !== "opened") throw new Error(opening.kind);
  files.close(opening.descriptor);
});
