// Native: the file system by the C library, relative to descriptors all the way.
//
// One scratch memory for paths, structures and listings is used again by every call, and its
// addresses are taken once, so that a call makes no garbage. One thread, one instance.

import { constants } from "node:fs";
import type { Pointer } from "bun:ffi";
import { assert } from "../base/assert.ts";
import { type Bytes, utf8 } from "../base/bytes.ts";
import type { EntryType, Time } from "../base/entry.ts";
import type { AttributeCalls } from "./attributes.ts";
import { systemError, systemErrorOf } from "./failure.ts";
import type { Descriptor, FileSystem, Node, OpenOptions, Place } from "./files.ts";
import type { Libc } from "./libc.ts";
import { type FolderNames, NamesBuilder } from "./names.ts";
import { NativeAttributes, type WithNode } from "./native-attributes.ts";
import { scratch, terminated } from "./scratch.ts";
import { encodedNode } from "./node.ts";
import { type RawStat, STATX_BYTES, STATX_MASK, decodeStatx } from "./stat.ts";

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } =
  constants;
// Not in node:fs; the same on both architectures (asm-generic/fcntl.h).
const O_CLOEXEC = 0o2000000;
const O_NOATIME = 0o1000000;
const O_PATH = 0o10000000;

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_NO_AUTOMOUNT = 0x800;
const AT_REMOVEDIR = 0x200;
const SEEK_END = 2;
const SEEK_DATA = 3;
const SEEK_HOLE = 4;
const AT_EMPTY_PATH = 0x1000;

const PATH_BYTES_MAX = 4096;
const LISTING_BYTES = 128 * 1024;
const UTIME_OMIT = 0x3ffffffe;
const EMPTY = new Uint8Array(0);

/** What `openat` needs to know beyond its flags. */
interface Opening extends OpenOptions {
  readonly mode?: number;
}

export class NativeFileSystem implements FileSystem {
  readonly needsPaths = false;
  readonly limits: readonly string[];
  readonly attributes: AttributeCalls;
  readonly #libc: Libc;
  readonly #call: Libc["call"];
  readonly #first = scratch(PATH_BYTES_MAX);
  readonly #second = scratch(PATH_BYTES_MAX);
  readonly #listing = scratch(LISTING_BYTES);
  readonly #stat = scratch(STATX_BYTES);
  readonly #statWords = new Uint32Array(this.#stat.bytes.buffer);
  readonly #times = scratch(32);
  readonly #timeWords = new Uint32Array(this.#times.bytes.buffer);
  readonly #names = new NamesBuilder();

  constructor(libc: Libc) {
    this.#libc = libc;
    this.#call = libc.call;
    const withNode: WithNode = (place, type, act) => this.#withNode(place, type, act);
    const attributes = new NativeAttributes(libc, withNode);
    this.attributes = attributes;
    this.limits = attributes.limits;
  }

  adopt(): void {}

  openFolder(parent: Descriptor | undefined, path: Bytes, options: OpenOptions = {}): Descriptor {
    const follow = options.follow === true || parent === undefined;
    const flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW);
    return this.#open(parent ?? AT_FDCWD, path, flags, options);
  }

  openFile(folder: Descriptor, name: Bytes, options: OpenOptions = {}): Descriptor {
    const access = options.write === true ? constants.O_RDWR : O_RDONLY;
    const flags = access | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    return this.#open(folder, name, flags, options);
  }

  list(folder: Descriptor): FolderNames {
    const { bytes, address } = this.#listing;
    this.#names.reset();
    // A descriptor that was listed before stands at its end.
    this.#check(this.#call.lseek(folder, 0, 0), "lseek");
    for (;;) {
      const filled = this.#call.syscall(
        this.#libc.numbers.getdents64,
        folder,
        address,
        bytes.length,
        0,
        null,
      );
      if (Number(filled) < 0) throw this.#failure("getdents64");
      if (Number(filled) === 0) return this.#names.finish();
      this.#addListed(bytes, Number(filled));
    }
  }

  // struct linux_dirent64: inode (8), offset (8), record bytes (2), type (1), name, NUL, padding.
  #addListed(bytes: Bytes, filled: number): void {
    for (let at = 0; at < filled;) {
      const end = at + (bytes[at + 16]! | (bytes[at + 17]! << 8));
      assert(end > at + 19 && end <= filled, "a listed record ends within its buffer");
      this.#names.add(bytes, at + 19, end, bytes[at + 18]!);
      at = end;
    }
  }

  stat(folder: Descriptor, name: Bytes): RawStat | undefined {
    if (this.#statx(folder, name, AT_SYMLINK_NOFOLLOW) === 0) return decodeStatx(this.#statWords);
    const error = this.#failure("statx");
    if (error.code === "ENOENT") return undefined;
    throw error;
  }

  statDescriptor(descriptor: Descriptor): RawStat {
    if (this.#statx(descriptor, EMPTY, AT_EMPTY_PATH) !== 0) throw this.#failure("statx");
    return decodeStatx(this.#statWords);
  }

  endOf(descriptor: Descriptor): number | undefined {
    const end = Number(this.#call.lseek(descriptor, 0, SEEK_END));
    if (end < 0) return undefined;
    this.#check(this.#call.lseek(descriptor, 0, 0), "lseek");
    return end;
  }

  dataFrom(descriptor: Descriptor, offset: number): number | undefined {
    const found = this.#seek(descriptor, offset, SEEK_DATA);
    return found === "unknown" ? offset : found;
  }

  holeFrom(descriptor: Descriptor, offset: number): number {
    const found = this.#seek(descriptor, offset, SEEK_HOLE);
    return typeof found === "number" ? found : Number.POSITIVE_INFINITY;
  }

  // Gives `undefined` beyond the last, "unknown" where the file system knows nothing of it.
  #seek(descriptor: Descriptor, offset: number, to: number): number | "unknown" | undefined {
    const found = Number(this.#call.lseek(descriptor, offset, to));
    if (found >= 0) return found;
    const error = this.#failure("lseek");
    if (error.code === "ENXIO") return undefined;
    if (error.code === "EINVAL") return "unknown";
    throw error;
  }

  #statx(folder: Descriptor, name: Bytes, flags: number): number {
    const path = terminated(this.#first, name);
    const { statx } = this.#libc.numbers;
    const how = flags | AT_NO_AUTOMOUNT;
    const { address } = this.#stat;
    return Number(this.#call.syscall(statx, folder, path, how, STATX_MASK, address));
  }

  readLink(folder: Descriptor, name: Bytes): Bytes {
    const path = terminated(this.#first, name);
    const { bytes, address } = this.#second;
    const filled = Number(this.#call.readlinkat(folder, path, address, PATH_BYTES_MAX));
    if (filled < 0) throw this.#failure("readlinkat");
    return bytes.slice(0, filled);
  }

  createFile(folder: Descriptor, name: Bytes, mode: number): Descriptor {
    return this.#open(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, { mode });
  }

  makeFolder(folder: Descriptor, name: Bytes, mode: number): void {
    this.#check(this.#call.mkdirat(folder, terminated(this.#first, name), mode), "mkdirat");
  }

  makeLink(folder: Descriptor, name: Bytes, target: Bytes): void {
    const targetPath = terminated(this.#second, target);
    this.#check(
      this.#call.symlinkat(targetPath, folder, terminated(this.#first, name)),
      "symlinkat",
    );
  }

  makeHardLink(existing: Place, added: Place): void {
    const from = terminated(this.#first, existing.name);
    const to = terminated(this.#second, added.name);
    this.#check(this.#call.linkat(existing.folder, from, added.folder, to, 0), "linkat");
  }

  makeNode(folder: Descriptor, name: Bytes, node: Node): void {
    const path = terminated(this.#first, name);
    const { mode, device } = encodedNode(node);
    this.#check(
      this.#call.syscall(this.#libc.numbers.mknodat, folder, path, mode, device, null),
      "mknodat",
    );
  }

  rename(folder: Descriptor, from: Bytes, to: Bytes): void {
    const fromPath = terminated(this.#first, from);
    this.#check(
      this.#call.renameat(folder, fromPath, folder, terminated(this.#second, to)),
      "renameat",
    );
  }

  remove(folder: Descriptor, name: Bytes, isFolder = false): void {
    const flags = isFolder ? AT_REMOVEDIR : 0;
    this.#check(this.#call.unlinkat(folder, terminated(this.#first, name), flags), "unlinkat");
  }

  setOwner(descriptor: Descriptor, userId: number, groupId: number): void {
    this.#check(this.#call.fchown(descriptor, userId, groupId), "fchown");
  }

  setMode(descriptor: Descriptor, mode: number): void {
    this.#check(this.#call.fchmod(descriptor, mode), "fchmod");
  }

  setModified(descriptor: Descriptor, modified: Time): void {
    this.#check(this.#call.futimens(descriptor, this.#timesFor(modified)), "futimens");
  }

  setOwnerOf(place: Place, type: EntryType, userId: number, groupId: number): void {
    this.#withNode(place, type, (node) => {
      const path = terminated(this.#first, EMPTY);
      this.#check(this.#call.fchownat(node, path, userId, groupId, AT_EMPTY_PATH), "fchownat");
    });
  }

  setModeOf(place: Place, type: EntryType, mode: number): void {
    this.#withNode(place, type, (node) => {
      // fchmod refuses such a descriptor, and fchmodat2 is younger than many kernels in use.
      const path = terminated(this.#first, utf8(`/proc/self/fd/${node}`));
      this.#check(this.#call.fchmodat(AT_FDCWD, path, mode, 0), "fchmodat");
    });
  }

  setModifiedOf(place: Place, modified: Time): void {
    const path = terminated(this.#first, place.name);
    const times = this.#timesFor(modified);
    this.#check(this.#call.utimensat(place.folder, path, times, AT_SYMLINK_NOFOLLOW), "utimensat");
  }

  // Holds on to what has the name and looks at its type: someone who puts another file in its
  // place would otherwise have that file's owner or mode changed.
  #withNode(place: Place, type: EntryType, act: (node: Descriptor) => void): void {
    const node = this.#open(place.folder, place.name, O_PATH | O_NOFOLLOW | O_CLOEXEC, {});
    try {
      if (this.statDescriptor(node).type !== type)
        throw systemErrorOf("EEXIST", "another file took its place");
      act(node);
    } finally {
      this.close(node);
    }
  }

  sync(descriptor: Descriptor): void {
    this.#check(this.#call.syncfs(descriptor), "syncfs");
  }

  close(descriptor: Descriptor): void {
    this.#check(this.#call.close(descriptor), "close");
  }

  #open(folder: Descriptor, name: Bytes, flags: number, how: Opening): Descriptor {
    const path = terminated(this.#first, name);
    let wanted = how.noAccessTime === true ? flags | O_NOATIME : flags;
    for (;;) {
      const opened = this.#call.openat(folder, path, wanted, how.mode ?? 0);
      if (opened >= 0) return opened;
      const error = this.#failure("openat");
      // O_NOATIME is for the owner of the file only.
      if (error.code === "EPERM" && wanted !== flags) wanted = flags;
      else if (error.code !== "EINTR") throw error;
    }
  }

  // struct timespec twice: access, which stays as it is, and modification.
  #timesFor(modified: Time): Pointer {
    const words = this.#timeWords;
    words.fill(0);
    words[2] = UTIME_OMIT;
    words[4] = modified.seconds; // Stored modulo 2^32: the lower half, for negative numbers too.
    words[5] = Math.floor(modified.seconds / 2 ** 32);
    words[6] = modified.nanoseconds;
    return this.#times.address;
  }

  #check(answer: number | bigint, call: string): void {
    if (Number(answer) < 0) throw this.#failure(call);
  }

  #failure(call: string): ReturnType<typeof systemError> {
    return systemError(this.#libc.errno(), call);
  }
}
