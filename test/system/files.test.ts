// The file systems: the native one, and the portable one in both its ways, keep one contract.

import { describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";
import { codeOf } from "../support/failure.ts";
import { type Bytes, compareBytes, textOf, utf8 } from "../../src/base/bytes.ts";
import type { Descriptor, FileSystem } from "../../src/system/files.ts";
import { openLibc } from "../../src/system/libc.ts";
import type { FolderNames } from "../../src/system/names.ts";
import { NativeFileSystem } from "../../src/system/native.ts";
import { openFileSystem } from "../../src/system/open.ts";
import { PortableFileSystem } from "../../src/system/portable.ts";
import { tempDir } from "../support/temp.ts";
import { IS_ROOT, ODD_NAMES, asUser } from "./trees.ts";

const libc = openLibc();
const implementations: readonly (readonly [string, boolean, () => FileSystem])[] = [
  ["native", libc !== undefined, () => new NativeFileSystem(libc!)],
  ["portable", true, () => new PortableFileSystem()],
  ["portable by path", true, () => new PortableFileSystem({ byPath: true })],
];

function namesOf(names: FolderNames): Bytes[] {
  return Array.from({ length: names.count }, (_, i) => names.nameAt(i));
}

function pathBytes(path: string, name: Bytes): Buffer {
  return Buffer.concat([Buffer.from(`${path}/`), name]);
}

/** A file system with an open temporary folder. */
function opened(open: () => FileSystem) {
  const temp = tempDir();
  const files = open();
  const folder: Descriptor = files.openFolder(undefined, utf8(temp.path));
  return {
    files,
    folder,
    path: temp.path,
    [Symbol.dispose]() {
      files.close(folder);
      temp[Symbol.dispose]();
    },
  };
}

test("this machine has the native file system, and openFileSystem finds it", () => {
  expect(openFileSystem()).toBeInstanceOf(
    process.platform === "linux" ? NativeFileSystem : PortableFileSystem,
  );
});

for (const [label, there, open] of implementations) {
  describe.skipIf(!there)(label, () => {
    test("lists names of all bytes in their order", () => {
      using at = opened(open);
      for (const name of ODD_NAMES) fs.writeFileSync(pathBytes(at.path, name), "");
      expect(namesOf(at.files.list(at.folder))).toEqual([...ODD_NAMES].sort(compareBytes));
    });

    test("lists an empty folder, and the same folder again", () => {
      using at = opened(open);
      expect(at.files.list(at.folder).count).toBe(0);
      fs.writeFileSync(join(at.path, "b"), "");
      expect(at.files.list(at.folder).count).toBe(1);
      fs.writeFileSync(join(at.path, "a"), "");
      expect(namesOf(at.files.list(at.folder)).map(textOf)).toEqual(["a", "b"]);
    });

    test("stats what node:fs stats", () => {
      using at = opened(open);
      const path = join(at.path, "file");
      fs.writeFileSync(path, "seven b");
      fs.chmodSync(path, 0o4751);
      fs.linkSync(path, join(at.path, "second"));
      const want = fs.lstatSync(path, { bigint: true });
      const stat = at.files.stat(at.folder, utf8("file"));
      expect(stat).toMatchObject({ type: "file", mode: 0o4751, links: 2, size: 7 });
      expect(BigInt(stat!.inode)).toBe(want.ino);
      expect(stat!.userId).toBe(Number(want.uid));
      const { seconds, nanoseconds } = stat!.modified;
      expect(BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds)).toBe(want.mtimeNs);
      const changed =
        BigInt(stat!.changed.seconds) * 1_000_000_000n + BigInt(stat!.changed.nanoseconds);
      expect(changed).toBe(want.ctimeNs);
      const descriptor = at.files.openFile(at.folder, utf8("file"));
      expect(at.files.statDescriptor(descriptor)).toEqual(stat!);
      at.files.close(descriptor);
    });

    test("does not follow links, and says what is not there", () => {
      using at = opened(open);
      fs.symlinkSync("/etc", join(at.path, "link"));
      expect(at.files.stat(at.folder, utf8("link"))?.type).toBe("link");
      expect(at.files.stat(at.folder, utf8("nothing"))).toBeUndefined();
      expect(textOf(at.files.readLink(at.folder, utf8("link")))).toBe("/etc");
      expect(["ELOOP", "ENOTDIR"]).toContain(
        codeOf(() => at.files.openFolder(at.folder, utf8("link"))) as string,
      );
      fs.symlinkSync("/etc/passwd", join(at.path, "file-link"));
      expect(codeOf(() => at.files.openFile(at.folder, utf8("file-link")))).toBe("ELOOP");
      expect(codeOf(() => at.files.createFile(at.folder, utf8("file-link"), 0o600))).toBe("EEXIST");
      const followed = at.files.openFolder(at.folder, utf8("link"), { follow: true });
      expect(at.files.stat(followed, utf8("passwd"))?.type).toBe("file");
      at.files.close(followed);
    });

    test("knows devices by their numbers", () => {
      using at = opened(open);
      const dev = at.files.openFolder(undefined, utf8("/dev"));
      expect(at.files.stat(dev, utf8("null"))).toMatchObject({ type: "char", major: 1, minor: 3 });
      at.files.close(dev);
    });

    test("creates, names, renames and removes", () => {
      using at = opened(open);
      const { files, folder } = at;
      files.makeFolder(folder, utf8("inner"), 0o700);
      const inner = files.openFolder(folder, utf8("inner"));
      const descriptor = files.createFile(inner, utf8("file"), 0o600);
      fs.writeSync(descriptor, "text");
      files.close(descriptor);
      files.makeHardLink({ folder: inner, name: utf8("file") }, { folder, name: utf8("other") });
      files.makeLink(folder, ODD_NAMES[1]!, ODD_NAMES[2]!);
      files.rename(folder, utf8("other"), utf8("third"));
      files.remove(inner, utf8("file"));
      expect(fs.readFileSync(join(at.path, "third"), "utf8")).toBe("text");
      expect(fs.readdirSync(join(at.path, "inner"))).toEqual([]);
      expect(files.readLink(folder, ODD_NAMES[1]!)).toEqual(Buffer.from(ODD_NAMES[2]!));
      expect(codeOf(() => files.makeFolder(folder, utf8("inner"), 0o700))).toBe("EEXIST");
      files.close(inner);
    });

    test("an error carries the system's code", () => {
      using at = opened(open);
      expect(codeOf(() => at.files.openFile(at.folder, utf8("nothing")))).toBe("ENOENT");
      fs.writeFileSync(join(at.path, "file"), "");
      expect(codeOf(() => at.files.openFolder(at.folder, utf8("file")))).toBe("ENOTDIR");
      const long = utf8("n".repeat(256));
      expect(codeOf(() => at.files.createFile(at.folder, long, 0o600))).toBe("ENAMETOOLONG");
      fs.chmodSync(join(at.path, "file"), 0);
      fs.chmodSync(at.path, 0o755);
      expect(codeOf(() => asUser(() => at.files.openFile(at.folder, utf8("file"))))).toBe("EACCES");
    });

    test("a name with a NUL is our fault, and never shortened", () => {
      using at = opened(open);
      expect(() => at.files.createFile(at.folder, utf8("a\0b"), 0o600)).toThrow("NUL");
      expect(fs.readdirSync(at.path)).toEqual([]);
    });

    test("no descriptor is left to child processes", () => {
      using at = opened(open);
      const descriptor = at.files.createFile(at.folder, utf8("file"), 0o600);
      for (const one of [at.folder, descriptor]) {
        const flags = fs
          .readFileSync(`/proc/self/fdinfo/${one}`, "utf8")
          .match(/flags:\s+(\d+)/)?.[1];
        expect(Number.parseInt(flags!, 8) & 0o2000000).toBe(0o2000000);
      }
      at.files.close(descriptor);
    });

    test("does not wait for the other end of a pipe", () => {
      using at = opened(open);
      Bun.spawnSync(["mkfifo", join(at.path, "pipe")]);
      expect(at.files.stat(at.folder, utf8("pipe"))?.type).toBe("fifo");
      const descriptor = at.files.openFile(at.folder, utf8("pipe"));
      expect(at.files.statDescriptor(descriptor).type).toBe("fifo");
      at.files.close(descriptor);
    });
  });
}

describe.skipIf(libc === undefined)("native, beyond the portable", () => {
  const times = [
    { seconds: 0, nanoseconds: 1 },
    { seconds: -1, nanoseconds: 999_999_999 },
    { seconds: -2_000_000_000, nanoseconds: 123_456_789 },
    { seconds: 2 ** 32 + 12_345, nanoseconds: 987_654_321 },
  ];

  test.each(times)("sets $seconds s $nanoseconds ns, on files, links and folders", (time) => {
    using at = opened(() => new NativeFileSystem(libc!));
    const { files, folder } = at;
    const descriptor = files.createFile(folder, utf8("file"), 0o600);
    files.setModified(descriptor, time);
    files.close(descriptor);
    files.makeLink(folder, utf8("link"), utf8("nowhere"));
    files.setModifiedOf({ folder, name: utf8("link") }, time);
    files.setModified(folder, time);
    expect(files.stat(folder, utf8("file"))?.modified).toEqual(time);
    expect(files.stat(folder, utf8("link"))?.modified).toEqual(time);
    expect(files.statDescriptor(folder).modified).toEqual(time);
  });

  test("makes pipes and sockets with their mode", () => {
    using at = opened(() => new NativeFileSystem(libc!));
    const { files, folder } = at;
    for (const type of ["fifo", "socket"] as const) {
      const name = utf8(type);
      files.makeNode(folder, name, { type, mode: 0o600, major: 0, minor: 0 });
      files.setModeOf({ folder, name }, type, 0o6666);
      expect(files.stat(folder, name)).toMatchObject({ type, mode: 0o6666 });
    }
  });

  test.skipIf(!IS_ROOT)("makes devices with large numbers (as root)", () => {
    using at = opened(() => new NativeFileSystem(libc!));
    const { files, folder } = at;
    const node = { mode: 0o600, major: 0xabc, minor: 0xfedcb } as const;
    files.makeNode(folder, utf8("char"), { type: "char", ...node });
    files.makeNode(folder, utf8("block"), { type: "block", ...node });
    const want = { major: 0xabc, minor: 0xfedcb };
    expect(files.stat(folder, utf8("char"))).toMatchObject({ type: "char", ...want });
    expect(files.stat(folder, utf8("block"))).toMatchObject({ type: "block", ...want });
  });

  test("changes no owner or mode of what took a node's place", () => {
    using at = opened(() => new NativeFileSystem(libc!));
    const { files, folder } = at;
    fs.writeFileSync(join(at.path, "node"), "", { mode: 0o600 });
    const place = { folder, name: utf8("node") };
    expect(codeOf(() => files.setModeOf(place, "fifo", 0o666))).toBe("EEXIST");
    expect(codeOf(() => files.setOwnerOf(place, "link", 1, 1))).toBe("EEXIST");
    expect(files.stat(folder, place.name)?.mode).toBe(0o600);
  });

  test("both file systems say the same of a file", () => {
    using at = opened(() => new NativeFileSystem(libc!));
    const portable = new PortableFileSystem();
    const own = portable.openFolder(undefined, utf8(at.path));
    for (const name of ["file", "folder", "link"]) {
      if (name === "folder") fs.mkdirSync(join(at.path, name));
      else if (name === "link") fs.symlinkSync("x", join(at.path, name));
      else fs.writeFileSync(join(at.path, name), "text");
      // Only one of them can tell where something is mounted.
      const { isMountPoint, ...native } = at.files.stat(at.folder, utf8(name))!;
      expect(isMountPoint).toBe(false);
      expect(portable.stat(own, utf8(name))!).toEqual(native);
    }
    portable.close(own);
  });

  test("keeps the time of access of its own files", () => {
    using at = opened(() => new NativeFileSystem(libc!));
    const path = join(at.path, "file");
    fs.writeFileSync(path, "text");
    fs.utimesSync(path, 1, 1);
    const descriptor = at.files.openFile(at.folder, utf8("file"), { noAccessTime: true });
    fs.readSync(descriptor, new Uint8Array(4));
    at.files.close(descriptor);
    expect(fs.statSync(path).atimeMs).toBe(1000);
  });

  test.skipIf(!IS_ROOT)("opens files of others without that right too (as root)", () => {
    using at = opened(() => new NativeFileSystem(libc!));
    fs.writeFileSync(join(at.path, "file"), "text");
    fs.chmodSync(at.path, 0o755);
    const descriptor = asUser(() =>
      at.files.openFile(at.folder, utf8("file"), { noAccessTime: true }),
    );
    expect(descriptor).toBeGreaterThan(2);
    at.files.close(descriptor);
  });

  test("sync reaches the disk and refuses a closed descriptor", () => {
    using at = opened(() => new NativeFileSystem(libc!));
    at.files.sync(at.folder);
    expect(codeOf(() => at.files.sync(9_999))).toBe("EBADF");
  });
});
