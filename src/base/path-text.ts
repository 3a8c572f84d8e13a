// Path text: names of any bytes as texts, and no two as the same one.
//
// Patterns are matched on texts, where one "?" is one character. A byte that is no UTF-8 becomes a
// code unit from U+DC80 to U+DCFF, which no UTF-8 ever gives: so such a name can be told apart, and
// be matched by "*" and "?" as any other.

import { type Bytes, strictTextOf } from "./bytes.ts";

const ESCAPE_BASE = 0xdc00;

/** The text of a name or a path; the text of a path is that of its names, joined by "/". */
export function pathTextOf(bytes: Bytes): string {
  return strictTextOf(bytes) ?? escapedTextOf(bytes);
}

function escapedTextOf(bytes: Bytes): string {
  let text = "";
  for (let at = 0; at < bytes.length;) {
    const length = sequenceBytes(bytes[at]!);
    const character = strictTextOf(bytes.subarray(at, at + length));
    text += character ?? String.fromCharCode(ESCAPE_BASE + bytes[at]!);
    at += character === undefined ? 1 : length;
  }
  return text;
}

// How many bytes the character has that begins with this one, if it is one.
function sequenceBytes(first: number): number {
  if (first >= 0xf0) return 4;
  if (first >= 0xe0) return 3;
  return first >= 0xc0 ? 2 : 1;
}
