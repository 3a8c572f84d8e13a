// Portable: the file system by node:fs alone, where the C library can't be used.
//
// On Linux a descriptor still leads (/proc/self/fd/N/name), so that planted links are as harmless
// as in the native way. Elsewhere folders are reached by path, which `limits` says.

import * as fs from "node:fs";
import { type Bytes, concatBytes, utf8 } from "../base/bytes.ts";
import { assert, present } from "../base/assert.ts";
import type { EntryType, Time } from "../base/entry.ts";
import { type AttributeCalls, NO_ATTRIBUTES } from "./attributes.ts";
import { systemErrorOf } from "./failure.ts";
import type { Descriptor, FileSystem, Node, OpenOptions, Place } from "./files.ts";
import { type FolderNames, NamesBuilder } from "./names.ts";
import { type RawStat, deviceIdOf, typeOfFormat } from "./stat.ts";

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } =
  fs.constants;
const PROC = "/proc/self/fd";
const SLASH = utf8("/");
const UNKEPT = "extended attributes, ACLs, capabilities and the holes of sparse files are not kept";

export interface PortableOptions {
  /** Reaches folders by path even where there is /proc. */
  readonly byPath?: boolean;
}

export class PortableFileSystem implements FileSystem {
  readonly limits: readonly string[];
  readonly needsPaths: boolean;
  readonly attributes: AttributeCalls = NO_ATTRIBUTES;
  readonly #paths = new Map<Descriptor, Bytes>();
  readonly #names = new NamesBuilder();

  constructor(options: PortableOptions = {}) {
    this.needsPaths = options.byPath === true || !fs.existsSync(PROC);
    const limits = [
      "times are kept to the microsecond at best",
      "pipes and devices can't be made",
      UNKEPT,
    ];
    if (this.needsPaths) {
      limits.push("folders are reached by path: links planted while we work may lead astray");
    }
    this.limits = limits;
  }

  adopt(folder: Descriptor, path: Bytes): void {
    if (this.needsPaths) this.#paths.set(folder, path);
  }

  openFolder(parent: Descriptor | undefined, path: Bytes, options: OpenOptions = {}): Descriptor {
    const full = parent === undefined ? path : this.#pathOf(parent, path);
    const follow = options.follow === true || parent === undefined;
    const opened = fs.openSync(given(full), O_RDONLY | O_DIRECTORY | (follow ? 0 : O_NOFOLLOW));
    this.adopt(opened, full);
    return opened;
  }

  openFile(folder: Descriptor, name: Bytes, options: OpenOptions = {}): Descriptor {
    const access = options.write === true ? fs.constants.O_RDWR : O_RDONLY;
    return fs.openSync(this.#path(folder, name), access | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  }

  list(folder: Descriptor): FolderNames {
    this.#names.reset();
    for (const name of fs.readdirSync(given(this.#folderPath(folder)), { encoding: "buffer" })) {
      this.#names.add(name, 0, name.length, 0);
    }
    return this.#names.finish();
  }

  stat(folder: Descriptor, name: Bytes): RawStat | undefined {
    try {
      return rawStat(fs.lstatSync(this.#path(folder, name), { bigint: true }));
    } catch (error) {
      if ((error as { code?: string }).code === "ENOENT") return undefined;
      throw error;
    }
  }

  statDescriptor(descriptor: Descriptor): RawStat {
    return rawStat(fs.fstatSync(descriptor, { bigint: true }));
  }

  endOf(descriptor: Descriptor): number | undefined {
    const stat = fs.fstatSync(descriptor);
    return stat.isFile() ? stat.size : undefined;
  }

  dataFrom(_descriptor: Descriptor, offset: number): number {
    return offset;
  }

  holeFrom(): number {
    return Number.POSITIVE_INFINITY;
  }

  readLink(folder: Descriptor, name: Bytes): Bytes {
    return fs.readlinkSync(this.#path(folder, name), { encoding: "buffer" });
  }

  createFile(folder: Descriptor, name: Bytes, mode: number): Descriptor {
    return fs.openSync(this.#path(folder, name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
  }

  makeFolder(folder: Descriptor, name: Bytes, mode: number): void {
    fs.mkdirSync(this.#path(folder, name), { mode });
  }

  makeLink(folder: Descriptor, name: Bytes, target: Bytes): void {
    fs.symlinkSync(given(target), this.#path(folder, name));
  }

  makeHardLink(existing: Place, added: Place): void {
    fs.linkSync(this.#path(existing.folder, existing.name), this.#path(added.folder, added.name));
  }

  makeNode(_folder: Descriptor, _name: Bytes, node: Node): void {
    throw systemErrorOf("ENOSYS", `making a ${node.type}`);
  }

  rename(folder: Descriptor, from: Bytes, to: Bytes): void {
    fs.renameSync(this.#path(folder, from), this.#path(folder, to));
  }

  remove(folder: Descriptor, name: Bytes, isFolder = false): void {
    if (isFolder) fs.rmdirSync(this.#path(folder, name));
    else fs.unlinkSync(this.#path(folder, name));
  }

  setOwner(descriptor: Descriptor, userId: number, groupId: number): void {
    fs.fchownSync(descriptor, userId, groupId);
  }

  setMode(descriptor: Descriptor, mode: number): void {
    fs.fchmodSync(descriptor, mode);
  }

  setModified(descriptor: Descriptor, modified: Time): void {
    const seconds = roundedTime(modified);
    fs.futimesSync(descriptor, seconds, seconds);
  }

  setOwnerOf(place: Place, type: EntryType, userId: number, groupId: number): void {
    this.#expect(place, type);
    fs.lchownSync(this.#path(place.folder, place.name), userId, groupId);
  }

  setModeOf(place: Place, type: EntryType, mode: number): void {
    assert(type !== "link", "a link has no mode of its own");
    this.#expect(place, type);
    fs.chmodSync(this.#path(place.folder, place.name), mode);
  }

  setModifiedOf(place: Place, modified: Time): void {
    const seconds = roundedTime(modified);
    fs.lutimesSync(this.#path(place.folder, place.name), seconds, seconds);
  }

  sync(descriptor: Descriptor): void {
    fs.fsyncSync(descriptor);
  }

  close(descriptor: Descriptor): void {
    this.#paths.delete(descriptor);
    fs.closeSync(descriptor);
  }

  #expect(place: Place, type: EntryType): void {
    if (this.stat(place.folder, place.name)?.type === type) return;
    throw systemErrorOf("EEXIST", "another file took its place");
  }

  #path(folder: Descriptor, name: Bytes): Buffer {
    return given(this.#pathOf(folder, name));
  }

  #pathOf(folder: Descriptor, name: Bytes): Bytes {
    assert(name.indexOf(0) < 0, "a name holds no NUL");
    return concatBytes(this.#folderPath(folder), SLASH, name);
  }

  #folderPath(folder: Descriptor): Bytes {
    if (!this.needsPaths) return utf8(`${PROC}/${folder}`);
    return present(this.#paths.get(folder), "a folder's path was adopted");
  }
}

function given(path: Bytes): Buffer {
  return Buffer.from(path.buffer, path.byteOffset, path.byteLength);
}

function roundedTime(time: Time): number {
  return time.seconds + time.nanoseconds / 1e9;
}

function rawStat(stat: fs.BigIntStats): RawStat {
  const mode = Number(stat.mode);
  const type = typeOfFormat((mode & 0o170000) >>> 12);
  if (type === undefined) throw systemErrorOf("EINVAL", "stat gave an unknown type");
  if (stat.size > Number.MAX_SAFE_INTEGER) throw systemErrorOf("EFBIG", "stat");
  const device =
    type === "char" || type === "block" ? deviceNumbers(stat.rdev) : { major: 0, minor: 0 };
  const { major, minor } = deviceNumbers(stat.dev);
  return {
    type,
    mode: mode & 0o7777,
    userId: Number(stat.uid),
    groupId: Number(stat.gid),
    links: Number(stat.nlink),
    size: Number(stat.size),
    blocks: Number(stat.blocks),
    modified: timeOf(stat.mtimeNs),
    changed: timeOf(stat.ctimeNs),
    inode: stat.ino > Number.MAX_SAFE_INTEGER ? stat.ino : Number(stat.ino),
    deviceId: deviceIdOf(major, minor),
    ...device,
  };
}

function timeOf(nanoseconds: bigint): Time {
  const rest = ((nanoseconds % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return { seconds: Number((nanoseconds - rest) / 1_000_000_000n), nanoseconds: Number(rest) };
}

// As gnu_dev_major and gnu_dev_minor do on Linux; 8 and 24 bits elsewhere (macOS).
function deviceNumbers(device: bigint): { major: number; minor: number } {
  if (process.platform !== "linux")
    return { major: Number(device >> 24n) & 0xff, minor: Number(device & 0xffffffn) };
  return {
    major: Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n)),
    minor: Number((device & 0xffn) | ((device >> 12n) & 0xffffff00n)),
  };
}
