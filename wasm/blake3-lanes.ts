// BLAKE3, four nodes at once: a vector holds the same word of four nodes, one in each lane.
//
// The 16 vectors of the state and their masks don't fit the 15 registers there are. Left alone, the
// engine spills what is needed next; so rows a and c live in memory, where the wait for the store
// is hidden behind the work on b and d. (Measured: 870 MB/s before, 1,370 MB/s with it.)

import { LANE_A_PTR, LANE_C_PTR, LANE_CHAIN_PTR, LANE_MESSAGE_PTR } from "./memory";
import { Vector as V } from "./vector";

// For each of the seven rounds, where its 16 message words lie from LANE_MESSAGE_PTR on.
// prettier-ignore
const SCHEDULE: usize = memory.data<u8>([
   0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x80, 0x90, 0xa0, 0xb0, 0xc0, 0xd0, 0xe0, 0xf0,
   0x20, 0x60, 0x30, 0xa0, 0x70, 0x00, 0x40, 0xd0, 0x10, 0xb0, 0xc0, 0x50, 0x90, 0xe0, 0xf0, 0x80,
   0x30, 0x40, 0xa0, 0xc0, 0xd0, 0x20, 0x70, 0xe0, 0x60, 0x50, 0x90, 0x00, 0xb0, 0xf0, 0x80, 0x10,
   0xa0, 0x70, 0xc0, 0x90, 0xe0, 0x30, 0xd0, 0xf0, 0x40, 0x00, 0xb0, 0x20, 0x50, 0x80, 0x10, 0x60,
   0xc0, 0xd0, 0x90, 0xb0, 0xf0, 0xa0, 0xe0, 0x80, 0x70, 0x20, 0x50, 0x30, 0x00, 0x10, 0x60, 0x40,
   0x90, 0xe0, 0xb0, 0x50, 0x80, 0xc0, 0xf0, 0x10, 0xd0, 0x30, 0x00, 0xa0, 0x20, 0x60, 0x40, 0x70,
   0xb0, 0xf0, 0x50, 0x00, 0x10, 0x90, 0x80, 0x60, 0xe0, 0xa0, 0x20, 0xc0, 0x30, 0x40, 0x70, 0xd0,
]);
const SCHEDULE_END: usize = SCHEDULE + 112;

class Lane {
  /** a += b + message, for column `index`. */
  @inline static mixA(index: usize, b: v128, schedule: usize): v128 {
    const message = v128.load(load<u8>(schedule), LANE_MESSAGE_PTR);
    const sum = V.sum3(b, v128.load(LANE_A_PTR + 16 * index), message);
    v128.store(LANE_A_PTR + 16 * index, sum);
    return sum;
  }

  /** c += d, for column `index`. */
  @inline static sumC(index: usize, d: v128): v128 {
    const sum = V.sum(v128.load(LANE_C_PTR + 16 * index), d);
    v128.store(LANE_C_PTR + 16 * index, sum);
    return sum;
  }

  @inline static finish(index: usize, b: v128, d: v128): void {
    const a = v128.load(LANE_A_PTR + 16 * index);
    const c = v128.load(LANE_C_PTR + 16 * index);
    v128.store(LANE_CHAIN_PTR + 16 * index, v128.xor(a, c));
    v128.store(LANE_CHAIN_PTR + 64 + 16 * index, v128.xor(b, d));
  }
}

/** Puts the key before each of the four nodes: their chaining values to start with. */
export function beginLanes(key: usize): void {
  for (let i: usize = 0; i < 8; i++) {
    v128.store(LANE_CHAIN_PTR + 16 * i, v128.load32_splat(key + 4 * i));
  }
}

/**
 * Mixes one whole block of each node into its chaining value. The blocks lie `stride` bytes apart
 * from `ptr` on; the counters are `counter` and, `step` apart, those behind it (below 2^32 no carry
 * occurs between them: counters start at multiples of four).
 */
export function compressLanes(
  ptr: usize,
  stride: usize,
  counter: u64,
  step: u32,
  flags: u32,
): void {
  transpose(ptr, stride, LANE_MESSAGE_PTR, 16);
  transpose(ptr + 16, stride, LANE_MESSAGE_PTR + 64, 16);
  transpose(ptr + 32, stride, LANE_MESSAGE_PTR + 128, 16);
  transpose(ptr + 48, stride, LANE_MESSAGE_PTR + 192, 16);
  memory.copy(LANE_A_PTR, LANE_CHAIN_PTR, 64);
  v128.store(LANE_C_PTR, i32x4.splat(0x6a09e667));
  v128.store(LANE_C_PTR, i32x4.splat(0xbb67ae85), 16);
  v128.store(LANE_C_PTR, i32x4.splat(0x3c6ef372), 32);
  v128.store(LANE_C_PTR, i32x4.splat(0xa54ff53a), 48);
  const steps = i32x4.mul(i32x4(0, 1, 2, 3), i32x4.splat(step));
  mixLanes(i32x4.add(i32x4.splat(<u32>counter), steps), <u32>(counter >> 32), flags);
}

/** Writes the four chaining values to `out`, 32 bytes each. */
export function finishLanes(out: usize): void {
  transpose(LANE_CHAIN_PTR, 16, out, 32);
  transpose(LANE_CHAIN_PTR + 64, 16, out + 16, 32);
}

/** Turns four rows of four u32 into columns. */
function transpose(from: usize, fromStride: usize, to: usize, toStride: usize): void {
  const a = v128.load(from);
  const b = v128.load(from + fromStride);
  const c = v128.load(from + 2 * fromStride);
  const d = v128.load(from + 3 * fromStride);
  const abLow = v128.shuffle<i32>(a, b, 0, 4, 1, 5);
  const abHigh = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
  const cdLow = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
  const cdHigh = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<i64>(abLow, cdLow, 0, 2));
  v128.store(to + toStride, v128.shuffle<i64>(abLow, cdLow, 1, 3));
  v128.store(to + 2 * toStride, v128.shuffle<i64>(abHigh, cdHigh, 0, 2));
  v128.store(to + 3 * toStride, v128.shuffle<i64>(abHigh, cdHigh, 1, 3));
}

// Half of G stands in one line, innermost first: a += b + m, d = (d ^ a) >>> n, c += d,
// b = (b ^ c) >>> n. Columns first, then diagonals; the four lines of a group are independent.
function mixLanes(counterLow: v128, counterHigh: u32, flags: u32): void {
  let b0 = v128.load(LANE_CHAIN_PTR, 64);
  let b1 = v128.load(LANE_CHAIN_PTR, 80);
  let b2 = v128.load(LANE_CHAIN_PTR, 96);
  let b3 = v128.load(LANE_CHAIN_PTR, 112);
  let d0 = counterLow;
  let d1 = i32x4.splat(counterHigh);
  let d2 = i32x4.splat(64);
  let d3 = i32x4.splat(flags);
  for (let r = SCHEDULE; r < SCHEDULE_END; r += 16) {
    b0 = V.xorRotate12(b0, Lane.sumC(0, (d0 = V.xorRotate16(d0, Lane.mixA(0, b0, r + 0)))));
    b1 = V.xorRotate12(b1, Lane.sumC(1, (d1 = V.xorRotate16(d1, Lane.mixA(1, b1, r + 2)))));
    b2 = V.xorRotate12(b2, Lane.sumC(2, (d2 = V.xorRotate16(d2, Lane.mixA(2, b2, r + 4)))));
    b3 = V.xorRotate12(b3, Lane.sumC(3, (d3 = V.xorRotate16(d3, Lane.mixA(3, b3, r + 6)))));
    b0 = V.xorRotate7(b0, Lane.sumC(0, (d0 = V.xorRotate8(d0, Lane.mixA(0, b0, r + 1)))));
    b1 = V.xorRotate7(b1, Lane.sumC(1, (d1 = V.xorRotate8(d1, Lane.mixA(1, b1, r + 3)))));
    b2 = V.xorRotate7(b2, Lane.sumC(2, (d2 = V.xorRotate8(d2, Lane.mixA(2, b2, r + 5)))));
    b3 = V.xorRotate7(b3, Lane.sumC(3, (d3 = V.xorRotate8(d3, Lane.mixA(3, b3, r + 7)))));
    b1 = V.xorRotate12(b1, Lane.sumC(2, (d3 = V.xorRotate16(d3, Lane.mixA(0, b1, r + 8)))));
    b2 = V.xorRotate12(b2, Lane.sumC(3, (d0 = V.xorRotate16(d0, Lane.mixA(1, b2, r + 10)))));
    b3 = V.xorRotate12(b3, Lane.sumC(0, (d1 = V.xorRotate16(d1, Lane.mixA(2, b3, r + 12)))));
    b0 = V.xorRotate12(b0, Lane.sumC(1, (d2 = V.xorRotate16(d2, Lane.mixA(3, b0, r + 14)))));
    b1 = V.xorRotate7(b1, Lane.sumC(2, (d3 = V.xorRotate8(d3, Lane.mixA(0, b1, r + 9)))));
    b2 = V.xorRotate7(b2, Lane.sumC(3, (d0 = V.xorRotate8(d0, Lane.mixA(1, b2, r + 11)))));
    b3 = V.xorRotate7(b3, Lane.sumC(0, (d1 = V.xorRotate8(d1, Lane.mixA(2, b3, r + 13)))));
    b0 = V.xorRotate7(b0, Lane.sumC(1, (d2 = V.xorRotate8(d2, Lane.mixA(3, b0, r + 15)))));
  }
  Lane.finish(0, b0, d0);
  Lane.finish(1, b1, d1);
  Lane.finish(2, b2, d2);
  Lane.finish(3, b3, d3);
}
