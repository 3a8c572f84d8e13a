// Settled: what is there has all that this user may set; making it anew would change nothing.

import { describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";
import { utf8 } from "../../src/base/bytes.ts";
import type { Metadata } from "../../src/base/entry.ts";
import { DryDestination } from "../../src/destination/dry.ts";
import type { FolderDestination } from "../../src/destination/folder.ts";
import { openFolderDestination } from "../../src/destination/open.ts";
import { openFileSystem } from "../../src/system/open.ts";
import { privilegesIn } from "../../src/system/privileges.ts";
import { IS_ROOT, asUser } from "../system/trees.ts";
import { tempDir } from "../support/temp.ts";

const CAPABILITY = {
  name: utf8("security.capability"),
  value: Uint8Array.of(1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
};
const NATIVE = process.platform === "linux" && openFileSystem().limits.length === 0;

function metadata(more: Partial<Metadata> = {}): Metadata {
  const modified = { seconds: 1_500_000_000, nanoseconds: 5 };
  const owner = { userId: 12_345, groupId: 12_345 };
  return { name: utf8("file"), type: "file", mode: 0o4755, size: 0, modified, ...owner, ...more };
}

/** Restores a file as a user without rights, and looks at it as the same command again does. */
function again(
  first: Metadata,
  act: (into: FolderDestination, path: string) => void,
): { readonly limits: readonly string[]; readonly rewritten: boolean } {
  using temp = tempDir();
  fs.chmodSync(temp.path, 0o777);
  return asUser(() => {
    const root = join(temp.path, "root");
    const into = openFolderDestination(root, { create: true, existing: "replace" });
    into.finishFile(into.createFile([], first.name), first);
    into.close();
    const once = openFolderDestination(root, { existing: "replace" });
    const path = join(root, "file");
    const { ctimeMs } = fs.statSync(path);
    try {
      act(once, path);
      return { limits: once.limits, rewritten: fs.statSync(path).ctimeMs !== ctimeMs };
    } finally {
      once.close();
    }
  });
}

const statIn = (into: FolderDestination) => into.there.look([], utf8("file"))!;

describe.skipIf(!IS_ROOT || !NATIVE)("what a plain user can't set", () => {
  test.each([
    ["setuid of another owner", metadata(), ["owners", "setuid"]],
    ["another group, and setgid", metadata({ userId: 65_534, mode: 0o2755 }), ["owners", "setuid"]],
    [
      "a capability",
      metadata({ userId: 65_534, groupId: 65_534, mode: 0o755, attributes: [CAPABILITY] }),
      ["file"],
    ],
  ])("is no reason to write a file again, and is told: %s", (_what, wanted, told) => {
    const found = again(wanted, (into) => {
      const dry = new DryDestination(into, { clearing: false });
      expect(dry.there.correct([], statIn(into), wanted)).toBe(true);
      expect(into.there.correct([], statIn(into), wanted)).toBe(true);
    });
    expect(found.limits.map((limit) => limit.split(" ")[0])).toEqual(told);
    expect(found.rewritten).toBe(false);
  });

  test("nor one with several names", () => {
    const wanted = metadata({ mode: 0o644 });
    const found = again(wanted, (into, path) => {
      fs.linkSync(path, `${path}.more`);
      expect(into.there.correct([], statIn(into), wanted)).toBe(true);
    });
    expect(found.limits).toHaveLength(1);
  });

  test.each([
    ["a mode", { mode: 0o4711 }],
    ["a time", { modified: { seconds: 1, nanoseconds: 0 } }],
    ["an attribute", { attributes: [{ name: utf8("user.more"), value: utf8("x") }] }],
  ])("does not hide %s that it can", (_what, other) => {
    again(metadata(), (into) => {
      expect(into.there.correct([], statIn(into), metadata(other))).toBe(false);
      expect(into.limits).toEqual([]);
    });
  });

  test("does not keep a file of somebody else", () => {
    again(metadata(), (into) => {
      const stat = { ...statIn(into), userId: 54_321 };
      expect(into.there.correct([], stat, metadata())).toBe(false);
    });
  });
});

test.skipIf(!IS_ROOT)("whoever may set all of it gets it set, in a new file", () => {
  using temp = tempDir();
  const into = openFolderDestination(temp.path, { existing: "replace" });
  fs.writeFileSync(join(temp.path, "file"), "", { mode: 0o755 });
  expect(into.there.correct([], statIn(into), metadata())).toBe(false);
  into.close();
});

test("privileges are those of the thread's status", () => {
  const of = (digits: string) => privilegesIn(`CapPrm:\tffff\nCapEff:\t${digits}\nCapBnd:\tffff\n`);
  expect(of("0000000000000000")).toEqual({ chown: false, fileCapabilities: false, trusted: false });
  expect(of("0000000000000001")).toEqual({ chown: true, fileCapabilities: false, trusted: false });
  expect(of("0000000080000000")).toEqual({ chown: false, fileCapabilities: true, trusted: false });
  expect(of("0000000000200000")).toEqual({ chown: false, fileCapabilities: false, trusted: true });
  const all = { chown: IS_ROOT, fileCapabilities: IS_ROOT, trusted: IS_ROOT };
  expect(privilegesIn("no such line")).toEqual(all);
});
