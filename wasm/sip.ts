// SipHash-2-4 (Aumasson, Bernstein) of the 64 bytes of a window, under the key at SIP_KEY_PTR.

import { SIP_KEY_PTR } from "./memory";

export const WINDOW_BYTES: usize = 64;

let v0: u64 = 0;
let v1: u64 = 0;
let v2: u64 = 0;
let v3: u64 = 0;

/** The hash of the WINDOW_BYTES bytes at `ptr`. */
export function sipHashWindow(ptr: usize): u64 {
  const k0 = load<u64>(SIP_KEY_PTR);
  const k1 = load<u64>(SIP_KEY_PTR, 8);
  v0 = k0 ^ 0x736f6d6570736575;
  v1 = k1 ^ 0x646f72616e646f6d;
  v2 = k0 ^ 0x6c7967656e657261;
  v3 = k1 ^ 0x7465646279746573;
  for (const end = ptr + WINDOW_BYTES; ptr < end; ptr += 8) absorb(load<u64>(ptr));
  // The last word: no bytes are left, and the length stands in the top byte.
  absorb((<u64>WINDOW_BYTES) << 56);
  v2 ^= 0xff;
  for (let i = 0; i < 4; i++) round();
  return v0 ^ v1 ^ v2 ^ v3;
}

function absorb(word: u64): void {
  v3 ^= word;
  round();
  round();
  v0 ^= word;
}

function round(): void {
  v0 += v1;
  v1 = rotl(v1, 13) ^ v0;
  v0 = rotl(v0, 32);
  v2 += v3;
  v3 = rotl(v3, 16) ^ v2;
  v0 += v3;
  v3 = rotl(v3, 21) ^ v0;
  v2 += v1;
  v1 = rotl(v1, 17) ^ v2;
  v2 = rotl(v2, 32);
}
