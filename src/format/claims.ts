// Claims: the public part of manifests and heartbeats (docs/format.md §8, §10).
//
//     1 number | 2 time | 3 heads: [signer, number, id]… | 4 log heads: [number, id]…

import type { CborMap } from "./cbor-encoder.ts";
import type { Reference, SignerReference } from "./context.ts";
import {
  areSorted,
  compareSigners,
  encodeReference,
  encodeSignerReference,
  Fields,
  mapOf,
} from "./fields.ts";
import { NUMBER_MAX } from "./names.ts";

export interface Claims {
  readonly number: number;
  /** Milliseconds since the epoch, by the signer's clock. */
  readonly time: number;
  /** The newest manifests of other signers, sorted by signer. */
  readonly heads: readonly SignerReference[];
  readonly logHeads: readonly Reference[];
}

export function encodeClaims({ number, time, heads, logHeads }: Claims): CborMap {
  return mapOf([
    [1, number],
    [2, time],
    [3, heads.map(encodeSignerReference)],
    [4, logHeads.map(encodeReference)],
  ]);
}

/** Throws `corrupt` or `unsupported-version`. */
export function decodeClaims(map: CborMap, what: string): Claims {
  const fields = new Fields(map, what);
  const heads = fields.signerReferences(3, "heads");
  if (!areSorted(heads, compareSigners)) throw fields.fault("heads", "sorted signers, none twice");
  return {
    number: fields.uint(1, "number", NUMBER_MAX, 1),
    time: fields.time(2, "time"),
    heads,
    logHeads: fields.references(4, "log heads"),
  };
}
