// Snapshots: what a manifest tells the owner alone (docs/format.md §8).

import type { Bytes } from "../base/bytes.ts";
import type { Entry } from "../base/entry.ts";
import { MANIFEST_BYTES_MAX } from "../base/limits.ts";
import { decodeCbor } from "./cbor.ts";
import { type Cbor, encodeCbor } from "./cbor-encoder.ts";
import { decodeEntry, encodeEntry } from "./entry.ts";
import { type Fields, fieldsOf, mapOf } from "./fields.ts";

export interface SnapshotRoot {
  /** The path where it was taken: raw bytes. */
  readonly path: Bytes;
  readonly entry: Entry;
}

export interface SnapshotCounts {
  readonly files: number;
  readonly folders: number;
  readonly others: number;
  readonly contentBytes: number;
  readonly newBlobs: number;
  readonly storedBytes: number;
  readonly problems: number;
}

export interface Snapshot {
  readonly host: string;
  readonly user: string;
  readonly roots: readonly SnapshotRoot[];
  /** Sorted, no one twice. */
  readonly tags: readonly string[];
  readonly description?: string;
  /** Milliseconds since the epoch. */
  readonly start: number;
  readonly end: number;
  readonly counts: SnapshotCounts;
  readonly program: string;
}

const WHAT = "snapshot";
const PATH_BYTES_MAX = 1024 * 1024;

const COUNT_NAMES = [
  "files",
  "folders",
  "others",
  "contentBytes",
  "newBlobs",
  "storedBytes",
  "problems",
] as const satisfies readonly (keyof SnapshotCounts)[];

export function encodeSnapshot(snapshot: Snapshot): Bytes {
  return encodeCbor(
    mapOf([
      [1, snapshot.host],
      [2, snapshot.user],
      [3, snapshot.roots.map(encodeRoot)],
      [4, snapshot.tags],
      [5, snapshot.description],
      [6, snapshot.start],
      [7, snapshot.end],
      [8, mapOf(COUNT_NAMES.map((name, i) => [i + 1, snapshot.counts[name]]))],
      [9, snapshot.program],
    ]),
  );
}

/** Throws `corrupt` or `unsupported-version`. */
export function decodeSnapshot(section: Bytes): Snapshot {
  const value = decodeCbor(section, { what: WHAT, bytesMax: MANIFEST_BYTES_MAX });
  const fields = fieldsOf(value, WHAT);
  const description = fields.optionalText(5, "description");
  return {
    host: fields.text(1, "host"),
    user: fields.text(2, "user"),
    roots: fields.list(3, "roots").map(decodeRoot),
    tags: fields.sortedTexts(4, "tags"),
    ...(description === undefined ? {} : { description }),
    start: fields.time(6, "start"),
    end: fields.time(7, "end"),
    counts: decodeCounts(fields),
    program: fields.text(9, "program"),
  };
}

function encodeRoot({ path, entry }: SnapshotRoot): Cbor {
  const bytes = encodeEntry(entry);
  return mapOf([
    [1, path],
    [2, decodeCbor(bytes, { what: "entry", bytesMax: bytes.length })],
  ]);
}

function decodeRoot(value: Cbor): SnapshotRoot {
  const fields = fieldsOf(value, "root");
  return {
    path: fields.bytes(1, "path", 0, PATH_BYTES_MAX),
    entry: decodeEntry(fields.value(2, "entry")),
  };
}

function decodeCounts(fields: Fields): SnapshotCounts {
  const counts = fieldsOf(fields.value(8, "counts"), "counts");
  const count = (name: (typeof COUNT_NAMES)[number]) =>
    counts.uint(COUNT_NAMES.indexOf(name) + 1, name);
  return {
    files: count("files"),
    folders: count("folders"),
    others: count("others"),
    contentBytes: count("contentBytes"),
    newBlobs: count("newBlobs"),
    storedBytes: count("storedBytes"),
    problems: count("problems"),
  };
}
