// Marks: files that say what of their folder is backed up: a .bunkerignore, a CACHEDIR.TAG, or any
// name that the user gave.

import { type Bytes, concatBytes, equalBytes, textOf, utf8 } from "../base/bytes.ts";
import { BunkerError, messageOf } from "../base/errors.ts";
import type { Monitor } from "../base/monitor.ts";
import { patternLinesOf, Patterns } from "../base/patterns.ts";
import type { Descriptor, FileSystem } from "../system/files.ts";
import { type FolderNames, namesOf } from "../system/names.ts";
import { type Choice, IGNORE_FILE, type Scope } from "./choice.ts";
import { readInto } from "./read.ts";

const IGNORE_FILE_BYTES_MAX = 1024 * 1024;
const CACHE_TAG = utf8("CACHEDIR.TAG");
/** As https://bford.info/cachedir/ has it: the file begins with these bytes. */
const CACHE_SIGNATURE = utf8("Signature: 8a477f597d28d172789f06886806bc55");

/** An open folder and what is in it. */
export interface Listed {
  readonly descriptor: Descriptor;
  readonly names: FolderNames;
  /** For messages. */
  readonly path: () => Bytes;
}

export class Marks {
  readonly #files: FileSystem;
  readonly #choice: Choice;
  readonly #monitor: Monitor;

  constructor(files: FileSystem, choice: Choice, monitor: Monitor) {
    this.#files = files;
    this.#choice = choice;
    this.#monitor = monitor;
  }

  /** The names that are left of a folder whose content is left out; else `undefined`. */
  tagsOf(folder: Listed): FolderNames | undefined {
    const { caches, ifPresent = [] } = this.#choice.options;
    const { names } = folder;
    const tags = ifPresent.filter((name) => names.has(name));
    if (caches === true && names.has(CACHE_TAG) && this.#isCache(folder)) tags.push(CACHE_TAG);
    return tags.length === 0 ? undefined : namesOf(tags);
  }

  /** The scope in a folder, with the patterns that its ignore file holds. */
  scopeIn(folder: Listed, scope: Scope | undefined): Scope | undefined {
    if (this.#choice.options.ignoreFiles !== true || !folder.names.has(IGNORE_FILE)) return scope;
    const bytes = this.#read(folder, IGNORE_FILE, IGNORE_FILE_BYTES_MAX);
    if (bytes === undefined) return scope;
    const onFault = (pattern: string, fault: string): void =>
      this.#notice(folder, IGNORE_FILE, `pattern ${pattern}: ${fault}: it is passed over`);
    const patterns = new Patterns(patternLinesOf(bytes), { onFault });
    return this.#choice.withFile(scope, patterns);
  }

  #isCache(folder: Listed): boolean {
    const { length } = CACHE_SIGNATURE;
    const bytes = this.#read(folder, CACHE_TAG, Number.POSITIVE_INFINITY, length);
    return bytes !== undefined && equalBytes(bytes, CACHE_SIGNATURE);
  }

  // The beginning of a file; `undefined` where it is none, or can't be read.
  #read(
    folder: Listed,
    name: Bytes,
    bytesMax: number,
    wanted: number = bytesMax,
  ): Bytes | undefined {
    try {
      const descriptor = this.#files.openFile(folder.descriptor, name);
      try {
        const { type, size } = this.#files.statDescriptor(descriptor);
        if (type !== "file") return undefined;
        if (size > bytesMax) throw new BunkerError("io", `it has more than ${bytesMax} bytes`);
        return readUpTo(descriptor, Math.min(size, wanted));
      } finally {
        this.#files.close(descriptor);
      }
    } catch (error) {
      this.#notice(folder, name, `passed over: ${messageOf(error)}`);
      return undefined;
    }
  }

  #notice(folder: Listed, name: Bytes, message: string): void {
    this.#monitor.notice(`${textOf(concatBytes(folder.path(), utf8("/"), name))}: ${message}`);
  }
}

function readUpTo(descriptor: Descriptor, wanted: number): Bytes {
  const bytes = new Uint8Array(wanted);
  let filled = 0;
  while (filled < wanted) {
    const count = readInto(descriptor, bytes.subarray(filled));
    if (count === 0) break;
    filled += count;
  }
  return bytes.subarray(0, filled);
}
