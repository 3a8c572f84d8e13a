// The folder destination: what it makes, what it refuses, what it tells.

import { describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";
import { type Bytes, textOf, utf8 } from "../../src/base/bytes.ts";
import type { Metadata } from "../../src/base/entry.ts";
import type { FolderPath } from "../../src/destination/destination.ts";
import type { FolderDestination } from "../../src/destination/folder.ts";
import { openFolderDestination } from "../../src/destination/open.ts";
import { openLibc } from "../../src/system/libc.ts";
import { PortableFileSystem } from "../../src/system/portable.ts";
import { IS_ROOT, asUser, deepTempDir, openBelow, raw } from "../system/trees.ts";
import { tempDir } from "../support/temp.ts";

const NATIVE = openLibc() !== undefined;
const TIME = { seconds: 1_000_000_000, nanoseconds: 123_456_789 };

function path(...names: string[]): FolderPath {
  return names.map((name) => utf8(name));
}

function metadata(name: string | Bytes, more: Partial<Metadata> = {}): Metadata {
  return {
    name: typeof name === "string" ? utf8(name) : name,
    type: "file",
    mode: 0o640,
    userId: process.geteuid!(),
    groupId: process.getegid!(),
    modified: TIME,
    size: 0,
    ...more,
  };
}

function writeFile(into: FolderDestination, folder: FolderPath, name: string, text: string): void {
  const file = into.createFile(folder, utf8(name));
  into.writeAt(file, utf8(text), 0);
  into.finishFile(file, metadata(name));
}

function modifiedOf(file: string): bigint {
  return fs.lstatSync(file, { bigint: true }).mtimeNs;
}

const TIME_NS = 1_000_000_000_123_456_789n;

describe("opening", () => {
  test("makes the folder and those above it when asked to", () => {
    using temp = tempDir();
    const root = join(temp.path, "a", "b");
    expect(() => openFolderDestination(root)).toThrow(
      expect.objectContaining({ code: "not-found" }),
    );
    const into = openFolderDestination(root, { create: true });
    expect(into.isEmpty()).toBe(true);
    expect(fs.statSync(root).mode & 0o7777).toBe(0o700);
    into.makeFolder(path("c"));
    expect(into.isEmpty()).toBe(false);
    into.close();
    expect(openFolderDestination(root, { create: true }).isEmpty()).toBe(false);
  });

  test("refuses what is no folder", () => {
    using temp = tempDir();
    fs.writeFileSync(join(temp.path, "file"), "");
    for (const root of ["file", "file/below"]) {
      expect(() => openFolderDestination(join(temp.path, root), { create: true })).toThrow(
        expect.objectContaining({ code: "invalid-argument" }),
      );
    }
  });

  test("follows links that the user named", () => {
    using temp = tempDir();
    fs.mkdirSync(join(temp.path, "real"));
    fs.symlinkSync("real", join(temp.path, "link"));
    const into = openFolderDestination(join(temp.path, "link"));
    writeFile(into, [], "file", "text");
    into.close();
    expect(fs.readFileSync(join(temp.path, "real", "file"), "utf8")).toBe("text");
  });
});

describe("making", () => {
  test("files with content, mode and time; open to nobody else until finished", () => {
    using temp = tempDir();
    const into = openFolderDestination(temp.path);
    const file = into.createFile([], utf8("file"));
    const at = join(temp.path, "file");
    const part = join(temp.path, textOf(file.writtenAs));
    into.writeAt(file, utf8("world"), 6);
    into.writeAt(file, utf8("hello "), 0);
    into.writeAt(file, new Uint8Array(0), 99);
    expect(fs.statSync(part).mode & 0o7777).toBe(0o600);
    into.finishFile(file, metadata("file", { mode: 0o4755 }));
    expect(fs.readFileSync(at, "utf8")).toBe("hello world");
    expect(fs.statSync(at).mode & 0o7777).toBe(0o4755);
    if (NATIVE) expect(modifiedOf(at)).toBe(TIME_NS);
    expect(into.limits).toEqual(NATIVE ? [] : expect.any(Array));
    into.close();
  });

  test("holes and offsets beyond 4 GiB", () => {
    using temp = tempDir();
    const into = openFolderDestination(temp.path);
    const file = into.createFile([], utf8("sparse"));
    const offset = 5 * 2 ** 30 + 1;
    into.truncate(file, offset + 100);
    into.writeAt(file, utf8("end"), offset);
    into.finishFile(file, metadata("sparse"));
    into.close();
    const stat = fs.statSync(join(temp.path, "sparse"));
    expect(stat.size).toBe(offset + 100);
    expect(stat.blocks * 512).toBeLessThan(2 ** 20);
    const descriptor = fs.openSync(join(temp.path, "sparse"), "r");
    const read = Buffer.alloc(3);
    fs.readSync(descriptor, read, 0, 3, offset);
    fs.closeSync(descriptor);
    expect(read.toString()).toBe("end");
  });

  test("folders, finished from the bottom up, read-only ones too", () => {
    using temp = deepTempDir();
    fs.chmodSync(temp.path, 0o777);
    asUser(() => {
      const into = openFolderDestination(join(temp.path, "root"), { create: true });
      into.makeFolder(path("a"));
      into.makeFolder(path("a", "b"));
      writeFile(into, path("a", "b"), "file", "text");
      into.finishFolder(path("a", "b"), metadata("b", { type: "folder", mode: 0o555 }));
      into.finishFolder(path("a"), metadata("a", { type: "folder", mode: 0o500 }));
      into.finishFolder([], metadata("", { type: "folder", mode: 0o755 }));
      into.close();
      for (const [name, mode] of [
        ["a/b", 0o555],
        ["a", 0o500],
        [".", 0o755],
      ] as const) {
        const at = join(temp.path, "root", name);
        expect(fs.statSync(at).mode & 0o7777).toBe(mode);
        if (NATIVE) expect(modifiedOf(at)).toBe(TIME_NS);
      }
      expect(fs.readFileSync(join(temp.path, "root/a/b/file"), "utf8")).toBe("text");
    });
  });

  test("links of any target, with their own time", () => {
    using temp = tempDir();
    const into = openFolderDestination(temp.path);
    const target = raw("/\xff/\n" + "t".repeat(4000));
    into.makeLink([], metadata(raw("\xfelink"), { type: "link", target, mode: 0o777 }));
    into.close();
    const at = Buffer.concat([Buffer.from(`${temp.path}/`), raw("\xfelink")]);
    expect(fs.readlinkSync(at, "buffer")).toEqual(Buffer.from(target));
    if (NATIVE) expect(fs.lstatSync(at, { bigint: true }).mtimeNs).toBe(TIME_NS);
  });

  test("further names of a file, across folders", () => {
    using temp = tempDir();
    const into = openFolderDestination(temp.path);
    into.makeFolder(path("a"));
    into.makeFolder(path("b"));
    writeFile(into, path("a"), "file", "text");
    into.makeHardLink(
      { folder: path("a"), name: utf8("file") },
      { folder: path("b"), name: utf8("second") },
    );
    into.makeLink(path("a"), metadata("link", { type: "link", target: utf8("file") }));
    into.makeHardLink(
      { folder: path("a"), name: utf8("link") },
      { folder: [], name: utf8("link2") },
    );
    into.close();
    const inode = (name: string) => fs.lstatSync(join(temp.path, name)).ino;
    expect(inode("b/second")).toBe(inode("a/file"));
    expect(inode("link2")).toBe(inode("a/link"));
    expect(fs.statSync(join(temp.path, "a/file")).nlink).toBe(2);
  });

  test.skipIf(!NATIVE)("pipes and sockets", () => {
    using temp = tempDir();
    const into = openFolderDestination(temp.path);
    for (const type of ["fifo", "socket"] as const)
      into.makeNode([], metadata(type, { type, mode: 0o666 }));
    into.close();
    expect(fs.lstatSync(join(temp.path, "fifo")).isFIFO()).toBe(true);
    expect(fs.lstatSync(join(temp.path, "socket")).isSocket()).toBe(true);
    expect(fs.lstatSync(join(temp.path, "fifo")).mode & 0o7777).toBe(0o666);
    expect(modifiedOf(join(temp.path, "fifo"))).toBe(TIME_NS);
  });

  test.skipIf(!NATIVE || !IS_ROOT)("devices (as root)", () => {
    using temp = tempDir();
    const into = openFolderDestination(temp.path);
    const device = { major: 10, minor: 300 };
    into.makeNode([], metadata("char", { type: "char", device, userId: 12, groupId: 13 }));
    into.makeNode([], metadata("block", { type: "block", device }));
    into.close();
    const stat = fs.lstatSync(join(temp.path, "char"));
    expect([stat.isCharacterDevice(), stat.uid, stat.gid]).toEqual([true, 12, 13]);
    expect(fs.lstatSync(join(temp.path, "block")).isBlockDevice()).toBe(true);
    const told = Bun.spawnSync(["stat", "-c", "%t:%T", join(temp.path, "char")]).stdout.toString();
    expect(told.trim()).toBe("a:12c");
  });

  test("discards a file that can't be finished", () => {
    using temp = tempDir();
    const before = openBelow(temp.path);
    for (const existing of ["refuse", "replace"] as const) {
      const into = openFolderDestination(temp.path, { existing });
      into.discardFile(into.createFile([], utf8("file")));
      expect(into.isEmpty()).toBe(true);
      into.close();
    }
    expect(openBelow(temp.path)).toBe(before);
  });

  test("a folder cache that is much too small changes nothing", () => {
    using temp = deepTempDir();
    const into = openFolderDestination(temp.path);
    const before = openBelow(temp.path);
    const name = "d".repeat(255);
    const deep: Bytes[] = [];
    for (let i = 0; i < 400; i++) {
      deep.push(utf8(name));
      into.makeFolder(deep);
    }
    writeFile(into, deep, "file", "deep");
    writeFile(into, deep.slice(0, 3), "file", "upper");
    into.makeHardLink({ folder: deep, name: utf8("file") }, { folder: [], name: utf8("near") });
    into.makeHardLink(
      { folder: deep.slice(0, 3), name: utf8("file") },
      { folder: deep, name: utf8("far") },
    );
    expect(openBelow(temp.path) - before).toBeLessThanOrEqual(128);
    for (let i = deep.length; i > 0; i--) {
      into.finishFolder(deep.slice(0, i), metadata(name, { type: "folder", mode: 0o700 }));
    }
    into.close();
    expect(openBelow(temp.path)).toBe(before - 1);
    expect(fs.readFileSync(join(temp.path, "near"), "utf8")).toBe("deep");
  }, 60_000);
});

describe("names out of a snapshot", () => {
  test.each(["", ".", "..", "a/b", "/", "a\0b", "n".repeat(256)])("refuses %j", (name) => {
    using temp = tempDir();
    fs.mkdirSync(join(temp.path, "root"));
    const into = openFolderDestination(join(temp.path, "root"));
    into.makeFolder(path("ok"));
    writeFile(into, [], "file", "");
    const bad = utf8(name);
    const file = { folder: [], name: utf8("file") };
    const acts: readonly (() => void)[] = [
      () => into.makeFolder([bad]),
      () => into.createFile([], bad),
      () => into.makeLink([], metadata(bad, { type: "link", target: utf8("x") })),
      () => into.makeNode([], metadata(bad, { type: "fifo" })),
      () => into.makeHardLink({ folder: [], name: bad }, { folder: [], name: utf8("new") }),
      () => into.makeHardLink(file, { folder: [], name: bad }),
      () => into.createFile([utf8("ok"), bad], utf8("file")),
      () => into.finishFolder([bad], metadata(bad, { type: "folder" })),
    ];
    for (const act of acts) expect(act).toThrow(expect.objectContaining({ code: "corrupt" }));
    into.close();
    expect(fs.readdirSync(temp.path)).toEqual(["root"]);
    expect(fs.readdirSync(join(temp.path, "root")).sort()).toEqual(["file", "ok"]);
  });

  test("refuses a link without a target and a device without numbers", () => {
    using temp = tempDir();
    const into = openFolderDestination(temp.path);
    for (const target of ["", "a\0b"]) {
      const act = () => into.makeLink([], metadata("link", { type: "link", target: utf8(target) }));
      expect(act).toThrow(expect.objectContaining({ code: "corrupt" }));
    }
    expect(() => into.makeLink([], metadata("link", { type: "link" }))).toThrow("target");
    expect(() => into.makeNode([], metadata("device", { type: "block" }))).toThrow("numbers");
    expect(into.isEmpty()).toBe(true);
    into.close();
  });
});

describe("rights", () => {
  test.skipIf(!IS_ROOT)("owners of all kinds of things (as root)", () => {
    using temp = tempDir();
    const into = openFolderDestination(temp.path);
    const owner = { userId: 1234, groupId: 4321 };
    into.makeFolder(path("folder"));
    const file = into.createFile(path("folder"), utf8("file"));
    into.finishFile(file, metadata("file", { ...owner, mode: 0o6755 }));
    into.makeLink([], metadata("link", { ...owner, type: "link", target: utf8("/etc/passwd") }));
    into.finishFolder(path("folder"), metadata("folder", { ...owner, type: "folder" }));
    expect(into.limits).toEqual([]);
    into.close();
    for (const name of ["folder", "folder/file", "link"]) {
      const { uid, gid } = fs.lstatSync(join(temp.path, name));
      expect([uid, gid]).toEqual([1234, 4321]);
    }
    expect(fs.statSync(join(temp.path, "folder/file")).mode & 0o7777).toBe(0o6755);
  });

  test("without the right to give files away: told once, and no setuid bit", () => {
    using temp = deepTempDir();
    fs.chmodSync(temp.path, 0o777);
    const limits = asUser(() => {
      const into = openFolderDestination(join(temp.path, "root"), { create: true });
      for (const name of ["one", "two"]) {
        const file = into.createFile([], utf8(name));
        into.finishFile(file, metadata(name, { userId: 0, groupId: 0, mode: 0o6755 }));
      }
      into.close();
      return into.limits;
    });
    expect(limits.filter((limit) => limit.startsWith("owners"))).toHaveLength(1);
    expect(limits.filter((limit) => limit.startsWith("setuid"))).toHaveLength(1);
    expect(fs.statSync(join(temp.path, "root", "one")).mode & 0o7777).toBe(0o755);
  });

  test.skipIf(!NATIVE)(
    "a device without the right to make one is told once, and leaves nothing",
    () => {
      using temp = deepTempDir();
      fs.chmodSync(temp.path, 0o777);
      asUser(() => {
        const into = openFolderDestination(join(temp.path, "root"), {
          create: true,
          existing: "replace",
        });
        const device = { major: 1, minor: 3 };
        for (const name of ["null", "zero"]) {
          expect(into.makeNode([], metadata(name, { type: "char", device }))).toBe(false);
        }
        expect(into.limits).toEqual(["devices were not restored: not permitted, or unknown here"]);
        expect(into.isEmpty()).toBe(true);
        into.close();
      });
    },
  );

  test("a full disk is told as such", () => {
    using temp = tempDir();
    const into = openFolderDestination(temp.path);
    const full = {
      descriptor: fs.openSync("/dev/full", "w"),
      folder: path("a"),
      name: utf8("b"),
      writtenAs: utf8("b"),
    };
    expect(() => into.writeAt(full, utf8("text"), 0)).toThrow(
      expect.objectContaining({ code: "full", subject: "a/b" }),
    );
    fs.closeSync(full.descriptor);
    into.close();
  });
});

test("the portable file system restores files, folders and links too", () => {
  for (const byPath of [false, true]) {
    using temp = tempDir();
    const files = new PortableFileSystem({ byPath });
    const into = openFolderDestination(temp.path, { files, existing: "replace" });
    into.makeFolder(path("a"));
    writeFile(into, path("a"), "file", "text");
    into.makeLink(path("a"), metadata("link", { type: "link", target: utf8("file") }));
    into.makeHardLink(
      { folder: path("a"), name: utf8("file") },
      { folder: [], name: utf8("second") },
    );
    into.finishFolder(path("a"), metadata("a", { type: "folder", mode: 0o750 }));
    expect(into.makeNode([], metadata("fifo", { type: "fifo" }))).toBe(false);
    into.sync();
    into.close();
    expect(fs.readdirSync(temp.path).sort()).toEqual(["a", "second"]);
    expect(fs.readFileSync(join(temp.path, "a/link"), "utf8")).toBe("text");
    expect(fs.statSync(join(temp.path, "second")).nlink).toBe(2);
    expect(fs.statSync(join(temp.path, "a/file")).mtimeMs).toBeCloseTo(Number(TIME_NS) / 1e6, 2);
    expect(into.limits).toEqual([
      ...files.limits,
      "pipes were not restored: not permitted, or unknown here",
    ]);
  }
});
