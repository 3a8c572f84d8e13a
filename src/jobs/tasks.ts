// Tasks: the files that lanes read, and what came of each.

import type { Bytes } from "../base/bytes.ts";
import type { Time } from "../base/entry.ts";
import type { ContentStream } from "../source/source.ts";
import type { Descriptor } from "../system/files.ts";

/** A file to read, named by its open folder: no link can be planted in between. */
export interface FileTask {
  readonly folder: Descriptor;
  /** The folder's path, only where the system needs it (`FileSystem.needsPaths`). */
  readonly folderPath?: Bytes;
  readonly name: Bytes;
  readonly deviceId: number;
  readonly inode: number | bigint;
  readonly userId: number;
  /** As the walk saw it. */
  readonly size: number;
  readonly modified: Time;
  readonly changed: Time;
  /** Its holes are asked for. */
  readonly sparse?: boolean;
  /** Read in place of the file, by the lane in main: a stream does not cross threads. */
  readonly stream?: ContentStream;
}

/** What was read of a file. */
export interface FileContent {
  /** The ids of the chunks, joined. */
  readonly ids: Uint8Array<ArrayBuffer>;
  /** Its attributes and holes, packed, if it has any. */
  readonly extras?: Bytes;
  /** What could not be read of it beside its content. */
  readonly complaint?: string;
}

export type FileOutcome =
  /** It was as the walk saw it until its reading had ended. */
  | ({ readonly kind: "same" } & FileContent)
  | (FileContent & {
      readonly kind: "read";
      readonly size: number;
      /** As the file was when its reading ended. */
      readonly modified: Time;
      readonly changed: Time;
      readonly mode: number;
      readonly userId: number;
      readonly groupId: number;
      readonly inode: number | bigint;
      /** It changed while it was read, twice. */
      readonly unstable: boolean;
      /** When the reading began: milliseconds since the epoch. */
      readonly readAtMs: number;
    })
  | { readonly kind: "vanished" }
  | { readonly kind: "changed" }
  | { readonly kind: "failed"; readonly code: string; readonly message: string };
