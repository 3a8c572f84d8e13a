// Naming: how what was made gets its name, and what happens to whatever has it already.

import type { Bytes } from "../base/bytes.ts";
import { type BunkerError, systemCodeOf } from "../base/errors.ts";
import type { Descriptor, FileSystem } from "../system/files.ts";
import type { FolderCache } from "./cache.ts";
import type { FolderPath, NewFile, PlaceInTree } from "./destination.ts";
import { doing, taken } from "./failures.ts";
import { checkName, newPartName } from "./names.ts";
import { type FolderIdentity, Removal } from "./removal.ts";

/**
 * What happens where something has the name already: it is an error, or it is replaced. Only files,
 * links and nodes are replaced, and a folder stands for a folder; nothing else makes way for one.
 */
export type Existing = "refuse" | "replace";

/** What another thread needs to write into the same destination: plain data. */
export interface FolderDestinationShare {
  readonly root: Descriptor;
  readonly path: Bytes;
  readonly existing: Existing;
  /** Owners by the numbers of the snapshot, not by the names that this machine knows. */
  readonly numericIds?: boolean;
  /**
   * Present where things of another kind make way: a folder for what is none, and the other way
   * round. It says which folders stay nevertheless.
   */
  readonly clearing?: { readonly spared: readonly FolderIdentity[] };
}

/** What a file system says that knows no second names of a file. */
const NO_LINKS: ReadonlySet<string> = new Set(["EPERM", "EOPNOTSUPP", "ENOTSUP", "ENOSYS"]);

export class Naming {
  readonly #files: FileSystem;
  readonly #cache: FolderCache;
  readonly #share: FolderDestinationShare;

  constructor(files: FileSystem, cache: FolderCache, share: FolderDestinationShare) {
    this.#files = files;
    this.#cache = cache;
    this.#share = share;
  }

  // Makes something that is there at once, under another name first where it may replace something.
  make(place: PlaceInTree, make: (folder: Descriptor, name: Bytes) => void): void {
    const { folder, name } = place;
    checkName(name);
    const replacing = this.#share.existing === "replace";
    doing("making", [...folder, name], () => {
      const descriptor = this.#cache.open(folder);
      const writtenAs = replacing ? newPartName() : name;
      try {
        make(descriptor, writtenAs);
        if (!replacing) return;
        this.#replace(place, writtenAs);
        // Where both are names of one file, rename does nothing and leaves both (POSIX).
        this.removeQuietly(folder, writtenAs);
      } catch (error) {
        // Without replacing, the name may be someone else's.
        if (replacing) this.removeQuietly(folder, writtenAs);
        throw error;
      }
    });
  }

  // Gives a part its name; where nothing is replaced, the name must be free at that very moment.
  giveName({ folder, name, writtenAs }: NewFile): void {
    const above = this.#cache.open(folder);
    if (this.#share.existing === "refuse") {
      const from = { folder: above, name: writtenAs };
      try {
        this.#files.makeHardLink(from, { folder: above, name });
        this.removeQuietly(folder, writtenAs);
        return;
      } catch (error) {
        if (!NO_LINKS.has(systemCodeOf(error) ?? "")) throw error;
        if (this.#files.stat(above, name) !== undefined) throw taken([...folder, name]);
      }
    }
    this.#replace({ folder, name }, writtenAs);
  }

  // What is whole takes the name; a folder that has it goes only now.
  #replace({ folder, name }: PlaceInTree, writtenAs: Bytes): void {
    try {
      this.#files.rename(this.#cache.open(folder), writtenAs, name);
    } catch (error) {
      const { clearing } = this.#share;
      if (systemCodeOf(error) !== "EISDIR" || clearing === undefined) throw error;
      const onKept = (_: FolderPath, kept: BunkerError): never => {
        throw kept;
      };
      const rules = { spared: clearing.spared, dry: false, onRemoved: () => undefined, onKept };
      new Removal(this.#files, this.#cache, rules).remove(folder, name);
      this.#files.rename(this.#cache.open(folder), writtenAs, name);
    }
  }

  // What is not there any more is as good as removed.
  removeQuietly(folder: FolderPath, name: Bytes): void {
    try {
      this.#files.remove(this.#cache.open(folder), name);
    } catch {
      // Gone already, which is as good, or out of reach: the error that led here says more.
    }
  }
}
