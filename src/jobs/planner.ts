// Planner: the walk's side of a backup. Decides for each file whether it has to be read.

import { present } from "../base/assert.ts";
import type { Bytes } from "../base/bytes.ts";
import type { Time } from "../base/entry.ts";
import { ID_BYTES } from "../base/ids.ts";
import { type EntryEvent, pathIn, type WalkEvent } from "../source/source.ts";
import type { FileSystem } from "../system/files.ts";
import { AttributePlanner } from "./attribute-planner.ts";
import type { FileItem, Item } from "./items.ts";
import { statePath, type StateReader } from "./states.ts";
import { splitPath } from "../system/paths.ts";

/** What counts as a change, and who is told. */
export interface ChangeOptions {
  /** Reads every file, also those that seem unchanged. */
  readonly force?: boolean;
  /** A file is unchanged also where its ctime, or its inode, is another. */
  readonly ignoreCtime?: boolean;
  readonly ignoreInode?: boolean;
  /** Is told of each file that will be read. */
  readonly onRead?: (event: EntryEvent) => void;
}

export interface PlannerParts {
  /** Opens what was seen of a root the last time. */
  readonly openStates: (root: Bytes) => StateReader;
  /** Notes that a blob is needed; false where no usable pack has it. */
  readonly needKnown: (ids: Bytes, at: number) => boolean;
  readonly changes: ChangeOptions;
  readonly files: FileSystem;
  readonly now: () => number;
}

type KnownFile = Pick<FileItem, "extras" | "complaint" | "seenAs"> & { readonly known: Bytes };

/** Hard-linked files whose content is remembered for their other names. */
const LINK_COUNT_MAX = 10_000;
const NO_PATH: Bytes = new Uint8Array(0);

export class Planner {
  readonly #parts: PlannerParts;
  readonly #attributes: AttributePlanner;
  #states: StateReader | undefined;
  /** The paths of the open folders. */
  readonly #paths: Bytes[] = [];
  #statesAs: Bytes | undefined;
  /** The paths of a root that is a folder, and of the folder that one is in which is a file. */
  #top = NO_PATH;
  #upper = NO_PATH;
  #topName = NO_PATH;
  readonly #linked = new Map<number, FileItem>();

  constructor(parts: PlannerParts) {
    this.#parts = parts;
    const { files, now, changes } = parts;
    this.#attributes = new AttributePlanner({ files, now, force: changes.force === true });
  }

  /** The item of an event. A file with neither `known` nor `sameAs` has to be read. */
  plan(event: Exclude<WalkEvent, { kind: "wait" }>): Item {
    switch (event.kind) {
      case "root":
        return this.#planRoot(event);
      case "enter": {
        const above = this.#paths.at(-1);
        const { name } = event.metadata;
        this.#paths.push(above === undefined ? this.#top : statePath(above, name));
        const place =
          above === undefined
            ? { folder: this.#upper, name: this.#topName }
            : { folder: above, name };
        const planned = this.#attributes.planFolder(this.#seen, place, event);
        return { kind: "enter", path: () => event.folder.path(), ...planned };
      }
      case "leave":
        this.#paths.pop();
        return { kind: "leave" };
      case "entry":
        if (event.metadata.type === "file") return this.#planFile(event);
        return this.#planOther(event);
    }
  }

  get #seen(): StateReader {
    return present(this.#states, "a root comes first");
  }

  #planOther(event: EntryEvent): Item {
    const { folder, metadata } = event;
    const place = { folder: this.#paths.at(-1) ?? this.#upper, name: metadata.name };
    const planned = this.#attributes.planOther(this.#seen, place, event);
    return { kind: "other", path: () => pathIn(folder, metadata.name), ...planned };
  }

  // Roots of a list share their states, in which they stand by their whole paths.
  #planRoot({ path, statesAs, isListed }: WalkEvent & { kind: "root" }): Item {
    const sharesStates = isListed === true && this.#statesAs === statesAs;
    this.#statesAs = isListed === true ? statesAs : undefined;
    if (!sharesStates) this.#states = this.#parts.openStates(statesAs ?? path);
    const parts = isListed === true ? splitPath(path) : [];
    this.#upper = wholeStatePath(parts.slice(0, -1));
    this.#topName = parts.at(-1) ?? NO_PATH;
    this.#top = parts.length === 0 ? NO_PATH : statePath(this.#upper, this.#topName);
    return { kind: "root", path, sharesStates };
  }

  #planFile(event: EntryEvent): FileItem {
    const folder = this.#paths.at(-1) ?? this.#upper;
    const group = event.metadata.hardLink;
    const linked = group === undefined ? undefined : this.#linked.get(group);
    // Only where the file has not changed since its first name was met.
    const sameAs = linked !== undefined && isSameFile(linked.event, event) ? linked : undefined;
    if (sameAs !== undefined) return { kind: "file", event, folder, sameAs };
    const { force, onRead } = this.#parts.changes;
    const known = force === true ? undefined : this.#unchanged(event, folder);
    if (known === undefined) onRead?.(event);
    const item: FileItem = { kind: "file", event, folder, ...known };
    if (group !== undefined) this.#noteLink(group, item);
    return item;
  }

  // What an unchanged file holds, all of which must still be in usable packs.
  #unchanged(event: EntryEvent, folder: Bytes): KnownFile | undefined {
    const { changed, inode, metadata } = event;
    const facts = { changed, inode, modified: metadata.modified, size: metadata.size };
    const known = this.#seen.find(folder, metadata.name, facts);
    if (known === undefined) return undefined;
    const { ids, extras, seenAs } = known;
    for (let at = 0; at < ids.length; at += ID_BYTES) {
      if (!this.#parts.needKnown(ids, at)) return undefined;
    }
    if (seenAs !== undefined) {
      return { known: ids, seenAs, ...this.#attributes.refresh(event, known) };
    }
    return extras === undefined ? { known: ids } : { known: ids, extras };
  }

  #noteLink(group: number, item: FileItem): void {
    const oldest = this.#linked.keys().next().value;
    if (this.#linked.size >= LINK_COUNT_MAX && oldest !== undefined) this.#linked.delete(oldest);
    this.#linked.set(group, item);
  }
}

function wholeStatePath(names: readonly Bytes[]): Bytes {
  return names.reduce(statePath, NO_PATH);
}

function isSameFile(a: EntryEvent, b: EntryEvent): boolean {
  return (
    a.inode === b.inode &&
    a.deviceId === b.deviceId &&
    a.metadata.size === b.metadata.size &&
    isSameTime(a.changed, b.changed) &&
    isSameTime(a.metadata.modified, b.metadata.modified)
  );
}

function isSameTime(a: Time, b: Time): boolean {
  return a.seconds === b.seconds && a.nanoseconds === b.nanoseconds;
}
