// Names as text: nothing steers the terminal, and different bytes stay different.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";

import { utf8 } from "../../src/base/bytes.ts";
import { jsonName, jsonText, printableName, printableText } from "../../src/cli/names.ts";

const cases: [string, Uint8Array, string][] = [
  ["plain", utf8("a b/ü.txt"), "a b/ü.txt"],
  ["a line feed", utf8("a\nb"), "a\\x0ab"],
  ["an escape sequence", utf8("\u001b[2J"), "\\x1b[2J"],
  ["delete", utf8("\u007f"), "\\x7f"],
  ["a C1 control", utf8("\u009b2J"), "\\u{009b}2J"],
  ["a turned direction", utf8("\u202egpj.exe"), "\\u{202e}gpj.exe"],
  ["a backslash", utf8("a\\x0a"), "a\\\\x0a"],
  ["no UTF-8", new Uint8Array([0x61, 0xff, 0x62]), "a\\xffb"],
  ["a lone leading byte", new Uint8Array([0xe4, 0x2e]), "\\xe4."],
  ["no UTF-8 beside characters", new Uint8Array([0xc3, 0xbc, 0xfe, 0x5c]), "ü\\xfe\\\\"],
  ["a control beside no UTF-8", new Uint8Array([0x07, 0xff]), "\\x07\\xff"],
  ["empty", new Uint8Array(), ""],
];

test.each(cases)("printable: %s", (_, name, expected) => {
  expect(printableName(name)).toBe(expected);
});

describe("any bytes", () => {
  test("become text without controls, on one line", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (name) => {
        // oxlint-disable-next-line no-control-regex -- They must not be there.
        expect(printableName(name)).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
      }),
    );
  });

  test("can be told from the text", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (name) => {
        expect(bytesOf(printableName(name))).toEqual([...name]);
      }),
    );
  });
});

test("text keeps its backslashes", () => {
  expect(printableText("C:\\x\u0007")).toBe("C:\\x\\x07");
});

describe("JSON", () => {
  test("has the text alone where there is one", () => {
    expect(jsonName(utf8("ü\n"))).toEqual({ name: "ü\n" });
  });

  test("has the bytes too where they are no text", () => {
    const fields = jsonName(new Uint8Array([0x61, 0xff]), "path");
    expect(fields).toEqual({ path: "a\ufffd", pathBase64: "Yf8=" });
  });
});

// oxlint-disable-next-line no-control-regex -- They must not be there.
const STEERING = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

describe("JSON on a terminal", () => {
  test("escapes what steers one, and means the same", () => {
    const value = {
      "k\u0085": ["\u0000\u007f\u009b[31m", "\u202egpj.exe\u2066\ufeff\u2028", "ü\\"],
    };
    const text = jsonText(value);
    expect(text).toBe(
      '{"k\\u0085":["\\u0000\\u007f\\u009b[31m","\\u202egpj.exe\\u2066\\ufeff\\u2028","ü\\\\"]}',
    );
    expect(JSON.parse(text)).toEqual(value);
  });

  test("of any value", () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: "binary" }), (value) => {
        const text = jsonText(value);
        expect(text).not.toMatch(STEERING);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

function bytesOf(printable: string): number[] {
  const pieces = /\\\\|\\x([0-9a-f]{2})|\\u\{([0-9a-f]+)\}|[^\\]/gu;
  return [...printable.matchAll(pieces)].flatMap(([whole, byte, code]) => {
    if (whole === "\\\\") return [0x5c];
    if (byte !== undefined) return [Number.parseInt(byte, 16)];
    const text = code === undefined ? whole : String.fromCodePoint(Number.parseInt(code, 16));
    return [...utf8(text)];
  });
}
