// Tasks: the files that lanes read, and what came of each.

import type { Bytes } from "../base/bytes.ts";
import type { Time } from "../base/entry.ts";
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
}

export type FileOutcome =
  /** It was as the walk saw it until its reading had ended. The ids of the chunks, joined. */
  | { readonly kind: "same"; readonly ids: Uint8Array<ArrayBuffer> }
  | {
      readonly kind: "read";
      /** The ids of the chunks, joined. */
      readonly ids: Uint8Array<ArrayBuffer>;
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
    }
  | { readonly kind: "vanished" }
  | { readonly kind: "changed" }
  | { readonly kind: "failed"; readonly code: string; readonly message: string };
