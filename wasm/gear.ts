// The gear: a rolling hash that nominates places for a cut.
//
// h = 2 h + G[byte], modulo 2^64: after 64 bytes nothing is left of what was before, so the hash
// depends on exactly the last 64 bytes. Bit n depends on the last n + 1 bytes; the ten bits that
// must be zero are the topmost, which see the whole window (the lowest of them 55 bytes). They are
// zero if h is below 2^54, and that is one comparison.

import { GEAR_PTR } from "./memory";
import { WINDOW_BYTES } from "./sip";

const NOMINATED_BELOW: u64 = 1 << 54;

class Gear {
  @inline static roll(hash: u64, ptr: usize): u64 {
    return (hash << 1) + load<u64>(GEAR_PTR + ((<usize>load<u8>(ptr)) << 3));
  }
}

let hash: u64 = 0;

/** Fills the hash with the window that ends before `ptr`. */
export function warmGear(ptr: usize): void {
  let h: u64 = 0;
  for (let at = ptr - WINDOW_BYTES; at < ptr; at++) h = Gear.roll(h, at);
  hash = h;
}

/**
 * Rolls over the bytes from `ptr` on and returns the address behind the first one that nominates,
 * or 0 if none before `end` does. The next call goes on from there.
 */
export function rollGear(ptr: usize, end: usize): usize {
  // Eight bytes a turn, and two bytes a step of the chain, were no faster.
  let h = hash;
  while (ptr < end) {
    h = Gear.roll(h, ptr++);
    if (h < NOMINATED_BELOW) {
      hash = h;
      return ptr;
    }
  }
  hash = h;
  return 0;
}
