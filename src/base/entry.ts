// Entry: one name in a folder, as a source gives it, a tree holds it and a destination takes it.

import type { Bytes } from "./bytes.ts";
import type { BlobId } from "./ids.ts";

export type EntryType =
  "file" | "folder" | "link" | "fifo" | "socket" | "char" | "block" | "object";

/** Seconds since the epoch (may be negative) and nanoseconds from 0 to 999,999,999. */
export interface Time {
  readonly seconds: number;
  readonly nanoseconds: number;
}

export interface Metadata {
  /** Raw bytes of one path component: no slash, no NUL, neither "." nor "..". */
  readonly name: Bytes;
  readonly type: EntryType;
  /** Permission bits with setuid, setgid and sticky: 0 to 0o7777. */
  readonly mode: number;
  readonly userId: number;
  readonly groupId: number;
  readonly userName?: string;
  readonly groupName?: string;
  readonly modified: Time;
  /** Bytes of content; 0 for everything but files and objects. */
  readonly size: number;
  /** Where a symbolic link points: raw bytes. */
  readonly target?: Bytes;
  /** Equal for all names of one file within a snapshot, above 0; absent where there is one name. */
  readonly hardLink?: number;
  readonly device?: { readonly major: number; readonly minor: number };
  /** Extended attributes, sorted by raw name. */
  readonly attributes?: readonly { readonly name: Bytes; readonly value: Bytes }[];
  /** Holes of a sparse file, ascending, not touching: [offset, length] in bytes. */
  readonly holes?: readonly (readonly [number, number])[];
}

/** What a bucket keeps about an object beside its bytes. */
export interface ObjectFacts {
  /** The whole key, raw bytes. */
  readonly key: Bytes;
  readonly etag?: string;
  readonly versionId?: string;
  /** Milliseconds since the epoch, by the bucket's clock. */
  readonly lastModified?: number;
  /** Content headers and user metadata, each sorted by name. */
  readonly headers?: readonly (readonly [string, string])[];
  readonly userMetadata?: readonly (readonly [string, string])[];
  readonly storageClass?: string;
  readonly checksums?: readonly { readonly algorithm: string; readonly value: Bytes }[];
  readonly lock?: {
    readonly mode: "none" | "governance" | "compliance";
    readonly until: number;
    readonly legalHold: boolean;
  };
  /** Sorted by name. */
  readonly tags?: readonly (readonly [string, string])[];
}

export interface Entry extends Metadata {
  /** For files and objects: the ids of the chunks in order. For folders: the one id of the tree. */
  readonly content: readonly BlobId[];
  /** Where the content is long: the ids of content lists instead; `content` is empty then. */
  readonly contentLists?: readonly BlobId[];
  /** Of type "object" only. */
  readonly object?: ObjectFacts;
  /** The file changed while it was read, twice: the content may mix two states. */
  readonly unstable?: boolean;
  /** Keys of a later format that this reader does not know, kept as they are. */
  readonly unknown?: ReadonlyMap<number, unknown>;
}
