// Attributes of what is restored, as other programs see them: in the right order, nothing inherited,
// and what has no place here is the file's own complaint.

import { describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";
import { utf8 } from "../../src/base/bytes.ts";
import type { Metadata } from "../../src/base/entry.ts";
import { AttributeSetter } from "../../src/destination/attributes.ts";
import type { FolderDestination } from "../../src/destination/folder.ts";
import { openFolderDestination } from "../../src/destination/open.ts";
import { Owners } from "../../src/destination/owners.ts";
import type { AccountTable } from "../../src/system/accounts.ts";
import { NO_ATTRIBUTES } from "../../src/system/attributes.ts";
import { systemErrorOf } from "../../src/system/failure.ts";
import { openFileSystem } from "../../src/system/open.ts";
import {
  attributesOf,
  HAS_ACLS,
  HAS_ATTRIBUTES,
  HAS_TRUSTED,
  IS_ROOT,
  tool,
} from "../support/attributes.ts";
import { meddledFiles } from "../support/files.ts";
import { tempDir } from "../support/temp.ts";

const OWN = { userId: process.geteuid?.() ?? 0, groupId: process.getegid?.() ?? 0 };

function metadata(name: string, more: Partial<Metadata> = {}): Metadata {
  return {
    name: utf8(name),
    type: "file",
    mode: 0o640,
    ...OWN,
    modified: { seconds: 1_000_000_000, nanoseconds: 123_456_789 },
    size: 0,
    ...more,
  };
}

function writeFile(into: FolderDestination, of: Metadata, text = "text"): void {
  const file = into.createFile([], of.name);
  into.writeAt(file, utf8(text), 0);
  into.finishFile(file, of);
}

/** Extended attributes without ACLs, as getfattr says them. */
function seen(path: string): string[] {
  const listed = tool("getfattr", "-h", "-d", "-m", "-", "--absolute-names", path);
  return listed
    .split("\n")
    .filter((line) => line.includes("=") && !line.startsWith("security.selinux"))
    .sort();
}

describe.skipIf(!HAS_ATTRIBUTES || Bun.which("getfattr") === null)("extended attributes", () => {
  test("of files and folders", () => {
    using temp = tempDir();
    const into = openFolderDestination(temp.path);
    const attributes = attributesOf({ "user.b": "two", "user.a": "", "system.odd": "never" });
    writeFile(into, metadata("file", { attributes }));
    into.makeFolder([utf8("folder")]);
    const folder = metadata("folder", { type: "folder", mode: 0o500, attributes });
    into.finishFolder([utf8("folder")], folder);
    expect(into.limits).toEqual([]);
    expect(into.takeComplaints()).toEqual([]);
    into.close();
    for (const name of ["file", "folder"]) {
      expect(seen(join(temp.path, name))).toEqual(['user.a=""', 'user.b="two"']);
      expect(fs.statSync(join(temp.path, name), { bigint: true }).mtimeNs).toBe(
        1000000000123456789n,
      );
    }
    expect(fs.statSync(join(temp.path, "folder")).mode & 0o7777).toBe(0o500);
  });

  test("of a folder that was there: exactly those of the snapshot", () => {
    using temp = tempDir();
    const at = join(temp.path, "folder");
    fs.mkdirSync(at);
    tool("setfattr", "-n", "user.old", "-v", "1", at);
    tool("setfattr", "-n", "user.both", "-v", "1", at);
    const into = openFolderDestination(temp.path, { existing: "replace" });
    into.makeFolder([utf8("folder")]);
    const attributes = attributesOf({ "user.both": "2", "user.new": "2" });
    into.finishFolder([utf8("folder")], metadata("folder", { type: "folder", attributes }));
    into.close();
    expect(seen(at)).toEqual(['user.both="2"', 'user.new="2"']);
  });

  test("what does not fit in is said of the file, which is whole but for it", () => {
    using temp = tempDir();
    const real = openFileSystem();
    const files = meddledFiles(
      ({ attributes }) => ({
        attributes: {
          list: (of, deviceId) => attributes.list(of, deviceId),
          get: (of, name) => attributes.get(of, name),
          remove: (of, name) => attributes.remove(of, name),
          set(of, name, value) {
            if (value.length > 100) throw systemErrorOf("ENOSPC", "setxattr");
            attributes.set(of, name, value);
          },
        },
      }),
      real,
    );
    const into = openFolderDestination(temp.path, { files });
    const attributes = attributesOf({
      "user.a": "1",
      "user.large": "x".repeat(101),
      "user.z": "2",
    });
    writeFile(into, metadata("file", { attributes, mode: 0o604 }));
    const [complaint, ...others] = into.takeComplaints();
    expect(others).toEqual([]);
    expect(complaint?.path).toEqual([utf8("file")]);
    expect(complaint?.message).toMatch(/user\.large does not fit in here \(ENOSPC\)/);
    expect(into.takeComplaints()).toEqual([]);
    expect(into.limits).toEqual([]);
    into.close();
    expect(fs.readFileSync(join(temp.path, "file"), "utf8")).toBe("text");
    expect(fs.statSync(join(temp.path, "file")).mode & 0o777).toBe(0o604);
    expect(seen(join(temp.path, "file"))).toEqual(['user.a="1"', 'user.z="2"']);
  });

  test("what may not be set is told once by its kind", () => {
    using temp = tempDir();
    const refused = () => {
      throw systemErrorOf("EPERM", "setxattr");
    };
    const { attributes: real } = openFileSystem();
    const files = meddledFiles(() => ({
      attributes: {
        list: (of) => real.list(of),
        get: () => undefined,
        set: refused,
        remove: refused,
      },
    }));
    const into = openFolderDestination(temp.path, { files });
    const attributes = attributesOf({
      "security.capability": "1",
      "security.selinux": "1",
      "system.posix_acl_access": "1",
      "user.a": "1",
      "user.b": "1",
    });
    for (const name of ["one", "two"]) writeFile(into, metadata(name, { attributes }));
    expect([...into.limits].sort()).toEqual(
      [
        "ACLs",
        "extended attributes of security.*",
        "extended attributes of user.*",
        "file capabilities",
      ].map((kind) => `${kind} were not restored: not permitted, or unknown here`),
    );
    expect(into.takeComplaints()).toEqual([]);
    into.close();
  });
});

describe.skipIf(!HAS_ACLS)("ACLs", () => {
  const aclOf = (path: string) =>
    tool("getfacl", "-n", "-c", "--absolute-names", path).trim().split("\n");

  test("come back with the mode's mask, and none is inherited", () => {
    using temp = tempDir();
    const from = join(temp.path, "from");
    fs.writeFileSync(from, "");
    fs.chmodSync(from, 0o640);
    tool("setfacl", "-m", "u:1234:rwx,g:77:r,m::rx", from);
    const expected = aclOf(from);
    const files = openFileSystem();
    const folder = files.openFolder(undefined, utf8(temp.path));
    const place = { folder, name: utf8("from"), type: "file" } as const;
    const attributes = files.attributes.list(place).map((name) => ({
      name,
      value: files.attributes.get(place, name)!,
    }));
    files.close(folder);
    const to = join(temp.path, "to");
    fs.mkdirSync(to);
    tool("setfacl", "-d", "-m", "u:4321:rwx", to);
    const into = openFolderDestination(to);
    const { mode } = fs.statSync(from);
    writeFile(into, metadata("with", { attributes, mode: mode & 0o7777 }));
    writeFile(into, metadata("without", { mode: 0o666 }));
    into.makeFolder([utf8("folder")]);
    into.finishFolder([utf8("folder")], metadata("folder", { type: "folder", mode: 0o775 }));
    into.makeNode([], metadata("pipe", { type: "fifo", mode: 0o622 }));
    expect(into.limits).toEqual([]);
    into.close();
    expect(aclOf(join(to, "with"))).toEqual(expected);
    expect(aclOf(join(to, "without"))).toEqual(["user::rw-", "group::rw-", "other::rw-"]);
    expect(aclOf(join(to, "folder"))).toEqual(["user::rwx", "group::rwx", "other::r-x"]);
    expect(aclOf(join(to, "pipe"))).toEqual(["user::rw-", "group::-w-", "other::-w-"]);
  });
});

test("without its ACL the mode gives the group no more than the ACL did", () => {
  using temp = tempDir();
  const files = meddledFiles((real) => ({
    attributes: {
      ...NO_ATTRIBUTES,
      list: (of) => real.attributes.list(of),
    },
  }));
  // user::rw-, user:1234:rw-, group::r--, mask::rw-, other::---.
  const entries = [
    [1, 6, -1],
    [2, 6, 1234],
    [4, 4, -1],
    [0x10, 6, -1],
    [0x20, 0, -1],
  ] as const;
  const value = new Uint8Array(4 + 8 * entries.length);
  const view = new DataView(value.buffer);
  view.setUint32(0, 2, true);
  for (const [i, [tag, bits, who]] of entries.entries()) {
    view.setUint16(4 + 8 * i, tag, true);
    view.setUint16(6 + 8 * i, bits, true);
    view.setInt32(8 + 8 * i, who, true);
  }
  const attributes = [{ name: utf8("system.posix_acl_access"), value }];
  const into = openFolderDestination(temp.path, { files });
  writeFile(into, metadata("file", { attributes, mode: 0o660 }));
  expect(into.limits.join()).toContain("ACLs were not restored");
  into.close();
  expect(fs.statSync(join(temp.path, "file")).mode & 0o777).toBe(0o640);
});

test("new files are not asked for attributes, where their folder gives none", () => {
  using temp = tempDir();
  let asked = 0;
  const files = meddledFiles((real) => ({
    attributes: {
      list(of) {
        asked += 1;
        return real.attributes.list(of);
      },
      get: (of, name) => real.attributes.get(of, name),
      set: (of, name, value) => real.attributes.set(of, name, value),
      remove: (of, name) => real.attributes.remove(of, name),
    },
  }));
  const into = openFolderDestination(temp.path, { files });
  for (let i = 0; i < 10; i++) writeFile(into, metadata(`file${i}`));
  into.close();
  expect(asked).toBe(1);
});

describe.skipIf(!HAS_TRUSTED)("what only root may set", () => {
  test("capabilities outlive the owner, and setuid bits both", () => {
    using temp = tempDir();
    const into = openFolderDestination(temp.path, { numericIds: true });
    // Version 2, effective, cap_net_bind_service (10) permitted.
    const value = Uint8Array.of(1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    const attributes = [{ name: utf8("security.capability"), value }];
    writeFile(into, metadata("file", { userId: 1234, groupId: 77, mode: 0o6755, attributes }));
    into.close();
    const file = fs.statSync(join(temp.path, "file"));
    expect([file.uid, file.gid, file.mode & 0o7777]).toEqual([1234, 77, 0o6755]);
    expect(seen(join(temp.path, "file"))).toHaveLength(1);
    expect(seen(join(temp.path, "file"))[0]).toStartWith("security.capability=");
  });

  test("attributes of links, pipes, sockets and devices", () => {
    using temp = tempDir();
    const into = openFolderDestination(temp.path);
    const attributes = attributesOf({ "trusted.a": "1" });
    into.makeLink([], metadata("link", { type: "link", target: utf8("nowhere"), attributes }));
    for (const type of ["fifo", "socket"] as const) {
      into.makeNode([], metadata(type, { type, attributes }));
    }
    expect(into.limits).toEqual([]);
    into.close();
    for (const name of ["link", "fifo", "socket"]) {
      expect(seen(join(temp.path, name))).toEqual(['trusted.a="1"']);
    }
  });
});

test("times before 1970 and after 2038, of files, folders and links", () => {
  using temp = tempDir();
  const into = openFolderDestination(temp.path);
  const times = [
    { seconds: -1_500_000_000, nanoseconds: 1 },
    { seconds: -1, nanoseconds: 999_999_999 },
    { seconds: 2 ** 32 + 5, nanoseconds: 123_456_789 },
  ];
  for (const [i, modified] of times.entries()) {
    writeFile(into, metadata(`file ${i}`, { modified }));
    into.makeFolder([utf8(`folder ${i}`)]);
    into.finishFolder(
      [utf8(`folder ${i}`)],
      metadata("", { type: "folder", mode: 0o755, modified }),
    );
    into.makeLink([], metadata(`link ${i}`, { type: "link", target: utf8("x"), modified }));
  }
  into.close();
  for (const [i, { seconds, nanoseconds }] of times.entries()) {
    const expected = BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);
    for (const kind of ["file", "folder", "link"]) {
      const stat = fs.lstatSync(join(temp.path, `${kind} ${i}`), { bigint: true });
      if (process.platform === "linux") expect(stat.mtimeNs).toBe(expected);
    }
  }
});

describe("owners", () => {
  const accounts: AccountTable = {
    userName: () => undefined,
    groupName: () => undefined,
    userIdOf: (name) => (name === "ann" ? 2001 : undefined),
    groupIdOf: (name) => (name === "staff" ? 2002 : undefined),
  };
  const known = metadata("file", { userId: 1, groupId: 2, userName: "ann", groupName: "staff" });

  test("are found by name, and by number where there is no such name", () => {
    const owners = new Owners({ accounts });
    expect(owners.ownerOf(known)).toEqual({ userId: 2001, groupId: 2002 });
    expect(owners.ownerOf({ ...known, userName: "ben" })).toEqual({ userId: 1, groupId: 2002 });
    expect(owners.ownerOf({ ...known, groupName: "crew" })).toEqual({ userId: 2001, groupId: 2 });
    expect(owners.ownerOf(metadata("file"))).toEqual(OWN);
  });

  test("are those of the snapshot where numbers are asked for", () => {
    const owners = new Owners({ accounts, numericIds: true });
    expect(owners.ownerOf(known)).toEqual({ userId: 1, groupId: 2 });
  });

  test("where the user may not be set, the group still is, without setuid bits", () => {
    const tried: [number, number][] = [];
    const files = meddledFiles(() => ({
      setOwner(_, userId, groupId) {
        tried.push([userId, groupId]);
        if (userId !== OWN.userId) throw systemErrorOf("EPERM", "fchown");
      },
    }));
    using temp = tempDir();
    const path = join(temp.path, "file");
    fs.writeFileSync(path, "");
    const descriptor = fs.openSync(path, "r");
    const setter = new AttributeSetter(files);
    setter.setOpen(descriptor, metadata("file", { userId: 4711, groupId: 77, mode: 0o6755 }));
    fs.closeSync(descriptor);
    expect(tried).toEqual([
      [4711, 77],
      [OWN.userId, 77],
    ]);
    expect(fs.statSync(path).mode & 0o7777).toBe(0o755);
    expect(setter.limits).toHaveLength(2);
  });

  test.skipIf(!IS_ROOT)("what is there counts as the same only with all of its metadata", () => {
    using temp = tempDir();
    const into = openFolderDestination(temp.path, { numericIds: true });
    const attributes = HAS_ATTRIBUTES ? attributesOf({ "user.a": "1" }) : [];
    const wanted = metadata("file", { userId: 1234, groupId: 77, attributes });
    writeFile(into, wanted);
    into.close();
    const files = openFileSystem();
    const folder = files.openFolder(undefined, utf8(temp.path));
    const of = { folder, name: utf8("file"), type: "file" } as const;
    const setter = new AttributeSetter(files, { numericIds: true });
    const isSame = (other: Partial<Metadata>) =>
      setter.isSame(of, files.stat(folder, of.name)!, { ...wanted, ...other });
    expect(isSame({})).toBe(true);
    expect(isSame({ userId: 1235 })).toBe(false);
    expect(isSame({ mode: 0o600 })).toBe(false);
    expect(isSame({ modified: { seconds: 1_000_000_000, nanoseconds: 0 } })).toBe(false);
    if (HAS_ATTRIBUTES) {
      expect(isSame({ attributes: [] })).toBe(false);
      expect(isSame({ attributes: attributesOf({ "user.a": "2" }) })).toBe(false);
      expect(isSame({ attributes: attributesOf({ "user.a": "1", "user.b": "" }) })).toBe(false);
    }
    files.close(folder);
  });
});
