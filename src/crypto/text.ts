// Key text: bytes as one line that survives typing and pasting, for key files.
//
//   bunker-key-KIND1…   Bech32m (BIP-350) without its limit of 90 characters

import { bech32m } from "@scure/base";
import { assert } from "../base/assert.ts";
import { type Bytes, copyBytes } from "../base/bytes.ts";
import { BunkerError } from "../base/errors.ts";
import { SLOT_BYTES_MAX } from "../base/limits.ts";

const PREFIX = "bunker-key-";
const KEY_BYTES_MAX = SLOT_BYTES_MAX;
/** 8 characters for 5 bytes, and some for the prefix and the checksum. */
const TEXT_LENGTH_MAX = KEY_BYTES_MAX * 1.6 + 100;

export interface KeyText {
  readonly kind: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Writes a key; `kind` says whose ("owner", "writer"), in lower-case letters. */
export function encodeKeyText(kind: string, bytes: Bytes): string {
  assert(/^[a-z]{1,32}$/.test(kind), "a kind of key is a lower-case word");
  assert(bytes.length <= KEY_BYTES_MAX, `a key has at most ${KEY_BYTES_MAX} bytes`);
  return bech32m.encode(PREFIX + kind, bech32m.toWords(copyBytes(bytes)), false);
}

/**
 * Reads a key. White space is left out, so that a wrapped line is read too; all capitals will do.
 *
 * Throws `wrong-key` for anything else; its message never quotes the text.
 */
export function decodeKeyText(text: string): KeyText {
  if (text.length > 2 * TEXT_LENGTH_MAX) throw wrong("it is too long");
  const line = text.replace(/\s+/g, "");
  if (line === "") throw wrong("it is empty");
  const found = /^bunker-key-([a-z]{1,32})1/i.exec(line);
  if (found === null) throw wrong(`expected it to begin with "${PREFIX}"`);
  const bytes = decodeBech32m(line);
  if (bytes === undefined) throw wrong("a character is wrong or missing");
  return { kind: found[1]!.toLowerCase(), bytes: copyBytes(bytes) };
}

// The library's errors quote the text, which is a secret: no cause.
function decodeBech32m(line: string): Uint8Array | undefined {
  const decoded = bech32m.decodeUnsafe(line, false);
  if (decoded === undefined) return undefined;
  return bech32m.fromWordsUnsafe(decoded.words) ?? undefined;
}

function wrong(what: string): BunkerError {
  return new BunkerError("wrong-key", `key text: ${what}`);
}
