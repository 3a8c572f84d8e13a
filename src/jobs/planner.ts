// Planner: the walk's side of a backup. Decides for each file whether it has to be read.

import { present } from "../base/assert.ts";
import type { Bytes } from "../base/bytes.ts";
import type { Time } from "../base/entry.ts";
import { ID_BYTES } from "../base/ids.ts";
import type { EntryEvent, WalkEvent } from "../source/source.ts";
import type { FileItem, Item } from "./items.ts";
import { statePath, type StateReader } from "./states.ts";

export interface PlannerParts {
  /** Opens what was seen of a root the last time. */
  readonly openStates: (root: Bytes) => StateReader;
  /** Notes that a blob is needed; false where no usable pack has it. */
  readonly needKnown: (ids: Bytes, at: number) => boolean;
  /** Reads every file, also those that seem unchanged. */
  readonly force: boolean;
}

/** Hard-linked files whose content is remembered for their other names. */
const LINK_COUNT_MAX = 10_000;
const NO_PATH = new Uint8Array(0);

export class Planner {
  readonly #parts: PlannerParts;
  #states: StateReader | undefined;
  /** The paths of the open folders. */
  readonly #paths: Bytes[] = [];
  readonly #linked = new Map<number, FileItem>();

  constructor(parts: PlannerParts) {
    this.#parts = parts;
  }

  /** The item of an event. A file with neither `known` nor `sameAs` has to be read. */
  plan(event: Exclude<WalkEvent, { kind: "wait" }>): Item {
    switch (event.kind) {
      case "root":
        this.#states = this.#parts.openStates(event.path);
        return { kind: "root", path: event.path };
      case "enter": {
        const above = this.#paths.at(-1);
        this.#paths.push(above === undefined ? NO_PATH : statePath(above, event.metadata.name));
        return { kind: "enter", metadata: event.metadata };
      }
      case "leave":
        this.#paths.pop();
        return { kind: "leave" };
      case "entry":
        if (event.metadata.type === "file") return this.#planFile(event);
        return { kind: "other", metadata: event.metadata };
    }
  }

  #planFile(event: EntryEvent): FileItem {
    const folder = this.#paths.at(-1) ?? NO_PATH;
    const group = event.metadata.hardLink;
    const linked = group === undefined ? undefined : this.#linked.get(group);
    // Only where the file has not changed since its first name was met.
    const sameAs = linked !== undefined && isSameFile(linked.event, event) ? linked : undefined;
    if (sameAs !== undefined) return { kind: "file", event, folder, sameAs };
    const known = this.#parts.force ? undefined : this.#unchanged(event, folder);
    const item: FileItem =
      known === undefined
        ? { kind: "file", event, folder }
        : { kind: "file", event, folder, known };
    if (group !== undefined) this.#noteLink(group, item);
    return item;
  }

  // The content of an unchanged file, all of which must still be in usable packs.
  #unchanged(event: EntryEvent, folder: Bytes): Bytes | undefined {
    const { changed, inode, metadata } = event;
    const facts = { changed, inode, modified: metadata.modified, size: metadata.size };
    const known = present(this.#states, "a root comes first").find(folder, metadata.name, facts);
    if (known === undefined) return undefined;
    for (let at = 0; at < known.length; at += ID_BYTES) {
      if (!this.#parts.needKnown(known, at)) return undefined;
    }
    return known;
  }

  #noteLink(group: number, item: FileItem): void {
    const oldest = this.#linked.keys().next().value;
    if (this.#linked.size >= LINK_COUNT_MAX && oldest !== undefined) this.#linked.delete(oldest);
    this.#linked.set(group, item);
  }
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
