// Reference: SipHash, the gear and the cutter, written for reading, to compare the core with.
//
// It keeps nothing between two places: whether a chunk may end somewhere is asked of the 64 bytes
// before that place alone.

import { createBLAKE3 } from "hash-wasm";

import type { CutParameters } from "../../src/core/cutter.ts";

const WINDOW_BYTES = 64;
const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);
const rotate = (value: bigint, by: bigint): bigint => u64(value << by) | (value >> (64n - by));

/** SipHash-2-4 (Aumasson and Bernstein, 2012) of bytes of any length. */
export function sipHash(key: Uint8Array, bytes: Uint8Array): bigint {
  const padded = new Uint8Array(Math.floor(bytes.length / 8) * 8 + 8);
  padded.set(bytes);
  padded[padded.length - 1] = bytes.length;
  const [k0, k1] = wordsOf(key) as [bigint, bigint];
  let a = k0 ^ 0x736f6d6570736575n;
  let b = k1 ^ 0x646f72616e646f6dn;
  let c = k0 ^ 0x6c7967656e657261n;
  let d = k1 ^ 0x7465646279746573n;
  const round = (): void => {
    a = u64(a + b);
    c = u64(c + d);
    b = rotate(b, 13n) ^ a;
    d = rotate(d, 16n) ^ c;
    a = rotate(a, 32n);
    c = u64(c + b);
    a = u64(a + d);
    b = rotate(b, 17n) ^ c;
    d = rotate(d, 21n) ^ a;
    c = rotate(c, 32n);
  };
  for (const word of wordsOf(padded)) {
    d ^= word;
    round();
    round();
    a ^= word;
  }
  c ^= 0xffn;
  for (let i = 0; i < 4; i++) round();
  return a ^ b ^ c ^ d;
}

function wordsOf(bytes: Uint8Array): bigint[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / 8 }, (_, i) => view.getBigUint64(8 * i, true));
}

/** The lengths of the chunks of a whole file. */
export type ReferenceCutter = (bytes: Uint8Array, parameters: CutParameters) => number[];

export async function referenceCutter(cutKey: Uint8Array): Promise<ReferenceCutter> {
  const gear = wordsOf(await keyedBlake3(cutKey, "bunker/1 gear", 2048));
  const sipKey = await keyedBlake3(cutKey, "bunker/1 cut", 16);
  const cutsAfter = (window: Uint8Array, threshold: bigint): boolean => {
    const hash = window.reduce((sum, byte) => u64(2n * sum + gear[byte]!), 0n);
    return hash >> 54n === 0n && sipHash(sipKey, window) < threshold;
  };
  return (bytes, parameters) => {
    const { minimum, average, maximum, strictThreshold, laxThreshold } = parameters;
    const lengths: number[] = [];
    for (let start = 0; start < bytes.length; start += lengths.at(-1)!) {
      const most = Math.min(maximum, bytes.length - start);
      let length = minimum + 1;
      for (; length < most; length++) {
        const end = start + length;
        const window = bytes.subarray(end - WINDOW_BYTES, end);
        if (cutsAfter(window, length <= average ? strictThreshold : laxThreshold)) break;
      }
      lengths.push(Math.min(length, most));
    }
    return lengths;
  };
}

async function keyedBlake3(key: Uint8Array, text: string, byteCount: number): Promise<Uint8Array> {
  const hasher = await createBLAKE3(8 * byteCount, key);
  return hasher.update(text).digest("binary");
}
