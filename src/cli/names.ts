// Names: file names are bytes, and people and JSON need text.
//
// For people: what could steer a terminal or is no UTF-8 is written as \xHH or \u{HHHH}, and a
// backslash is doubled, so that the text says exactly which bytes they are. For JSON: the text,
// and beside it the bytes in base64 where they are no UTF-8; JSON's own escapes do the rest.

import { type Bytes, strictTextOf, textOf } from "../base/bytes.ts";

// C0, DEL, C1, line separators, and the marks that turn the direction of writing.
// oxlint-disable-next-line no-control-regex -- Finding them is the purpose.
const STEERING = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** The name or path as text for people, on one line, without doubt about its bytes. */
export function printableName(name: Bytes): string {
  const text = strictTextOf(name);
  if (text !== undefined) return printableText(text.replaceAll("\\", "\\\\"));
  let printable = "";
  for (let at = 0; at < name.length;) {
    const [piece, next] = pieceAt(name, at);
    printable += piece;
    at = next;
  }
  return printable;
}

/** Text for people with everything escaped that could steer a terminal; backslashes stay. */
export function printableText(text: string): string {
  return text.replace(STEERING, (mark) => escapeOf(mark.codePointAt(0)!));
}

/** The fields of a name in JSON: `{[field]}`, and `{[field + "Base64"]}` where it is no UTF-8. */
export function jsonName(name: Bytes, field = "name"): Record<string, string> {
  const text = strictTextOf(name);
  if (text !== undefined) return { [field]: text };
  return { [field]: textOf(name), [`${field}Base64`]: Buffer.from(name).toString("base64") };
}

/** A value as JSON on one line that steers no terminal either; what it means stays the same. */
export function jsonText(value: unknown): string {
  // Such marks stand within strings only, where each of them may be written as its number.
  return JSON.stringify(value).replace(
    STEERING,
    (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function escapeOf(code: number): string {
  return code < 0x80
    ? `\\x${code.toString(16).padStart(2, "0")}`
    : `\\u{${code.toString(16).padStart(4, "0")}}`;
}

// One character, or one byte that begins none.
function pieceAt(name: Bytes, at: number): [string, number] {
  for (let length = 1; length <= 4 && at + length <= name.length; length++) {
    const text = strictTextOf(name.subarray(at, at + length));
    if (text === undefined) continue;
    return [text === "\\" ? "\\\\" : printableText(text), at + length];
  }
  return [`\\x${name[at]!.toString(16).padStart(2, "0")}`, at + 1];
}
