// Passphrase: stretched by Argon2id (RFC 9106) into the keys of a key slot.

import { argon2id } from "hash-wasm";
import type { Platform } from "../base/platform.ts";
import { assert } from "../base/assert.ts";
import { type Bytes, copyBytes, utf8 } from "../base/bytes.ts";
import { BunkerError } from "../base/errors.ts";
import { ARGON_LANES_MAX, ARGON_MEMORY_KIB_MAX, ARGON_PASSES_MAX } from "../base/limits.ts";

/** 32 bytes for the slot's key, 32 for its commitment. */
export const STRETCHED_BYTES = 64;
export const SALT_BYTES_MIN = 16;
export const SALT_BYTES_MAX = 32;
/** RFC 9106 §3.1: memory is at least 8 KiB for each lane. */
const MEMORY_KIB_PER_LANE_MIN = 8;

export interface StretchCost {
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
}

/**
 * Stretches a passphrase into 64 bytes.
 *
 * The passphrase is brought to NFC first, so that one typed on another system is the same; not to
 * NFKC, which would make different passphrases equal. Its UTF-8 bytes are what is stretched.
 * Throws `invalid-argument` for an empty passphrase and for a cost out of bounds, before any memory
 * is taken.
 */
export async function stretchPassphrase(
  passphrase: string,
  salt: Bytes,
  cost: StretchCost,
  platform: Pick<Platform, "stretch"> = {},
): Promise<Uint8Array<ArrayBuffer>> {
  assert(
    salt.length >= SALT_BYTES_MIN && salt.length <= SALT_BYTES_MAX,
    `a salt has ${SALT_BYTES_MIN} to ${SALT_BYTES_MAX} bytes, not ${salt.length}`,
  );
  checkStretchCost(cost);
  if (passphrase === "") throw new BunkerError("invalid-argument", "the passphrase is empty");
  const password = utf8(passphrase.normalize("NFC"));
  // The runtime's own takes two thirds of the time; the portable one serves where there is none.
  if (platform.stretch !== undefined) {
    return platform.stretch(password, copyBytes(salt), { ...cost, outputBytes: STRETCHED_BYTES });
  }
  const stretched = await argon2id({
    password,
    salt: copyBytes(salt),
    memorySize: cost.memoryKib,
    iterations: cost.passes,
    parallelism: cost.lanes,
    hashLength: STRETCHED_BYTES,
    outputType: "binary",
  });
  return copyBytes(stretched);
}

/** Throws `invalid-argument` where the cost is more than we spend, or less than Argon2 allows. */
export function checkStretchCost({ memoryKib, passes, lanes }: StretchCost): void {
  checkBounds("lanes", lanes, 1, ARGON_LANES_MAX);
  checkBounds("passes", passes, 1, ARGON_PASSES_MAX);
  checkBounds("memory in KiB", memoryKib, MEMORY_KIB_PER_LANE_MIN * lanes, ARGON_MEMORY_KIB_MAX);
}

function checkBounds(what: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new BunkerError(
    "invalid-argument",
    `argon2 ${what}: expected ${min} to ${max}, found ${value}`,
  );
}
