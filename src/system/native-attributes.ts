// Native attributes: extended attributes by the C library.
//
// What is open is asked by its descriptor; what is not, by /proc/self/fd/FOLDER/NAME, a path that
// no link planted above can bend. Where one is set, the name is held first and its type looked at:
// someone who puts another file in its place would otherwise have that file changed.

import { existsSync } from "node:fs";
import { constants } from "node:os";
import type { Pointer } from "bun:ffi";
import { assert } from "../base/assert.ts";
import { type Bytes, utf8 } from "../base/bytes.ts";
import type { EntryType } from "../base/entry.ts";
import { type AttributeCalls, NO_NAMES, type Subject } from "./attributes.ts";
import { systemError, systemErrorOf } from "./failure.ts";
import type { Descriptor, Place } from "./files.ts";
import type { Libc } from "./libc.ts";
import { type Scratch, scratch, terminated } from "./scratch.ts";

const PROC = "/proc/self/fd";
const PATH_BYTES_MAX = 4096;
/** XATTR_NAME_MAX, and the NUL. */
const NAME_BYTES_MAX = 256;
/** Enough for most; the kernel takes memory of so many bytes for each call. */
const USUAL_BYTES = 1024;
/** What the kernel gives at most: XATTR_SIZE_MAX, XATTR_LIST_MAX. */
const MOST_BYTES = 64 * 1024;
const { ERANGE, ENODATA, EOPNOTSUPP, ENOSYS } = constants.errno;
const NOT_THERE: ReadonlySet<number> = new Set([ENODATA, EOPNOTSUPP]);
const UNKNOWN: ReadonlySet<number> = new Set([EOPNOTSUPP, ENOSYS]);

/** Holds on to what has a name while something is done with it; refuses what is not of the type. */
export type WithNode = (place: Place, type: EntryType, act: (node: Descriptor) => void) => void;

export class NativeAttributes implements AttributeCalls {
  readonly limits: readonly string[];
  readonly #libc: Libc;
  readonly #call: Libc["call"];
  readonly #withNode: WithNode;
  readonly #hasProc = existsSync(PROC);
  readonly #path = scratch(PATH_BYTES_MAX);
  #folder: Descriptor | undefined;
  #folderBytes = 0;
  readonly #heldPath = scratch(PROC.length + 16);
  readonly #name = scratch(NAME_BYTES_MAX);
  readonly #usual = scratch(USUAL_BYTES);
  /** Made when it is needed: most threads never do. */
  #most: Scratch | undefined;
  /** File systems that have no attributes. */
  readonly #without = new Set<number>();

  constructor(libc: Libc, withNode: WithNode) {
    this.#libc = libc;
    this.#call = libc.call;
    this.#withNode = withNode;
    this.limits = this.#hasProc
      ? []
      : ["extended attributes of links, pipes and devices are not kept: /proc is not there"];
  }

  list(of: Subject, deviceId?: number): readonly Bytes[] {
    if (deviceId !== undefined && this.#without.has(deviceId)) return NO_NAMES;
    if (typeof of !== "number" && !this.#hasProc) return NO_NAMES;
    const path = typeof of === "number" ? undefined : this.#pathOf(of);
    const filled = this.#filled((to) =>
      path === undefined
        ? this.#call.flistxattr(of as Descriptor, to.address, to.bytes.length)
        : this.#call.llistxattr(path, to.address, to.bytes.length),
    );
    if (filled instanceof Uint8Array) return filled.length === 0 ? NO_NAMES : namesIn(filled);
    if (!UNKNOWN.has(filled)) throw systemError(filled, "listxattr");
    if (deviceId !== undefined) this.#without.add(deviceId);
    return NO_NAMES;
  }

  get(of: Subject, name: Bytes): Bytes | undefined {
    const path = typeof of === "number" ? undefined : this.#pathOf(of);
    const namePtr = terminated(this.#name, name);
    const filled = this.#filled((to) =>
      path === undefined
        ? this.#call.fgetxattr(of as Descriptor, namePtr, to.address, to.bytes.length)
        : this.#call.lgetxattr(path, namePtr, to.address, to.bytes.length),
    );
    if (filled instanceof Uint8Array) return filled.slice();
    if (NOT_THERE.has(filled)) return undefined;
    throw systemError(filled, "getxattr");
  }

  set(of: Subject, name: Bytes, value: Bytes): void {
    if (value.length > MOST_BYTES) throw systemErrorOf("E2BIG", "setxattr");
    this.#on(of, (descriptor, path) => {
      const namePtr = terminated(this.#name, name);
      const { bytes, address } = this.#memoryFor(value.length);
      bytes.set(value);
      const answer =
        path === undefined
          ? this.#call.fsetxattr(descriptor, namePtr, address, value.length, 0)
          : this.#call.setxattr(path, namePtr, address, value.length, 0);
      if (answer < 0) throw systemError(this.#libc.errno(), "setxattr");
    });
  }

  remove(of: Subject, name: Bytes): void {
    this.#on(of, (descriptor, path) => {
      const namePtr = terminated(this.#name, name);
      const answer =
        path === undefined
          ? this.#call.fremovexattr(descriptor, namePtr)
          : this.#call.removexattr(path, namePtr);
      if (answer >= 0) return;
      const errno = this.#libc.errno();
      if (errno !== ENODATA) throw systemError(errno, "removexattr");
    });
  }

  // A held name is reached by its descriptor's own path, which leads to it and no further.
  #on(of: Subject, act: (descriptor: Descriptor, path: Pointer | undefined) => void): void {
    if (typeof of === "number") return act(of, undefined);
    if (!this.#hasProc) throw systemErrorOf("ENOTSUP", "setxattr");
    this.#withNode(of, of.type, (node) =>
      act(node, terminated(this.#heldPath, utf8(`${PROC}/${node}`))),
    );
  }

  // What a call has put into memory, valid until the next one, or the number of its error. What is
  // longer than usual, or has grown since, is asked for again with all the memory that it may take.
  #filled(call: (to: Scratch) => number | bigint): Uint8Array<ArrayBuffer> | number {
    for (const to of [this.#usual, undefined]) {
      const memory = to ?? this.#memoryFor(MOST_BYTES);
      const filled = Number(call(memory));
      if (filled >= 0) return memory.bytes.subarray(0, filled);
      const errno = this.#libc.errno();
      if (errno !== ERANGE || to === undefined) return errno;
    }
    return ERANGE;
  }

  #memoryFor(byteCount: number): Scratch {
    if (byteCount <= USUAL_BYTES) return this.#usual;
    this.#most ??= scratch(MOST_BYTES);
    return this.#most;
  }

  // Most names come folder by folder: the folder's part of the path stays as it is.
  #pathOf({ folder, name }: Place): Pointer {
    if (folder !== this.#folder) {
      const prefix = utf8(`${PROC}/${folder}/`);
      this.#path.bytes.set(prefix);
      this.#folder = folder;
      this.#folderBytes = prefix.length;
    }
    return terminated(this.#path, name, this.#folderBytes);
  }
}

// Names one after another, each with a NUL at its end.
function namesIn(list: Uint8Array<ArrayBuffer>): readonly Bytes[] {
  const names: Bytes[] = [];
  for (let at = 0; at < list.length;) {
    const end = list.indexOf(0, at);
    assert(end >= 0, "a listed name ends within its buffer");
    if (end > at) names.push(list.slice(at, end));
    at = end + 1;
  }
  return names;
}
