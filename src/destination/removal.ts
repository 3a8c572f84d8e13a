// Removal: takes away what a snapshot does not have.
//
// Everything is reached from the root's descriptor and never through a link. What another file
// system is mounted on stays, and so does what is bunker's own, and what `judge` leaves.

import { type Bytes, strictTextOf, utf8 } from "../base/bytes.ts";
import { BunkerError, fromSystemError } from "../base/errors.ts";
import type { Verdict } from "../base/selection.ts";
import type { FileSystem } from "../system/files.ts";
import type { RawStat } from "../system/stat.ts";
import type { FolderCache } from "./cache.ts";
import type { FolderPath } from "./destination.ts";
import { checkName, textOfPath } from "./names.ts";

/** A folder, wherever its path leads. */
export interface FolderIdentity {
  readonly deviceId: number;
  readonly inode: number | bigint;
}

export interface RemovalRules {
  /** What may go; all of it, unless given. */
  readonly judge?: (path: FolderPath, isFolder: boolean) => Verdict;
  /** Folders that stay, with all they hold. */
  readonly spared: readonly FolderIdentity[];
  /** Only says what would be removed. */
  readonly dry: boolean;
  readonly onRemoved: (path: FolderPath) => void;
  /** Called for what stays, and why; the path is the caller's only for the call. */
  readonly onKept: (path: FolderPath, error: BunkerError) => void;
}

const OTHER_CASE = /[A-Za-z]/;

export class Removal {
  readonly #files: FileSystem;
  readonly #cache: FolderCache;
  readonly #rules: RemovalRules;

  constructor(files: FileSystem, cache: FolderCache, rules: RemovalRules) {
    this.#files = files;
    this.#cache = cache;
    this.#rules = rules;
  }

  /** Removes what has a name that the snapshot has not. Returns whether all of it is gone. */
  remove(folder: FolderPath, name: Bytes): boolean {
    checkName(name);
    const path = [...folder, name];
    return this.#guarded(path, () => {
      const above = this.#cache.open(folder);
      const stat = this.#files.stat(above, name);
      if (stat === undefined) return true;
      if (this.#hasOtherForm(folder, name, stat)) {
        const message = "it stays: this file system takes names for one that differ in case only";
        throw new BunkerError("incomplete", message);
      }
      return this.#removeFound(path, stat, this.#files.statDescriptor(above).deviceId);
    });
  }

  #removeFound(path: Bytes[], { type }: Pick<RawStat, "type">, deviceId: number): boolean {
    if (type === "folder") return this.#removeFolder(path, deviceId);
    if (this.#judge(path, false) !== "take") return false;
    this.#unlink(path, false);
    return true;
  }

  #removeFolder(path: Bytes[], deviceAbove: number): boolean {
    const verdict = this.#judge(path, true);
    if (verdict === "leave") return false;
    const descriptor = this.#cache.open(path);
    const stat = this.#files.statDescriptor(descriptor);
    this.#refuse(stat, deviceAbove);
    const names = this.#files.list(descriptor);
    let isEmpty = true;
    for (let i = 0; i < names.count; i++) {
      path.push(names.nameAt(i));
      const gone = this.#guarded(path, () => this.#removeChild(path, stat.deviceId));
      path.pop();
      isEmpty &&= gone;
    }
    if (!isEmpty || verdict !== "take") return false;
    this.#unlink(path, true);
    return true;
  }

  #removeChild(path: Bytes[], deviceId: number): boolean {
    const stat = this.#files.stat(this.#cache.open(path.slice(0, -1)), path.at(-1)!);
    return stat === undefined || this.#removeFound(path, stat, deviceId);
  }

  #refuse(stat: RawStat, deviceAbove: number): void {
    if (stat.isMountPoint === true || stat.deviceId !== deviceAbove) {
      throw new BunkerError("incomplete", "it stays: something is mounted there");
    }
    const isSpared = this.#rules.spared.some(
      ({ deviceId, inode }) => deviceId === stat.deviceId && BigInt(inode) === BigInt(stat.inode),
    );
    if (isSpared) throw new BunkerError("incomplete", "it stays: it is bunker's own");
  }

  #unlink(path: FolderPath, isFolder: boolean): void {
    if (!this.#rules.dry) {
      if (isFolder) this.#cache.forget(path);
      this.#files.remove(this.#cache.open(path.slice(0, -1)), path.at(-1)!, isFolder);
    }
    this.#rules.onRemoved(path);
  }

  #judge(path: FolderPath, isFolder: boolean): Verdict {
    return this.#rules.judge?.(path, isFolder) ?? "take";
  }

  // Where another form of the name leads to the same thing, that may be a file just restored.
  #hasOtherForm(folder: FolderPath, name: Bytes, stat: RawStat): boolean {
    return otherFormsOf(name).some((other) => {
      const found = this.#files.stat(this.#cache.open(folder), other);
      return found?.inode === stat.inode && found.deviceId === stat.deviceId;
    });
  }

  #guarded(path: FolderPath, step: () => boolean): boolean {
    try {
      return step();
    } catch (error) {
      this.#rules.onKept(path, fromSystemError(error, "removing", textOfPath(path)));
      return false;
    }
  }
}

// The name with one letter in the other case, and in the other forms of Unicode: a file system may
// take all of them for one, whatever it is mounted as.
function otherFormsOf(name: Bytes): Bytes[] {
  const forms: Bytes[] = [];
  const at = name.findIndex((byte) => OTHER_CASE.test(String.fromCharCode(byte)));
  if (at >= 0) {
    const other = name.slice();
    other[at] = other[at]! ^ 0x20;
    forms.push(other);
  }
  const text = name.every((byte) => byte < 0x80) ? undefined : strictTextOf(name);
  if (text === undefined) return forms;
  const texts = new Set([text.normalize("NFC"), text.normalize("NFD")]);
  texts.add(text.toLowerCase()).add(text.toUpperCase()).delete(text);
  return [...forms, ...[...texts].map((form) => utf8(form))];
}
