// Vectors: the few operations on four u32 that BLAKE3 is made of, as the engine does them best.
//
// JavaScriptCore (Bun 1.4.5, x86-64) makes one instruction of a shuffle of one vector, but four of
// a shift: the count travels through two registers each time. And its "or" and "xor" are those of
// floating point, which cost a cycle on the way in and one on the way out. So rotations are made
// of shuffles, sums and comparisons where they can be, and halves are joined by a sum.

export class Vector {
  @inline static sum(a: v128, b: v128): v128 {
    return i32x4.add(a, b);
  }

  /** The late operand comes first: the other two are summed while it is on its way. */
  @inline static sum3(late: v128, a: v128, b: v128): v128 {
    return i32x4.add(late, i32x4.add(a, b));
  }

  @inline static rotate16(x: v128): v128 {
    return i8x16.shuffle(x, x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
  }

  @inline static rotate8(x: v128): v128 {
    return i8x16.shuffle(x, x, 1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12);
  }

  @inline static xorRotate16(a: v128, b: v128): v128 {
    return Vector.rotate16(v128.xor(a, b));
  }

  @inline static xorRotate8(a: v128, b: v128): v128 {
    return Vector.rotate8(v128.xor(a, b));
  }

  /** Eight to the right, one back to the left: the top bit comes in as minus the sign's -1. */
  @inline static xorRotate7(a: v128, b: v128): v128 {
    const x = Vector.rotate8(v128.xor(a, b));
    return i32x4.sub(i32x4.add(x, x), i32x4.lt_s(x, i32x4.splat(0)));
  }

  // Tried and slower: products instead of shifts, doubling instead of the shift to the left.
  @inline static xorRotate12(a: v128, b: v128): v128 {
    const x = v128.xor(a, b);
    return i32x4.add(i32x4.shr_u(x, 12), i32x4.shl(x, 20));
  }
}
