// Attributes: owner, extended attributes, mode and time of what was restored, in this order.
//
// A change of owner clears capabilities, setuid and setgid; an ACL changes the mode's group bits,
// which the mode then sets as its mask; every other change would show in the time, so that comes
// last. What this user, or this file system, may not set is left as it is and told once.

import type { Metadata } from "../base/entry.ts";
import { systemCodeOf } from "../base/errors.ts";
import type { Subject } from "../system/attributes.ts";
import type { Descriptor, FileSystem, Place } from "../system/files.ts";
import { type Privileges, readPrivileges } from "../system/privileges.ts";
import type { RawStat } from "../system/stat.ts";
import { modeWithoutAcl } from "./acl.ts";
import { ExtendedSetter, needsPrivilege, refusedKind } from "./extended.ts";
import { type Owner, type OwnerOptions, Owners } from "./owners.ts";

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
  readonly #owners: Owners;
  readonly #extended: ExtendedSetter;
  readonly #limits = new Set<string>();
  /** Whose files a user without rights makes; others' groups may still be open to it. */
  readonly #user = process.geteuid?.();
  #privileges: Privileges | undefined;

  constructor(files: FileSystem, options: OwnerOptions = {}) {
    this.#files = files;
    this.#owners = new Owners(options);
    this.#extended = new ExtendedSetter(files, (limit) => this.#limits.add(limit));
  }

  get limits(): readonly string[] {
    return [...this.#limits];
  }

  /** For an open file or folder. Returns what did not fit, for people; all else is set. */
  setOpen(
    descriptor: Descriptor,
    metadata: Metadata,
    has: { readonly isBare?: boolean } = {},
  ): string | undefined {
    const { modified } = metadata;
    const owned = this.#setOwner(metadata, ({ userId, groupId }) =>
      this.#files.setOwner(descriptor, userId, groupId),
    );
    const { complaint, lacksAcl } = this.#extended.set(descriptor, metadata.attributes ?? [], has);
    const mode = this.#modeOf(metadata, owned, lacksAcl);
    this.#try(MODES, () => this.#files.setMode(descriptor, mode));
    this.#try(TIMES, () => this.#files.setModified(descriptor, modified));
    return complaint;
  }

  /** The same for what has a name and is not opened: links, which have no mode, and nodes. */
  setNamed(place: Place, metadata: Metadata): string | undefined {
    const { type, modified } = metadata;
    const owned = this.#setOwner(metadata, ({ userId, groupId }) =>
      this.#files.setOwnerOf(place, type, userId, groupId),
    );
    const { complaint, lacksAcl } = this.#extended.set(
      { ...place, type },
      metadata.attributes ?? [],
    );
    const mode = this.#modeOf(metadata, owned, lacksAcl);
    if (type !== "link") this.#try(MODES, () => this.#files.setModeOf(place, type, mode));
    this.#try(TIMES, () => this.#files.setModifiedOf(place, modified));
    return complaint;
  }

  /** Whether something that is there, with this stat, has all that would be set. */
  isSame(of: Subject, stat: RawStat, metadata: Metadata): boolean {
    const { type, mode, modified, attributes = [] } = metadata;
    const { userId, groupId } = this.#owners.ownerOf(metadata);
    return (
      stat.type === type &&
      stat.userId === userId &&
      stat.groupId === groupId &&
      (type === "link" || stat.mode === mode) &&
      stat.modified.seconds === modified.seconds &&
      stat.modified.nanoseconds === modified.nanoseconds &&
      this.#extended.isSame(of, attributes)
    );
  }

  /**
   * Whether something that is there has all that this user may set, where that is not all: to make
   * it anew would change nothing. What it has not is told as it is where it could not be set.
   */
  isSettled(of: Subject, stat: RawStat, metadata: Metadata): boolean {
    const { owner, attributes, limits } = this.#attainable(stat, metadata);
    if (limits.length === 0) return false;
    const { userId, groupId } = owner;
    const bits = limits.includes(SET_IDS) ? metadata.mode & ~SET_ID_BITS : metadata.mode;
    const { userName: _user, groupName: _group, ...rest } = metadata;
    const settled = { ...rest, userId, groupId, mode: bits, attributes };
    if (!this.isSame(of, stat, settled)) return false;
    for (const limit of limits) this.#limits.add(limit);
    return true;
  }

  // What of owner and attributes this user may set, and what is to be told of the rest.
  #attainable(
    stat: RawStat,
    metadata: Metadata,
  ): {
    readonly owner: Owner;
    readonly attributes: NonNullable<Metadata["attributes"]>;
    readonly limits: readonly string[];
  } {
    this.#privileges ??= readPrivileges();
    const privileges = this.#privileges;
    const { type, mode, attributes = [] } = metadata;
    const refused = attributes.filter(({ name }) => needsPrivilege(name, privileges));
    const limits = refused.map(({ name }) => refusedKind(name));
    const attainable = attributes.filter((attribute) => !refused.includes(attribute));
    const wanted = this.#owners.ownerOf(metadata);
    const userId = this.#user ?? wanted.userId;
    const isGroupOurs = isOwnGroup(wanted.groupId);
    if (privileges.chown || (wanted.userId === userId && isGroupOurs)) {
      return { owner: wanted, attributes: attainable, limits };
    }
    limits.push(OWNERS);
    if ((mode & SET_ID_BITS) !== 0 && type !== "link") limits.push(SET_IDS);
    const owner = { userId, groupId: isGroupOurs ? wanted.groupId : stat.groupId };
    return { owner, attributes: attainable, limits };
  }

  /** Who is to own it here. */
  ownerOf(metadata: Metadata): Owner {
    return this.#owners.ownerOf(metadata);
  }

  // Whoever may not give a file away may still give it to one of their own groups.
  #setOwner(metadata: Metadata, set: (owner: Owner) => void): boolean {
    const owner = this.#owners.ownerOf(metadata);
    if (this.#try(OWNERS, () => set(owner))) return true;
    const userId = this.#user;
    if (userId !== undefined && userId !== owner.userId) {
      this.#try(OWNERS, () => set({ ...owner, userId }));
    }
    return false;
  }

  #modeOf(metadata: Metadata, owned: boolean, lacksAcl: boolean): number {
    const { type } = metadata;
    const mode = lacksAcl ? modeWithoutAcl(metadata) : metadata.mode;
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

function isOwnGroup(groupId: number): boolean {
  return groupId === process.getegid?.() || process.getgroups?.().includes(groupId) === true;
}
