// Deep trees: paths beyond what the system takes, few descriptors, folders moved meanwhile.

import { describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";
import { textOf, utf8 } from "../../src/base/bytes.ts";
import { openFolderSource } from "../../src/source/folder.ts";
import { openFileSystem } from "../../src/system/open.ts";
import type { SharedFolder } from "../../src/source/source.ts";
import { deepTempDir, openBelow } from "../system/trees.ts";
import { tempDir } from "../support/temp.ts";
import { linesOf, listening } from "./walking.ts";

const files = openFileSystem();

/** Folders in each other, each with a file "a" before and a file "z" after the next one, "m…". */
function makeDeep(path: string, depth: number, name: Uint8Array): void {
  let at = files.openFolder(undefined, utf8(path));
  for (let i = 0; i < depth; i++) {
    for (const file of ["a", "z"]) files.close(files.createFile(at, utf8(file), 0o600));
    files.makeFolder(at, name, 0o700);
    const next = files.openFolder(at, name);
    files.close(at);
    at = next;
  }
  files.close(at);
}

describe.skipIf(files.needsPaths)("by descriptors", () => {
  test("1,500 folders deep, with names of 255 bytes", () => {
    using temp = deepTempDir();
    const name = utf8("m".repeat(255));
    makeDeep(temp.path, 1500, name);
    const heard = listening();
    let entries = 0;
    let depth = 0;
    let openMax = 0;
    let longest = 0;
    const before = openBelow(temp.path);
    for (const event of openFolderSource([temp.path], heard).walk()) {
      if (event.kind === "entry") entries++;
      if (event.kind === "leave") depth--;
      if (event.kind !== "enter") continue;
      depth++;
      longest = Math.max(longest, event.folder.path().length);
      if (depth % 100 === 0) openMax = Math.max(openMax, openBelow(temp.path) - before);
    }
    expect(heard.problems).toEqual([]);
    expect(entries).toBe(3000);
    expect(depth).toBe(0);
    expect(longest).toBe(temp.path.length + 1500 * 256);
    expect(openMax).toBeGreaterThan(10);
    expect(openMax).toBeLessThan(100);
    expect(openBelow(temp.path)).toBe(before);
  }, 60_000);

  test("a folder moved away while below it: what is left of it is told, the rest is walked", () => {
    using temp = tempDir();
    const tree = join(temp.path, "tree");
    fs.mkdirSync(tree);
    makeDeep(tree, 12, utf8("m"));
    const heard = listening();
    const lines: string[] = [];
    let depth = 0;
    const source = openFolderSource([tree], { ...heard, openFoldersMax: 8 });
    for (const event of source.walk()) {
      if (event.kind === "enter") depth++;
      if (event.kind === "leave") depth--;
      if (event.kind === "entry") lines.push(`${depth}${textOf(event.metadata.name)}`);
      // At the very bottom: the third folder is moved elsewhere, with all in it.
      if (event.kind === "enter" && depth === 13)
        fs.renameSync(join(tree, "m/m"), join(temp.path, "moved"));
    }
    expect(depth).toBe(0);
    const after = Array.from({ length: 12 }, (_, i) => `${12 - i}z`);
    const found = lines.filter((line) => line.endsWith("z"));
    // Level 2 lies above the moved folder: the way up no longer leads there, the way down does.
    expect(found).toEqual(after);
    expect(heard.problems).toEqual([]);
  });

  test("a folder replaced by another of its name is not taken for it", () => {
    using temp = tempDir();
    const tree = join(temp.path, "tree");
    fs.mkdirSync(tree);
    makeDeep(tree, 12, utf8("m"));
    const heard = listening();
    const found: string[] = [];
    let depth = 0;
    for (const event of openFolderSource([tree], { ...heard, openFoldersMax: 8 }).walk()) {
      if (event.kind === "enter") depth++;
      if (event.kind === "leave") depth--;
      if (event.kind === "entry") found.push(`${depth}${textOf(event.metadata.name)}`);
      if (event.kind !== "enter" || depth !== 13) continue;
      // The fourth folder goes elsewhere, then the third, and a stranger takes the third's name.
      fs.renameSync(join(tree, "m/m/m"), join(temp.path, "fourth"));
      fs.renameSync(join(tree, "m/m"), join(temp.path, "third"));
      fs.mkdirSync(join(tree, "m/m"));
      fs.writeFileSync(join(tree, "m/m/z"), "a stranger's");
    }
    expect(depth).toBe(0);
    expect(heard.problems.map(({ subject }) => subject)).toEqual([join(tree, "m/m")]);
    expect(found).not.toContain("3z");
    expect(found.filter((line) => line.endsWith("z")).length).toBe(11);
  });

  test("readers that hold folders make the walk wait, and nothing is lost", async () => {
    using temp = tempDir();
    for (let i = 0; i < 40; i++) {
      fs.mkdirSync(join(temp.path, `d${i}`, "e"), { recursive: true });
      fs.writeFileSync(join(temp.path, `d${i}`, "e", "file"), "");
    }
    const held: SharedFolder[] = [];
    let waits = 0;
    let entries = 0;
    let openMax = 0;
    const before = openBelow(temp.path);
    for (const event of openFolderSource([temp.path], { openFoldersMax: 10 }).walk()) {
      if (event.kind === "entry") {
        entries++;
        event.folder.retain();
        held.push(event.folder);
        openMax = Math.max(openMax, openBelow(temp.path) - before);
      }
      if (event.kind !== "wait") continue;
      waits++;
      queueMicrotask(() => held.shift()?.release());
      await event.until;
    }
    expect(entries).toBe(40);
    expect(waits).toBeGreaterThan(20);
    expect(openMax).toBeLessThan(14);
    for (const folder of held) {
      expect(files.stat(folder.descriptor, utf8("file"))?.type).toBe("file");
      folder.release();
    }
    expect(openBelow(temp.path)).toBe(before);
  });

  test("a retained folder stays usable when the walk has ended", () => {
    using temp = tempDir();
    fs.writeFileSync(join(temp.path, "file"), "text");
    const folders: SharedFolder[] = [];
    for (const event of openFolderSource([join(temp.path, "file")]).walk()) {
      if (event.kind !== "entry") continue;
      event.folder.retain();
      folders.push(event.folder);
    }
    expect(files.stat(folders[0]!.descriptor, utf8("file"))?.size).toBe(4);
    folders[0]!.release();
    expect(() => folders[0]!.release()).toThrow("released once");
    expect(() => folders[0]!.retain()).toThrow("not retained");
  });
});

test("few open folders are enough for a deep tree", () => {
  using temp = tempDir();
  makeDeep(temp.path, 30, utf8("m"));
  const lines = linesOf(openFolderSource([temp.path], { openFoldersMax: 4 }));
  expect(lines.filter((line) => line === "z").length).toBe(30);
  expect(lines.filter((line) => line === "-").length).toBe(31);
});
