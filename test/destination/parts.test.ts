// Parts: a file has its name only when it is whole, and what is cut off does no harm.

import { expect, test } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";
import { utf8 } from "../../src/base/bytes.ts";
import type { Metadata } from "../../src/base/entry.ts";
import { openFolderDestination } from "../../src/destination/open.ts";
import type { FileSystem } from "../../src/system/files.ts";
import { systemErrorOf } from "../../src/system/failure.ts";
import { meddledFiles } from "../support/files.ts";
import { tempDir } from "../support/temp.ts";

const PART = /^\.bunker-[0-9a-f]{32}\.part$/;
const exists: unknown = expect.objectContaining({ code: "exists" });

function metadata(name: string): Metadata {
  const owner = { userId: process.geteuid!(), groupId: process.getegid!() };
  const modified = { seconds: 1, nanoseconds: 0 };
  return { name: utf8(name), type: "file", mode: 0o600, size: 0, modified, ...owner };
}

/** A file system as FAT: no file has a second name. */
const withoutLinks = meddledFiles(() => ({
  makeHardLink() {
    throw systemErrorOf("EPERM", "linkat");
  },
}));

const kinds: readonly (readonly [string, FileSystem | undefined])[] = [
  ["links", undefined],
  ["no links", withoutLinks],
];

for (const [what, files] of kinds) {
  const options = files === undefined ? {} : { files };

  test(`a file is a part until it is finished (${what})`, () => {
    using temp = tempDir();
    using into = closing(openFolderDestination(temp.path, options));
    const file = into.createFile([], utf8("file"));
    into.writeAt(file, utf8("half"), 0);
    const [only, ...more] = fs.readdirSync(temp.path);
    expect(only).toMatch(PART);
    expect(more).toEqual([]);
    into.finishFile(file, metadata("file"));
    expect(fs.readdirSync(temp.path)).toEqual(["file"]);
    expect(fs.readFileSync(join(temp.path, "file"), "utf8")).toBe("half");
    expect(fs.statSync(join(temp.path, "file")).nlink).toBe(1);
  });

  test(`what takes the name meanwhile keeps it (${what})`, () => {
    using temp = tempDir();
    using into = closing(openFolderDestination(temp.path, options));
    for (const plant of [fs.writeFileSync, (path: string) => fs.symlinkSync("nowhere", path)]) {
      const path = join(temp.path, "file");
      const file = into.createFile([], utf8("file"));
      plant(path, "another's");
      const planted = fs.lstatSync(path).ino;
      expect(() => into.finishFile(file, metadata("file"))).toThrow(exists);
      expect(fs.readdirSync(temp.path)).toEqual(["file"]);
      expect(fs.lstatSync(path).ino).toBe(planted);
      fs.unlinkSync(path);
    }
  });
}

test("what is written in one go has its name at once", () => {
  using temp = tempDir();
  using into = closing(openFolderDestination(temp.path));
  const file = into.createFile([], utf8("file"), { atOnce: true });
  expect(fs.readdirSync(temp.path)).toEqual(["file"]);
  into.discardFile(file);
  expect(fs.readdirSync(temp.path)).toEqual([]);
  fs.writeFileSync(join(temp.path, "file"), "there");
  expect(() => into.createFile([], utf8("file"), { atOnce: true })).toThrow(exists);
  expect(fs.readFileSync(join(temp.path, "file"), "utf8")).toBe("there");
});

test("the next restore removes the parts of one that was cut off, and nothing else", () => {
  using temp = tempDir();
  const folder = [utf8("folder")];
  const cut = openFolderDestination(temp.path);
  cut.makeFolder(folder);
  for (const at of [[], folder]) fs.closeSync(cut.createFile(at, utf8("file")).descriptor);
  cut.close();
  const others = [".bunker-", ".bunker-x.part", `.bunker-${"0".repeat(32)}.parts`];
  for (const name of others) fs.writeFileSync(join(temp.path, "folder", name), "");
  const planted = join(temp.path, `.bunker-${"0".repeat(32)}.part`);
  fs.mkdirSync(planted);
  using into = closing(openFolderDestination(temp.path, { existing: "replace" }));
  fs.rmdirSync(planted); // A folder of such a name is nobody's part.
  expect(fs.readdirSync(temp.path)).toEqual(["folder"]);
  expect(fs.readdirSync(join(temp.path, "folder")).length).toBe(others.length + 1);
  into.makeFolder(folder);
  expect(fs.readdirSync(join(temp.path, "folder")).sort()).toEqual(others.toSorted());
});

test("parts that another restore is writing stay", () => {
  using temp = tempDir();
  const folder = [utf8("folder")];
  using other = closing(openFolderDestination(temp.path, { existing: "replace" }));
  other.makeFolder(folder);
  const files = [[], folder].map((at) => other.createFile(at, utf8("file")));
  const small = other.createFile(folder, utf8("small"), { atOnce: true });
  using into = closing(openFolderDestination(temp.path, { existing: "replace" }));
  into.makeFolder(folder);
  for (const file of [...files, small]) other.finishFile(file, metadata("file"));
  expect(fs.readdirSync(temp.path).sort()).toEqual(["file", "folder"]);
  expect(fs.readdirSync(join(temp.path, "folder")).sort()).toEqual(["file", "small"]);
});

function closing<T extends { close(): void }>(it: T): T & Disposable {
  return Object.assign(it, { [Symbol.dispose]: () => it.close() });
}
