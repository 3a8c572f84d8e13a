// Journal: the packs that this machine has put and no segment lists yet, in its state folder.
//
// One small file a pack, written when the pack is stored and deleted when a segment lists it: so a
// run that is cut off, also by a kill, loses none of its uploads. Layout: the pack's record of 56
// bytes, then those of its blobs, whose pack number is 0.

import { type Bytes, isZero, loadU32 } from "../base/bytes.ts";
import { hexId, ID_BYTES, isHexId } from "../base/ids.ts";
import type { LocalFolder } from "../base/local.ts";
import { RECORD_BYTES } from "./run.ts";

const SUFFIX = ".pack";

export interface JournalEntry {
  /** The pack's record of 56 bytes. */
  readonly pack: Uint8Array<ArrayBuffer>;
  readonly records: Uint8Array<ArrayBuffer>;
}

export class Journal {
  readonly #state: LocalFolder;

  constructor(state: LocalFolder) {
    this.#state = state;
  }

  note({ pack, records }: JournalEntry): void {
    this.#state.write(fileOf(pack), [pack, records], { durable: true });
  }

  forget(packs: readonly Bytes[]): void {
    for (const pack of packs) this.#state.delete(fileOf(pack));
  }

  /** What earlier runs left; a broken file is dropped. */
  entries(): JournalEntry[] {
    const entries: JournalEntry[] = [];
    for (const name of this.#state.list()) {
      if (!name.endsWith(SUFFIX) || !isHexId(name.slice(0, -SUFFIX.length))) continue;
      const entry = parse(this.#state.read(name));
      if (entry !== undefined && fileOf(entry.pack) === name) entries.push(entry);
      else this.#state.delete(name);
    }
    return entries;
  }
}

/** The bytes of a pack by its record. */
export function bytesOfRecord(pack: Bytes): number {
  return loadU32(pack, ID_BYTES);
}

export function idOfRecord(pack: Bytes): Bytes {
  return pack.subarray(0, ID_BYTES);
}

function fileOf(pack: Bytes): string {
  return `${hexId(idOfRecord(pack))}${SUFFIX}`;
}

function parse(bytes: Uint8Array<ArrayBuffer> | undefined): JournalEntry | undefined {
  if (bytes === undefined || bytes.length < RECORD_BYTES) return undefined;
  if (bytes.length % RECORD_BYTES !== 0) return undefined;
  for (let at = RECORD_BYTES; at < bytes.length; at += RECORD_BYTES) {
    // A file that a power cut left as zeros. Each real record has an id and a length.
    if (isZero(bytes.subarray(at, at + ID_BYTES)) || loadU32(bytes, at + 44) === 0)
      return undefined;
  }
  return { pack: bytes.slice(0, RECORD_BYTES), records: bytes.slice(RECORD_BYTES) };
}
