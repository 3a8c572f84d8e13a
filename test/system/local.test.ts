// Local folders on disk: whole files, private mappings, one lock.

import { expect, test } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";
import { utf8 } from "../../src/base/bytes.ts";
import { mapFile, openLocalFolder } from "../../src/system/local.ts";
import { tempDir } from "../support/temp.ts";

test("a file that is missing or empty is not mapped", () => {
  using temp = tempDir();
  expect(mapFile(join(temp.path, "missing"))).toBeUndefined();
  fs.writeFileSync(join(temp.path, "empty"), "");
  expect(mapFile(join(temp.path, "empty"))).toBeUndefined();
});

test("writing to mapped memory never reaches the file", () => {
  using temp = tempDir();
  const path = join(temp.path, "file");
  fs.writeFileSync(path, "content");
  const mapped = mapFile(path)!;
  mapped[0] = 0;
  expect(fs.readFileSync(path, "utf8")).toBe("content");
});

test("a mapped file keeps its content when the name is replaced or deleted", () => {
  using temp = tempDir();
  const folder = openLocalFolder(temp.path);
  folder.write("file", [utf8("before")]);
  const mapped = folder.map("file")!;
  folder.write("file", [utf8("after, and longer")]);
  expect(Buffer.from(mapped).toString()).toBe("before");
  folder.delete("file");
  expect(Buffer.from(mapped).toString()).toBe("before");
  expect(folder.map("file")).toBeUndefined();
});

test("files are private, whole or not there, and leave nothing behind", () => {
  using temp = tempDir();
  const folder = openLocalFolder(join(temp.path, "new"));
  const writer = folder.create("file");
  writer.write(utf8("part"));
  expect(folder.read("file")).toBeUndefined();
  expect(folder.list()).toEqual([]);
  writer.abandon();
  folder.write("file", [utf8("a"), utf8("b")], { durable: true });
  expect(Buffer.from(folder.read("file") ?? []).toString()).toBe("ab");
  expect(fs.statSync(join(temp.path, "new/file")).mode & 0o777).toBe(0o600);
  expect(fs.readdirSync(join(temp.path, "new"))).toEqual(["file"]);
});

test("there is one lock, and it ends with its release", () => {
  using temp = tempDir();
  const first = openLocalFolder(temp.path).lock();
  expect(() => openLocalFolder(temp.path).lock()).toThrow("another run of bunker");
  first.release();
  openLocalFolder(temp.path).lock().release();
});
