// The cutter's parameters: how long chunks are, and how often a nominated place becomes a cut.
//
// The gear nominates one place in 1,024; SipHash's value, a u64, must be below a threshold. With
// the chances S (up to the average length) and L (behind it) of a nominated place, and lengths
// counted in nominations (512 of them from the least length to the average, 3,072 from there to
// the most), a chunk of random bytes has on average
//
//     512 + (1 - e^(-512 S)) / S + e^(-512 S) (1 - e^(-3072 L)) / L      nominations.
//
// Asked for are 1,024, with L = 16 S (two bits stricter before, two bits laxer behind:
// level 2 of FastCDC's normalised chunking). So S = 1 / 1,612.1 and L = 1 / 100.76: 27 % of
// the chunks end before the average length, 5 in 10^14 reach the greatest.

import { CHUNK_BYTES_AVERAGE, CHUNK_BYTES_MAX, CHUNK_BYTES_MIN } from "../base/limits.ts";

export interface CutParameters {
  /** At least 64, the window that decides. */
  readonly minimum: number;
  readonly average: number;
  readonly maximum: number;
  /** A nominated place is a cut if SipHash is below this: up to the average length. */
  readonly strictThreshold: bigint;
  /** The same behind the average length. */
  readonly laxThreshold: bigint;
}

/** 2^64 × 0.00062031, cut off after its first 32 bits. */
const STRICT_THRESHOLD = 0x0028_a710_0000_0000n;

/** Cutter 1 of the format. Another one finds other cuts, and knows nothing again. */
export const CUT_PARAMETERS: CutParameters = {
  minimum: CHUNK_BYTES_MIN,
  average: CHUNK_BYTES_AVERAGE,
  maximum: CHUNK_BYTES_MAX,
  strictThreshold: STRICT_THRESHOLD,
  laxThreshold: 16n * STRICT_THRESHOLD,
};
