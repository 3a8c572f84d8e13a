// Same content: whether a file of this machine still holds what a snapshot has of it.
//
// The file is read in the pieces that the snapshot's chunks have, and each gets its id: nothing is
// fetched from the store. Where the snapshot has a hole, the file must have one, or zeros.

import { readSync } from "node:fs";
import { type Bytes, equalBytes } from "../base/bytes.ts";
import type { Entry } from "../base/entry.ts";
import { BunkerError } from "../base/errors.ts";
import { type BlobId, ID_BYTES } from "../base/ids.ts";
import { CHUNK_BYTES_MAX } from "../base/limits.ts";
import { hasZeros } from "../destination/zeros.ts";
import { openForReading } from "../source/read.ts";
import type { EntryEvent } from "../source/source.ts";
import type { BlobReader } from "../store/blobs.ts";
import type { Store } from "../store/store.ts";
import { readContent } from "../store/trees.ts";
import type { Descriptor, FileSystem } from "../system/files.ts";
import { DataCursor, dataBytesOf } from "./extents.ts";

export interface SameContentParts {
  readonly store: Store;
  readonly reader: BlobReader;
  readonly files: FileSystem;
  readonly breathe: () => Promise<void> | undefined;
}

export class SameContent {
  readonly #parts: SameContentParts;
  readonly #id = new Uint8Array(ID_BYTES);

  constructor(parts: SameContentParts) {
    this.#parts = parts;
  }

  /**
   * Reads the file of an event that the walk has just given. One that is another by now, or gone,
   * is not the same. Throws the system's error where it can't be read, and damage of the store.
   */
  async isSame(before: Entry, event: EntryEvent): Promise<boolean> {
    const { files } = this.#parts;
    const { folder, metadata, deviceId, inode } = event;
    const place = { folder: folder.descriptor, name: metadata.name };
    const expected = { deviceId, inode, userId: metadata.userId };
    const opening = openForReading(files, place, expected);
    if (opening.kind !== "opened") return false;
    try {
      if (opening.stat.size !== before.size) return false;
      return await this.#isSame(before, opening.descriptor);
    } finally {
      files.close(opening.descriptor);
    }
  }

  async #isSame(before: Entry, descriptor: Descriptor): Promise<boolean> {
    const { store, reader, files, breathe } = this.#parts;
    const { core } = store;
    if (!hasZeros(files, descriptor, before.holes ?? [])) return false;
    const places = new DataCursor(before);
    for (const id of await readContent(reader, before)) {
      const length = await this.#plainBytesOf(id);
      const chunk = core.input(0, length);
      for (const { offset, from, length: bytes } of places.take(length)) {
        if (!isFilled(descriptor, chunk.subarray(from, from + bytes), offset)) return false;
      }
      core.idInto("data", 0, length, this.#id, 0);
      if (!equalBytes(this.#id, id)) return false;
      await breathe();
    }
    return places.dataBytes === dataBytesOf(before);
  }

  async #plainBytesOf(id: BlobId): Promise<number> {
    const [place] = await this.#parts.reader.places(id);
    if (place !== undefined && place.plainBytes <= CHUNK_BYTES_MAX) return place.plainBytes;
    throw new BunkerError("not-found", "a chunk of it is in no pack of the store");
  }
}

// Reads until the view is full; false where the file ends before.
function isFilled(descriptor: Descriptor, view: Bytes, offset: number): boolean {
  for (let filled = 0; filled < view.length;) {
    const count = readSync(descriptor, view, filled, view.length - filled, offset + filled);
    if (count === 0) return false;
    filled += count;
  }
  return true;
}
