// Shown path: the bytes of a path as it is shown to people, so that what is shown can be typed.
//
// Where names are shown, a byte or a mark that can't stand there is \xHH or \u{HHHH}, and a
// backslash is doubled.

import { type Bytes, concatBytes, strictTextOf, utf8 } from "./bytes.ts";

const ESCAPES = /\\(?:(\\)|x([0-9a-f]{2})|u\{([0-9a-f]{4,6})\})/g;
const CODE_POINT_MAX = 0x10_ffff;

/** The path that is shown so; `undefined` where none is, or where nothing in it is escaped. */
export function pathShownAs(shown: Bytes): Bytes | undefined {
  const text = strictTextOf(shown);
  if (text === undefined || !text.includes("\\")) return undefined;
  const pieces: Bytes[] = [];
  let end = 0;
  for (const { 0: whole, index, ...groups } of text.matchAll(ESCAPES)) {
    const piece = bytesOf(groups);
    if (piece === undefined) return undefined;
    pieces.push(utf8(text.slice(end, index)), piece);
    end = index + whole.length;
  }
  pieces.push(utf8(text.slice(end)));
  // A lone backslash stands in nothing that is shown.
  const rest = text.replaceAll(ESCAPES, "");
  return rest.includes("\\") ? undefined : concatBytes(...pieces);
}

function bytesOf(groups: { readonly [group: number]: string | undefined }): Bytes | undefined {
  const { 1: backslash, 2: byte, 3: point } = groups;
  if (backslash !== undefined) return utf8("\\");
  if (byte !== undefined) return Uint8Array.of(Number.parseInt(byte, 16));
  const code = Number.parseInt(point ?? "", 16);
  return code > CODE_POINT_MAX ? undefined : utf8(String.fromCodePoint(code));
}
