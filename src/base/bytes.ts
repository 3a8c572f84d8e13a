// Bytes: comparing, joining, hexadecimal, little-endian numbers.

export type Bytes = Uint8Array<ArrayBufferLike>;

const HEX_DIGITS = "0123456789abcdef";
const HEX_OF_BYTE = Array.from(
  { length: 256 },
  (_, byte) => HEX_DIGITS[byte >> 4]! + HEX_DIGITS[byte & 15]!,
);
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function concatBytes(...parts: readonly Bytes[]): Uint8Array<ArrayBuffer> {
  return joinBytes(parts);
}

/** The same of any number: so many arguments as a large store has packs, no call can have. */
export function joinBytes(parts: readonly Bytes[]): Uint8Array<ArrayBuffer> {
  let total = 0;
  for (const part of parts) total += part.length;
  const joined = new Uint8Array(total);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

export function equalBytes(a: Bytes, b: Bytes): boolean {
  return a.length === b.length && compareBytes(a, b) === 0;
}

/** Orders two byte strings as unsigned bytes, a prefix before what it begins. */
export function compareBytes(a: Bytes, b: Bytes): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Compares secrets without a branch on their content; unequal lengths are unequal. */
export function equalSecrets(a: Bytes, b: Bytes): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}

export function hexOf(bytes: Bytes): string {
  let text = "";
  for (const byte of bytes) text += HEX_OF_BYTE[byte];
  return text;
}

/** Reads lower-case hexadecimal; returns `undefined` for anything else. */
export function parseHex(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text)) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++)
    bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/** Reads UTF-8 for people: what is not UTF-8 becomes U+FFFD. */
export function textOf(bytes: Bytes): string {
  return decoder.decode(unshared(bytes));
}

/** Reads UTF-8 strictly; returns `undefined` where the bytes are none. */
export function strictTextOf(bytes: Bytes): string | undefined {
  try {
    return strictDecoder.decode(unshared(bytes));
  } catch {
    return undefined; // The only error there is: these bytes are not UTF-8.
  }
}

export function loadU32(bytes: Bytes, at: number): number {
  return (
    (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
  );
}

export function storeU32(bytes: Bytes, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

/** A private copy, never a view: for bytes whose buffer will be used again. */
export function copyBytes(bytes: Bytes): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes.length);
  copy.set(bytes);
  return copy;
}

export function isZero(bytes: Bytes): boolean {
  for (const byte of bytes) if (byte !== 0) return false;
  return true;
}

// TextDecoder refuses shared memory.
function unshared(bytes: Bytes): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer
    ? (bytes as Uint8Array<ArrayBuffer>)
    : copyBytes(bytes);
}
