// BLAKE3, one node: a vector holds one row of its state, so that four G run at once. For what
// can't be done four nodes at a time: short inputs, tails, single parents, the root.

import { Vector as V } from "./vector";

export const CHUNK_START: u32 = 1;
export const ROOT: u32 = 8;

/**
 * Compresses successive blocks under the chaining value at `chain` and writes the last one, 32
 * bytes, to `out`; for the root, which is one block, all 64 bytes of output.
 */
export function compressBlocks(
  chain: usize,
  block: usize,
  blockCount: usize,
  blockBytes: u32,
  counter: u64,
  flags: u32,
  out: usize,
): void {
  let a = v128.load(chain);
  let b = v128.load(chain, 16);
  for (;;) {
    let c = i32x4(0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a);
    let d = i64x2.replace_lane(i64x2.splat(counter), 1, ((<u64>flags) << 32) | blockBytes);
    // x and y: the words for the columns; z and w: those for the diagonals, turned by one lane.
    let x = v128.shuffle<i32>(v128.load(block), v128.load(block, 16), 0, 2, 4, 6);
    let y = v128.shuffle<i32>(v128.load(block), v128.load(block, 16), 1, 3, 5, 7);
    let z = v128.shuffle<i32>(v128.load(block, 32), v128.load(block, 48), 6, 0, 2, 4);
    let w = v128.shuffle<i32>(v128.load(block, 32), v128.load(block, 48), 7, 1, 3, 5);
    const chainLow = a;
    const chainHigh = b;
    for (let round = 0; ; round++) {
      b = V.xorRotate12(b, (c = V.sum(c, (d = V.xorRotate16(d, (a = V.sum3(b, a, x)))))));
      b = V.xorRotate7(b, (c = V.sum(c, (d = V.xorRotate8(d, (a = V.sum3(b, a, y)))))));
      // The rows turn against b, which is ready last.
      a = v128.shuffle<i32>(a, a, 3, 0, 1, 2);
      d = v128.shuffle<i32>(d, d, 2, 3, 0, 1);
      c = v128.shuffle<i32>(c, c, 1, 2, 3, 0);
      b = V.xorRotate12(b, (c = V.sum(c, (d = V.xorRotate16(d, (a = V.sum3(b, a, z)))))));
      b = V.xorRotate7(b, (c = V.sum(c, (d = V.xorRotate8(d, (a = V.sum3(b, a, w)))))));
      a = v128.shuffle<i32>(a, a, 1, 2, 3, 0);
      d = v128.shuffle<i32>(d, d, 2, 3, 0, 1);
      c = v128.shuffle<i32>(c, c, 3, 0, 1, 2);
      if (round == 6) break;
      const nextX = v128.shuffle<i32>(x, y, 1, 5, 7, 2);
      const nextY = v128.shuffle<i32>(x, v128.shuffle<i32>(z, w, 2, 7, 2, 7), 3, 4, 0, 5);
      const nextZ = v128.shuffle<i32>(v128.shuffle<i32>(w, y, 0, 4, 0, 1), z, 0, 1, 7, 3);
      w = v128.shuffle<i32>(z, v128.shuffle<i32>(w, y, 2, 6, 2, 6), 1, 4, 5, 0);
      x = nextX;
      y = nextY;
      z = nextZ;
    }
    a = v128.xor(a, c);
    b = v128.xor(b, d);
    if (flags & ROOT) {
      v128.store(out, v128.xor(c, chainLow), 32);
      v128.store(out, v128.xor(d, chainHigh), 48);
    }
    if (--blockCount == 0) break;
    flags &= ~CHUNK_START;
    block += 64;
  }
  v128.store(out, a);
  v128.store(out, b, 16);
}
