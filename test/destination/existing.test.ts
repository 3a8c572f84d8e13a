// What happens where something has the name already, planted links included.

import { describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";
import { utf8 } from "../../src/base/bytes.ts";
import type { Metadata } from "../../src/base/entry.ts";
import type { FolderDestination } from "../../src/destination/folder.ts";
import { openFolderDestination } from "../../src/destination/open.ts";
import { isBunkerError } from "../../src/base/errors.ts";
import { tempDir } from "../support/temp.ts";

function metadata(name: string, more: Partial<Metadata> = {}): Metadata {
  const owner = { userId: process.geteuid!(), groupId: process.getegid!() };
  const modified = { seconds: 1, nanoseconds: 0 };
  return { name: utf8(name), type: "file", mode: 0o600, size: 0, modified, ...owner, ...more };
}

function writeFile(into: FolderDestination, folder: string[], name: string, text: string): void {
  const file = into.createFile(folder.map(utf8), utf8(name));
  into.writeAt(file, utf8(text), 0);
  into.finishFile(file, metadata(name));
}

function withTree(
  existing: "refuse" | "replace",
  run: (into: FolderDestination, root: string) => void,
): void {
  using temp = tempDir();
  fs.mkdirSync(join(temp.path, "outside"));
  fs.writeFileSync(join(temp.path, "outside", "file"), "outside");
  const root = join(temp.path, "root");
  fs.mkdirSync(join(root, "folder"), { recursive: true });
  fs.writeFileSync(join(root, "file"), "old");
  fs.symlinkSync("../outside", join(root, "to-folder"));
  fs.symlinkSync("../outside/file", join(root, "to-file"));
  const into = openFolderDestination(root, { existing });
  try {
    run(into, root);
    expect(fs.readdirSync(join(temp.path, "outside"))).toEqual(["file"]);
    expect(fs.readFileSync(join(temp.path, "outside", "file"), "utf8")).toBe("outside");
    expect(fs.readdirSync(root).filter((name) => name.startsWith(".bunker"))).toEqual([]);
  } finally {
    into.close();
  }
}

const exists: unknown = expect.objectContaining({ code: "exists" });

test("refuses whatever is there, and changes nothing", () => {
  withTree("refuse", (into, root) => {
    const before = fs.readdirSync(root);
    for (const name of before) {
      expect(() => into.createFile([], utf8(name))).toThrow(exists);
      expect(() => into.makeFolder([utf8(name)])).toThrow(exists);
      const link = metadata(name, { type: "link", target: utf8("x") });
      expect(() => into.makeLink([], link)).toThrow(exists);
      expect(() => into.makeNode([], metadata(name, { type: "fifo" }))).toThrow();
      const file = { folder: [], name: utf8("file") };
      expect(() => into.makeHardLink(file, { folder: [], name: utf8(name) })).toThrow(exists);
    }
    expect(fs.readdirSync(root)).toEqual(before);
    expect(fs.readFileSync(join(root, "file"), "utf8")).toBe("old");
  });
});

describe("replacing", () => {
  test("a file takes the place of a file and of a link, and is there only when finished", () => {
    withTree("replace", (into, root) => {
      const file = into.createFile([], utf8("file"));
      into.writeAt(file, utf8("new"), 0);
      expect(fs.readFileSync(join(root, "file"), "utf8")).toBe("old");
      into.finishFile(file, metadata("file"));
      expect(fs.readFileSync(join(root, "file"), "utf8")).toBe("new");
      for (const name of ["to-file", "to-folder"]) {
        writeFile(into, [], name, "new");
        expect(fs.lstatSync(join(root, name)).isFile()).toBe(true);
      }
    });
  });

  test("links and further names replace too", () => {
    withTree("replace", (into, root) => {
      into.makeLink([], metadata("to-file", { type: "link", target: utf8("elsewhere") }));
      expect(fs.readlinkSync(join(root, "to-file"))).toBe("elsewhere");
      const file = { folder: [], name: utf8("file") };
      for (const name of ["to-folder", "to-folder", "file"]) {
        into.makeHardLink(file, { folder: [], name: utf8(name) });
      }
      expect(fs.lstatSync(join(root, "to-folder")).ino).toBe(fs.lstatSync(join(root, "file")).ino);
      expect(fs.lstatSync(join(root, "file")).nlink).toBe(2);
    });
  });

  test("a folder that is there is used; nothing else makes way for one", () => {
    withTree("replace", (into, root) => {
      into.makeFolder([utf8("folder")]);
      writeFile(into, ["folder"], "inner", "new");
      expect(fs.readFileSync(join(root, "folder", "inner"), "utf8")).toBe("new");
      for (const name of ["to-folder", "to-file", "file"]) {
        expect(() => into.makeFolder([utf8(name)])).toThrow(exists);
      }
    });
  });

  test("a folder makes way for nothing", () => {
    withTree("replace", (into, root) => {
      const file = into.createFile([], utf8("folder"));
      expect(() => into.finishFile(file, metadata("folder"))).toThrow(exists);
      const link = metadata("folder", { type: "link", target: utf8("x") });
      expect(() => into.makeLink([], link)).toThrow(exists);
      expect(fs.lstatSync(join(root, "folder")).isDirectory()).toBe(true);
    });
  });
});

test.each(["refuse", "replace"] as const)("never goes through a link (%s)", (existing) => {
  withTree(existing, (into) => {
    for (const folder of [["to-folder"], ["to-file"], ["folder", "..", "..", "outside"]]) {
      const names = folder.map(utf8);
      const acts: readonly (() => unknown)[] = [
        () => into.createFile(names, utf8("new")),
        () => into.makeFolder([...names, utf8("new")]),
        () => into.makeLink(names, metadata("new", { type: "link", target: utf8("x") })),
        () =>
          into.makeHardLink(
            { folder: names, name: utf8("file") },
            { folder: [], name: utf8("new") },
          ),
        () => into.finishFolder(names, metadata("", { type: "folder", mode: 0o777 })),
      ];
      for (const act of acts) {
        try {
          act();
          throw new Error("nothing was refused");
        } catch (error) {
          expect(isBunkerError(error, "exists") || isBunkerError(error, "corrupt")).toBe(true);
        }
      }
    }
  });
});
