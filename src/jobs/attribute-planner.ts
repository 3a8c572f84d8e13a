// Attribute planner: the attributes of what no lane reads: folders, links, pipes, devices; and of
// files whose content is known and nothing else. What has not changed since the last backup is not
// asked again.

import type { Bytes } from "../base/bytes.ts";
import type { Metadata } from "../base/entry.ts";
import { readAttributes } from "../source/attributes.ts";
import type { EnterEvent, EntryEvent, Seen } from "../source/source.ts";
import type { Subject } from "../system/attributes.ts";
import type { FileSystem } from "../system/files.ts";
import { decodeExtras, encodeExtras } from "./extras.ts";
import type { FileFacts, FilePlace, Known, StateReader } from "./states.ts";

export interface AttributePlannerParts {
  readonly files: FileSystem;
  readonly now: () => number;
  /** Asks for all attributes, whatever is known. */
  readonly force: boolean;
}

/** What the next backup is to know of a name that is no file. */
export interface StateNote {
  readonly place: FilePlace;
  readonly facts: FileFacts;
  readonly known: Known;
  readonly readAtMs: number;
}

/** Something that is no file, with its attributes. */
export interface PlannedOther {
  readonly metadata: Metadata;
  /** Absent where the attributes are to be read again the next time. */
  readonly note?: StateNote;
  /** What is missing, for people. */
  readonly complaint?: string;
}

const NO_IDS = new Uint8Array(0);

export class AttributePlanner {
  readonly #parts: AttributePlannerParts;

  constructor(parts: AttributePlannerParts) {
    this.#parts = parts;
  }

  /** A folder, by the place that it has in the states. */
  planFolder(states: StateReader, place: FilePlace, event: EnterEvent): PlannedOther {
    const { metadata, folder, seen } = event;
    if (seen === undefined) return { metadata };
    return this.#plan(states, { place, metadata, seen, subject: folder.descriptor });
  }

  /** A link, a pipe, a socket or a device. */
  planOther(states: StateReader, place: FilePlace, event: EntryEvent): PlannedOther {
    const { metadata, changed, inode, deviceId } = event;
    const seen = { changed, inode, deviceId };
    return this.#plan(states, { place, metadata, seen, subject: subjectOf(event) });
  }

  /** The extras of a file whose content is known, and whose attributes may have changed. */
  refresh(
    event: EntryEvent,
    known: Known,
  ): { readonly extras?: Bytes; readonly complaint?: string } {
    const { holes } = known.extras === undefined ? {} : decodeExtras(known.extras);
    return this.#read(subjectOf(event), event.deviceId, holes);
  }

  #plan(
    states: StateReader,
    name: {
      readonly place: FilePlace;
      readonly metadata: Metadata;
      readonly seen: Seen;
      readonly subject: Subject;
    },
  ): PlannedOther {
    const { place, metadata, seen, subject } = name;
    const { changed, inode, deviceId } = seen;
    const facts = { changed, inode, modified: metadata.modified, size: metadata.size };
    const found = this.#parts.force ? undefined : states.find(place.folder, place.name, facts);
    if (found !== undefined && found.seenAs === undefined) {
      const note = { place, facts, known: found, readAtMs: Number.POSITIVE_INFINITY };
      return { metadata: withExtras(metadata, found.extras), note };
    }
    const readAtMs = this.#parts.now();
    const { extras, complaint } = this.#read(subject, deviceId);
    const read = withExtras(metadata, extras);
    if (complaint !== undefined) return { metadata: read, complaint };
    const known = extras === undefined ? { ids: NO_IDS } : { ids: NO_IDS, extras };
    return { metadata: read, note: { place, facts, known, readAtMs } };
  }

  #read(
    subject: Subject,
    deviceId: number,
    holes?: Metadata["holes"],
  ): { readonly extras?: Bytes; readonly complaint?: string } {
    const { attributes, complaint } = readAttributes(this.#parts.files, subject, deviceId);
    const extras = encodeExtras({ attributes, ...(holes === undefined ? {} : { holes }) });
    return {
      ...(extras === undefined ? {} : { extras }),
      ...(complaint === undefined ? {} : { complaint }),
    };
  }
}

function subjectOf({ folder, metadata }: EntryEvent): Subject {
  return { folder: folder.descriptor, name: metadata.name, type: metadata.type };
}

/** Metadata together with what was packed of it. */
export function withExtras(metadata: Metadata, extras: Bytes | undefined): Metadata {
  return extras === undefined ? metadata : { ...metadata, ...decodeExtras(extras) };
}
