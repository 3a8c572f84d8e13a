// Attributes: owner, mode and time of what was restored, in this order.
//
// A change of owner clears setuid and setgid, so the mode comes after it; every other change would
// show in the time, so that comes last. What this user, or this file system, may not set is left
// as it is and told once.

import type { Metadata } from "../base/entry.ts";
import { systemCodeOf } from "../base/errors.ts";
import type { Descriptor, FileSystem, Place } from "../system/files.ts";

const SET_ID_BITS = 0o6000;
/** Not permitted, or nothing that this file system has. */
const REFUSALS: ReadonlySet<string> = new Set([
  "EPERM",
  "EINVAL",
  "EOPNOTSUPP",
  "ENOTSUP",
  "ENOSYS",
]);

const OWNERS = "owners were not restored: not permitted here";
const SET_IDS = "setuid and setgid bits were left out where the owner was not restored";
const MODES = "modes were not restored: not permitted here";
const TIMES = "times were not restored: not permitted here";

export class AttributeSetter {
  readonly #files: FileSystem;
  readonly #limits = new Set<string>();

  constructor(files: FileSystem) {
    this.#files = files;
  }

  get limits(): readonly string[] {
    return [...this.#limits];
  }

  /** For an open file or folder. */
  setOpen(descriptor: Descriptor, metadata: Metadata): void {
    const { userId, groupId, modified } = metadata;
    const owned = this.#try(OWNERS, () => this.#files.setOwner(descriptor, userId, groupId));
    const mode = this.#modeOf(metadata, owned);
    this.#try(MODES, () => this.#files.setMode(descriptor, mode));
    this.#try(TIMES, () => this.#files.setModified(descriptor, modified));
  }

  /** For what has a name and is not opened: links, which have no mode, and nodes. */
  setNamed(place: Place, metadata: Metadata): void {
    const { type, userId, groupId, modified } = metadata;
    const owned = this.#try(OWNERS, () => this.#files.setOwnerOf(place, type, userId, groupId));
    const mode = this.#modeOf(metadata, owned);
    if (type !== "link") this.#try(MODES, () => this.#files.setModeOf(place, type, mode));
    this.#try(TIMES, () => this.#files.setModifiedOf(place, modified));
  }

  #modeOf({ mode, type }: Metadata, owned: boolean): number {
    if (owned || (mode & SET_ID_BITS) === 0 || type === "link") return mode;
    // With another owner the same bits would give the rights of someone else.
    this.#limits.add(SET_IDS);
    return mode & ~SET_ID_BITS;
  }

  #try(limit: string, act: () => void): boolean {
    try {
      act();
      return true;
    } catch (error) {
      if (!REFUSALS.has(systemCodeOf(error) ?? "")) throw error;
      this.#limits.add(limit);
      return false;
    }
  }
}
