// Scratch: memory handed to C functions, used again by every call.

import { type Pointer, ptr } from "bun:ffi";
import { assert } from "../base/assert.ts";
import type { Bytes } from "../base/bytes.ts";
import { systemErrorOf } from "./failure.ts";

/** Memory that C functions see: the bytes are kept here, so that the address stays theirs. */
export interface Scratch {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly address: Pointer;
}

/** Makes zeroed scratch memory. */
export function scratch(byteCount: number): Scratch {
  // The runtime moves a small array's bytes when `.buffer` is first asked for: the address taken
  // before would be stale. An array over a buffer of its own stays where it is.
  const bytes = new Uint8Array(new ArrayBuffer(byteCount));
  return { bytes, address: ptr(bytes) };
}

/**
 * Puts a name with its ending NUL into scratch memory, behind the first bytes that stay, and gives
 * the address of all.
 */
export function terminated(to: Scratch, name: Bytes, behind = 0): Pointer {
  assert(name.indexOf(0) < 0, "a name holds no NUL");
  const end = behind + name.length;
  if (end >= to.bytes.length) throw systemErrorOf("ENAMETOOLONG", "name");
  to.bytes.set(name, behind);
  to.bytes[end] = 0;
  return to.address;
}
