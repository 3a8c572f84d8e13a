// The comparison of the quickstart: every difference that it must see, it sees.

import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

import { compareFolders } from "./support/compare.ts";
import { tempDir } from "./support/temp.ts";

const TIME = new Date(1_700_000_000_000);
const BAD_NAME = Buffer.from([0x2f, 0xff, 0xfe]);

function plant(root: string): void {
  mkdirSync(join(root, "folder"), { recursive: true });
  writeFileSync(join(root, "folder/a"), "content a");
  writeFileSync(join(root, "big"), new Uint8Array(1_500_000));
  writeFileSync(join(root, "c"), "linked");
  linkSync(join(root, "c"), join(root, "d"));
  symlinkSync("folder/a", join(root, "link"));
  writeFileSync(Buffer.concat([Buffer.from(root), BAD_NAME]), "raw name");
  settle(root);
}

function settle(root: string): void {
  for (const name of ["folder/a", "big", "c", "folder", "."])
    utimesSync(join(root, name), TIME, TIME);
  utimesSync(Buffer.concat([Buffer.from(root), BAD_NAME]), TIME, TIME);
}

// Links have their own time, which no portable call sets: their differences are left out.
function differencesAfter(change: (copy: string) => void, settled = true): string[] {
  using folder = tempDir();
  const [original, copy] = [join(folder.path, "original"), join(folder.path, "copy")];
  plant(original);
  plant(copy);
  change(copy);
  if (settled) settle(copy);
  const { differences } = compareFolders(original, copy);
  return differences.filter((text) => !text.startsWith('"link" differs in modification time'));
}

test("equal folders have no difference, and are counted", () => {
  using folder = tempDir();
  plant(join(folder.path, "o"));
  const found = compareFolders(join(folder.path, "o"), join(folder.path, "o"));
  expect(found).toEqual({
    differences: [],
    fileCount: 5,
    folderCount: 2,
    otherCount: 1,
    bytes: 9 + 1_500_000 + 6 + 8,
  });
});

describe("seen are", () => {
  const cases: [string, (copy: string) => void, string][] = [
    ["one bit", (copy) => writeFileSync(join(copy, "folder/a"), "content b"), "in its content"],
    ["the last byte", (copy) => writeFileSync(join(copy, "big"), lastByteSet()), "in its content"],
    ["a length", (copy) => writeFileSync(join(copy, "folder/a"), "content"), "in size"],
    ["a mode", (copy) => chmodSync(join(copy, "folder/a"), 0o600), "in type and mode"],
    ["a folder's mode", (copy) => chmodSync(join(copy, "folder"), 0o700), "in type and mode"],
    ["a broken hard link", (copy) => breakLink(copy), "in first name"],
    ["another target", (copy) => relink(copy), "points elsewhere"],
    ["something more", (copy) => writeFileSync(join(copy, "more"), ""), "is in the copy only"],
  ];
  test.each(cases)("%s", (_, change, expected) => {
    const differences = differencesAfter(change);
    expect(differences.length).toBeGreaterThan(0);
    expect(differences.every((text) => text.includes(expected) || text.includes("content"))).toBe(
      true,
    );
    expect(differences.join("\n")).toContain(expected);
  });

  test("something missing", () => {
    const remove = (copy: string): void => rmSync(Buffer.concat([Buffer.from(copy), BAD_NAME]));
    expect(differencesAfter(remove, false).join("\n")).toContain("is missing in the copy");
  });

  test("a nanosecond's worth of time", () => {
    const touch = (copy: string): void =>
      utimesSync(join(copy, "big"), TIME, new Date(1_700_000_000_001));
    expect(differencesAfter(touch, false).join("\n")).toContain("in modification time");
  });
});

test("what is left out is left out at the top only", () => {
  using folder = tempDir();
  const [original, copy] = [join(folder.path, "o"), join(folder.path, "c")];
  mkdirSync(join(original, "dist"), { recursive: true });
  mkdirSync(join(original, "folder/dist"), { recursive: true });
  mkdirSync(join(copy, "folder"), { recursive: true });
  for (const root of [original, copy]) {
    utimesSync(join(root, "folder"), TIME, TIME);
    utimesSync(root, TIME, TIME);
  }
  expect(compareFolders(original, copy, { leftOut: ["dist"] }).differences).toEqual([
    '"folder/dist" is missing in the copy',
  ]);
});

test("looking changes no access time", () => {
  using folder = tempDir();
  plant(folder.path);
  const before = statSync(join(folder.path, "big"), { bigint: true }).atimeNs;
  compareFolders(folder.path, folder.path);
  expect(statSync(join(folder.path, "big"), { bigint: true }).atimeNs).toBe(before);
});

function lastByteSet(): Uint8Array {
  const bytes = new Uint8Array(1_500_000);
  bytes[bytes.length - 1] = 1;
  return bytes;
}

function breakLink(copy: string): void {
  writeFileSync(join(copy, "new"), "linked");
  renameSync(join(copy, "new"), join(copy, "d"));
  utimesSync(join(copy, "d"), TIME, TIME);
}

function relink(copy: string): void {
  rmSync(join(copy, "link"));
  symlinkSync("folder/b", join(copy, "link"));
}
