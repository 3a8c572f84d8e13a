// Both platforms, for tests that must hold on each, and short ways to write bytes.

import { join } from "node:path";
import { type Bytes, hexOf, parseHex } from "../../src/base/bytes.ts";
import type { Platform } from "../../src/base/platform.ts";
import { portablePlatform } from "../../src/crypto/portable.ts";
import { loadZstd, type PortableZstd } from "../../src/crypto/zstd.ts";
import { nativePlatform } from "../../src/system/platform.ts";

const zstdPath = join(import.meta.dir, "../../node_modules/@bokuweb/zstd-wasm/dist/esm/zstd.wasm");
const zstdWasm = await Bun.file(zstdPath).bytes();

export const portable: Platform = await portablePlatform(zstdWasm);
export const portableZstd: PortableZstd = await loadZstd(zstdWasm);
export const platforms: readonly (readonly [string, Platform])[] = [
  ["native", nativePlatform],
  ["portable", portable],
];

export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const bytes = parseHex(text.replace(/\s/g, ""));
  if (bytes === undefined) throw new Error(`no hexadecimal: ${text}`);
  return bytes;
}

export function hex(bytes: Bytes | undefined): string | undefined {
  return bytes === undefined ? undefined : hexOf(bytes);
}

/** Bytes that count up from `first`. */
export function counting(byteCount: number, first = 0): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: byteCount }, (_, index) => first + index);
}

/** A copy with one bit changed. */
export function flipped(bytes: Bytes, at: number, bit = 0): Uint8Array<ArrayBuffer> {
  const copy = Uint8Array.from(bytes);
  copy[at]! ^= 1 << bit;
  return copy;
}

/** A view of shared memory with the same bytes, not at its start. */
export function shared(bytes: Bytes): Uint8Array<SharedArrayBuffer> {
  const view = new Uint8Array(new SharedArrayBuffer(bytes.length + 5), 3, bytes.length);
  view.set(bytes);
  return view;
}

/** What `run` throws or rejects with; what it returns if it does neither. */
export async function failureOf(run: () => unknown): Promise<unknown> {
  try {
    return await run();
  } catch (error) {
    return error;
  }
}

/** The message of what `run` throws; fails where it throws nothing. */
export async function faultOf(run: () => unknown): Promise<string> {
  const failure = await failureOf(run);
  if (failure instanceof Error) return failure.message;
  throw new Error("nothing was thrown");
}
