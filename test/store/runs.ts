// Runs for tests: made from lists of blobs by packs, with ids that a seed decides.

import type { Bytes } from "../../src/base/bytes.ts";
import { sortedBody, writeBlob, writePack } from "../../src/format/records.ts";
import { RECORD_BYTES } from "../../src/store/run.ts";
import { joinRun } from "../../src/store/segments.ts";

export interface PlainRun {
  readonly segment: Bytes;
  /** Ids of segments by the same signer that need not be read. */
  readonly replaces?: readonly Bytes[];
  /** Ids of packs. */
  readonly packs: readonly Bytes[];
  /** Id and the number of its pack. */
  readonly blobs: readonly { readonly id: Bytes; readonly pack: number }[];
}

const SIGNER = new Uint8Array(32).fill(1);

/** The run's bytes, as the cache holds them. */
export function runOf({ segment, replaces = [], packs, blobs }: PlainRun): Uint8Array<ArrayBuffer> {
  const packRecords = new Uint8Array(packs.length * RECORD_BYTES);
  packs.forEach((id, i) =>
    writePack(packRecords, i * RECORD_BYTES, {
      id,
      bytes: 60_000_000,
      md5: id.subarray(0, 16),
      kind: "data",
    }),
  );
  const blobRecords = new Uint8Array(blobs.length * RECORD_BYTES);
  blobs.forEach(({ id, pack }, i) =>
    writeBlob(
      blobRecords,
      i * RECORD_BYTES,
      {
        id,
        ordinal: i % 60_000,
        offset: 128 + i,
        storedBytes: 100,
        plainBytes: 84,
        codec: 0,
      },
      pack,
    ),
  );
  const fact = { signer: SIGNER, id: segment, number: 5, bytes: 6, replaces };
  return joinRun(fact, sortedBody(packRecords, blobRecords));
}

/** What a run says, without its order: "<blob> in <pack>". */
export function pairsOf(plain: PlainRun): string[] {
  return [...new Set(plain.blobs.map(({ id, pack }) => pair(id, plain.packs[pack]!)))].sort();
}

export function pair(id: Bytes, packId: Bytes): string {
  return `${Buffer.from(id).toString("hex")} in ${Buffer.from(packId).toString("hex")}`;
}
