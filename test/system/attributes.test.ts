// Extended attributes and holes, asked of the system and seen by it.

import { describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";
import { codeOf } from "../support/failure.ts";
import { textOf, utf8 } from "../../src/base/bytes.ts";
import type { Subject } from "../../src/system/attributes.ts";
import { isKept, isRemovable, kindOf } from "../../src/system/attribute-names.ts";
import { readAccounts } from "../../src/system/accounts.ts";
import type { FileSystem } from "../../src/system/files.ts";
import { openLibc } from "../../src/system/libc.ts";
import { NativeAttributes } from "../../src/system/native-attributes.ts";
import { NativeFileSystem } from "../../src/system/native.ts";
import { PortableFileSystem } from "../../src/system/portable.ts";
import { HAS_ATTRIBUTES, HAS_TRUSTED } from "../support/attributes.ts";
import { tempDir } from "../support/temp.ts";

const libc = openLibc();

function scene() {
  const temp = tempDir();
  const files = new NativeFileSystem(libc!);
  const folder = files.openFolder(undefined, utf8(temp.path));
  fs.writeFileSync(join(temp.path, "file"), "text");
  fs.symlinkSync("file", join(temp.path, "link"));
  const descriptor = files.openFile(folder, utf8("file"));
  const named = (name: string, type: "file" | "link" | "fifo"): Subject => ({
    folder,
    name: utf8(name),
    type,
  });
  return {
    files,
    folder,
    descriptor,
    path: temp.path,
    attributes: files.attributes,
    named,
    [Symbol.dispose]() {
      files.close(descriptor);
      files.close(folder);
      temp[Symbol.dispose]();
    },
  };
}

const textsOf = (names: readonly Uint8Array[]) => names.map(textOf).sort();

describe.skipIf(libc === undefined || !HAS_ATTRIBUTES)("attributes of users", () => {
  test("of open files and folders, and of names, are one", () => {
    using at = scene();
    const { attributes, descriptor, folder, named } = at;
    expect(attributes.list(descriptor)).toEqual([]);
    attributes.set(descriptor, utf8("user.open"), utf8("1"));
    attributes.set(named("file", "file"), utf8("user.named"), utf8(""));
    attributes.set(folder, utf8("user.folder"), utf8("3"));
    for (const of of [descriptor, named("file", "file")]) {
      expect(textsOf(attributes.list(of))).toEqual(["user.named", "user.open"]);
      expect(textOf(attributes.get(of, utf8("user.open"))!)).toBe("1");
      expect(attributes.get(of, utf8("user.named"))).toHaveLength(0);
      expect(attributes.get(of, utf8("user.none"))).toBeUndefined();
    }
    expect(textsOf(attributes.list(folder))).toEqual(["user.folder"]);
    // What was listed is the caller's, whatever comes next.
    const names = attributes.list(descriptor);
    attributes.list(folder);
    expect(textsOf(names)).toEqual(["user.named", "user.open"]);
  });

  test("values and lists of any length are whole", () => {
    using at = scene();
    const { attributes, descriptor } = at;
    const long = utf8("v".repeat(2500));
    attributes.set(descriptor, utf8("user.long"), long);
    expect(attributes.get(descriptor, utf8("user.long"))).toEqual(long);
    attributes.remove(descriptor, utf8("user.long"));
    const names = Array.from({ length: 20 }, (_, i) => `user.${String(i).padStart(100, "n")}`);
    for (const name of names) attributes.set(descriptor, utf8(name), utf8("1"));
    expect(textsOf(attributes.list(descriptor))).toEqual(names.sort());
  });

  test("are removed, once or twice", () => {
    using at = scene();
    const { attributes, descriptor } = at;
    attributes.set(descriptor, utf8("user.a"), utf8("1"));
    attributes.remove(descriptor, utf8("user.a"));
    attributes.remove(descriptor, utf8("user.a"));
    expect(attributes.list(descriptor)).toEqual([]);
  });

  test("what is too large, unknown or not what it was is an error", () => {
    using at = scene();
    const { attributes, descriptor, named } = at;
    const huge = new Uint8Array(64 * 1024 + 1);
    expect(codeOf(() => attributes.set(descriptor, utf8("user.a"), huge))).toBe("E2BIG");
    expect(codeOf(() => attributes.set(descriptor, utf8("nobody.a"), huge.subarray(1)))).toMatch(
      /^E(?:OPNOTSUPP|NOTSUP)$/,
    );
    expect(codeOf(() => attributes.set(named("file", "fifo"), utf8("user.a"), utf8("1")))).toBe(
      "EEXIST",
    );
    expect(codeOf(() => attributes.list(named("none", "file")))).toBe("ENOENT");
  });
});

test.skipIf(libc === undefined || !HAS_TRUSTED)("links and pipes have their own", () => {
  using at = scene();
  const { attributes, named } = at;
  at.files.makeNode(at.folder, utf8("pipe"), { type: "fifo", mode: 0o600, major: 0, minor: 0 });
  const link = named("link", "link");
  attributes.set(link, utf8("trusted.a"), utf8("link"));
  attributes.set(named("pipe", "fifo"), utf8("trusted.a"), utf8("pipe"));
  expect(attributes.list(at.descriptor)).toEqual([]);
  expect(textOf(attributes.get(link, utf8("trusted.a"))!)).toBe("link");
  expect(textsOf(attributes.list(named("pipe", "fifo")))).toEqual(["trusted.a"]);
  attributes.remove(link, utf8("trusted.a"));
  expect(attributes.list(link)).toEqual([]);
});

test.skipIf(libc === undefined)("a file system without attributes is not asked again", () => {
  const real = libc!;
  let calls = 0;
  const call = {
    ...real.call,
    flistxattr: () => {
      calls += 1;
      return -1;
    },
  } as unknown as typeof real.call;
  const attributes = new NativeAttributes({ ...real, call, errno: () => 95 }, () => undefined);
  for (let i = 0; i < 3; i++) expect(attributes.list(0, 7)).toEqual([]);
  expect(calls).toBe(1);
  attributes.list(0, 8);
  expect(calls).toBe(2);
});

test("without the C library all goes on, and is said once", () => {
  using temp = tempDir();
  fs.writeFileSync(join(temp.path, "file"), "text");
  const files: FileSystem = new PortableFileSystem();
  const folder = files.openFolder(undefined, utf8(temp.path));
  expect(files.attributes.list(folder)).toEqual([]);
  const said = files.limits.filter((limit) => limit.includes("extended attributes"));
  expect(said).toHaveLength(1);
  const file = files.openFile(folder, utf8("file"));
  expect([files.dataFrom(file, 1), files.holeFrom(file, 1)]).toEqual([1, Number.POSITIVE_INFINITY]);
  files.close(file);
  files.close(folder);
});

test("what is a file's own, and what is the system's", () => {
  const kept = ["user.a", "trusted.a", "security.selinux", "security.capability"];
  const acls = ["system.posix_acl_access", "system.posix_acl_default", "system.nfs4_acl"];
  for (const name of [...kept, ...acls, "user.\nline"]) expect(isKept(utf8(name))).toBe(true);
  const others = ["security.evm", "system.ntfs_attrib", "btrfs.compression", "user.", "user", ""];
  for (const name of others) expect(isKept(utf8(name))).toBe(false);
  expect(isRemovable(utf8("security.selinux"))).toBe(false);
  expect(isRemovable(utf8("system.cifs_acl"))).toBe(false);
  for (const name of ["user.a", "trusted.a", "security.capability", ...acls]) {
    expect(isRemovable(utf8(name))).toBe(true);
  }
  expect(kindOf(utf8("user.a"))).toBe("extended attributes of user.*");
  expect(kindOf(utf8("system.posix_acl_default"))).toBe("ACLs");
});

test("names of users and groups have numbers; the first of a name counts", () => {
  using temp = tempDir();
  const [users, groups] = [join(temp.path, "users"), join(temp.path, "groups")];
  fs.writeFileSync(users, "ann:x:7:1\nben:x:8:1\nann:x:9:1\n");
  fs.writeFileSync(groups, "staff:x:50:\n");
  const accounts = readAccounts(users, groups);
  expect(accounts.userIdOf("ann")).toBe(7);
  expect(accounts.userIdOf("staff")).toBeUndefined();
  expect(accounts.groupIdOf("staff")).toBe(50);
});
