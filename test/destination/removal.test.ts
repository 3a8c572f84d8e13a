// Removal: what stays, and what is told of it.

import { expect, test } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";
import { utf8 } from "../../src/base/bytes.ts";
import { textOfPath } from "../../src/destination/names.ts";
import { openFolderDestination } from "../../src/destination/open.ts";
import type { RemovalRules } from "../../src/destination/removal.ts";
import type { FileSystem } from "../../src/system/files.ts";
import { mountSmallDisk } from "../support/disk.ts";
import { meddledFiles, writeTree } from "../support/files.ts";
import { tempDir } from "../support/temp.ts";

/** Removes a name; gives what went and what stayed, in this order. */
function remove(root: string, name: string, rules: Partial<RemovalRules> = {}, files?: FileSystem) {
  const removed: string[] = [];
  const kept: string[] = [];
  const into = openFolderDestination(root, files === undefined ? {} : { files });
  const gone = into
    .removal({
      spared: [],
      dry: false,
      onRemoved: (path) => removed.push(textOfPath(path)),
      onKept: (path, error) => kept.push(`${textOfPath(path)}: ${error.message}`),
      ...rules,
    })
    .remove([], utf8(name));
  into.close();
  return { gone, removed: removed.sort(), kept };
}

test("a whole tree goes, by one call or by none", () => {
  using temp = tempDir();
  writeTree(temp.path, { "a/b/c": "1", "a/d": "2", e: "3" });
  const all = { gone: true, removed: ["a", "a/b", "a/b/c", "a/d"], kept: [] };
  expect(remove(temp.path, "a", { dry: true })).toEqual(all);
  expect(fs.readdirSync(join(temp.path, "a"))).toEqual(["b", "d"]);
  expect(remove(temp.path, "a")).toEqual(all);
  expect(fs.readdirSync(temp.path)).toEqual(["e"]);
  expect(remove(temp.path, "a")).toEqual({ gone: true, removed: [], kept: [] });
});

test("what is mounted stays, also where it is the same file system", () => {
  using disk = mountSmallDisk();
  if (disk === undefined) return;
  using temp = tempDir();
  writeTree(temp.path, { "a/file": "1", "other/kept": "2" });
  for (const name of ["disk", "same"]) fs.mkdirSync(join(temp.path, "a", name));
  fs.writeFileSync(join(disk.path, "kept"), "3");
  const binds = [
    [disk.path, join(temp.path, "a/disk")],
    [join(temp.path, "other"), join(temp.path, "a/same")],
  ] as const;
  for (const [what, where] of binds) Bun.spawnSync(["mount", "--bind", what, where]);
  try {
    const { gone, removed, kept } = remove(temp.path, "a");
    expect({ gone, removed }).toEqual({ gone: false, removed: ["a/file"] });
    const why = "it stays: something is mounted there";
    expect(kept).toEqual([`a/disk: ${why}`, `a/same: ${why}`]);
  } finally {
    for (const [, where] of binds) Bun.spawnSync(["umount", "-l", where]);
  }
  expect(fs.readFileSync(join(temp.path, "other/kept"), "utf8")).toBe("2");
  expect(fs.readFileSync(join(disk.path, "kept"), "utf8")).toBe("3");
});

test("where the other case leads to the same thing, it stays", () => {
  using temp = tempDir();
  writeTree(temp.path, { readme: "just restored as README" });
  // As a file system that does not tell names apart by case.
  const files = meddledFiles((real) => ({
    stat: (folder, name) =>
      real.stat(folder, utf8(Buffer.from(name).toString("latin1").toLowerCase())),
  }));
  const { gone, kept } = remove(temp.path, "readme", {}, files);
  expect(gone).toBe(false);
  expect(kept).toEqual([
    "readme: it stays: this file system takes names for one that differ in case only",
  ]);
  expect(fs.readdirSync(temp.path)).toEqual(["readme"]);
  expect(remove(temp.path, "readme").gone).toBe(true);
});

test("where another form of Unicode leads to the same thing, it stays", () => {
  using temp = tempDir();
  const [composed, decomposed] = ["\u00e9", "e\u0301"];
  writeTree(temp.path, { [decomposed]: "just restored as the other" });
  // As a file system that does not tell the forms apart.
  const files = meddledFiles((real) => ({
    stat: (folder, name) => real.stat(folder, utf8(Buffer.from(name).toString().normalize("NFD"))),
  }));
  for (const name of [composed, decomposed]) {
    expect(remove(temp.path, name, {}, files).gone).toBe(false);
  }
  expect(fs.readdirSync(temp.path)).toEqual([decomposed]);
  expect(remove(temp.path, decomposed).gone).toBe(true);
});

test("links are removed and not followed; a name that leads out is refused", () => {
  using temp = tempDir();
  writeTree(temp.path, { "outside/kept": "1", "root/a/b": "2" });
  fs.symlinkSync("../../outside", join(temp.path, "root/a/link"));
  fs.symlinkSync("../outside", join(temp.path, "root/link"));
  const root = join(temp.path, "root");
  expect(remove(root, "a").removed).toEqual(["a", "a/b", "a/link"]);
  expect(remove(root, "link").removed).toEqual(["link"]);
  expect(() => remove(root, "..")).toThrow(expect.objectContaining({ code: "corrupt" }));
  expect(fs.readdirSync(join(temp.path, "outside"))).toEqual(["kept"]);
});

test("what may not be removed is told, and the rest goes", () => {
  using temp = tempDir();
  writeTree(temp.path, { "a/b/c": "1", "a/d": "2" });
  const files = meddledFiles((real) => ({
    remove(folder, name, isFolder) {
      if (Buffer.from(name).toString() === "c") {
        throw Object.assign(new Error("EPERM"), { code: "EPERM" });
      }
      real.remove(folder, name, isFolder);
    },
  }));
  const { gone, removed, kept } = remove(temp.path, "a", {}, files);
  expect({ gone, removed, kept }).toEqual({
    gone: false,
    removed: ["a/d"],
    kept: ["a/b/c: removing: EPERM"],
  });
});
