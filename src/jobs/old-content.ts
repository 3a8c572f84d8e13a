// Old content: a file that is there already, read chunk by chunk, to see which chunks it has.

import { readSync } from "node:fs";
import { type Bytes, equalBytes } from "../base/bytes.ts";
import { systemCodeOf } from "../base/errors.ts";
import { CHUNK_BYTES_MAX } from "../base/limits.ts";
import type { Core } from "../core/core.ts";
import type { Descriptor } from "../system/files.ts";
import type { Extent } from "./extents.ts";

export class OldContent {
  readonly #core: Core;
  #buffer: Uint8Array<ArrayBuffer> | undefined;

  constructor(core: Core) {
    this.#core = core;
  }

  /**
   * The bytes at these places of an open file, if they are the chunk with this id. They are the
   * caller's until the next call.
   */
  chunk(descriptor: Descriptor, extents: readonly Extent[], id: Bytes): Bytes | undefined {
    const bytes = this.#read(descriptor, extents);
    return bytes !== undefined && equalBytes(this.#core.idOf("data", bytes), id)
      ? bytes
      : undefined;
  }

  // Gives `undefined` where the file ends too early, or can't be read: both are another content.
  #read(descriptor: Descriptor, extents: readonly Extent[]): Bytes | undefined {
    this.#buffer ??= new Uint8Array(CHUNK_BYTES_MAX);
    const buffer = this.#buffer;
    let total = 0;
    for (const { offset, from, length } of extents) {
      if (from !== total || total + length > buffer.length) return undefined;
      for (let done = 0; done < length;) {
        const read = readAt(
          descriptor,
          buffer.subarray(total + done, total + length),
          offset + done,
        );
        if (read === 0) return undefined;
        done += read;
      }
      total += length;
    }
    return buffer.subarray(0, total);
  }
}

function readAt(descriptor: Descriptor, into: Bytes, offset: number): number {
  try {
    return readSync(descriptor, into, 0, into.length, offset);
  } catch (error) {
    if (systemCodeOf(error) === undefined) throw error;
    return 0; // What can't be read is fetched.
  }
}
