// Key texts: round trips, BIP-350's checksum, and what is no key text.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { BunkerError } from "../../src/base/errors.ts";
import { decodeKeyText, encodeKeyText } from "../../src/crypto/text.ts";
import { counting, hex } from "./platforms.ts";

const text = encodeKeyText("owner", counting(32));

test("a key text has its form", () => {
  expect(text).toMatch(/^bunker-key-owner1[02-9ac-hj-np-z]+$/);
  expect(text.length).toBe("bunker-key-owner1".length + 52 + 6);
});

test("every key comes back, long ones too", () => {
  const kind = fc.stringMatching(/^[a-z]{1,32}$/);
  const property = fc.property(kind, fc.uint8Array({ maxLength: 600 }), (anyKind, bytes) => {
    const decoded = decodeKeyText(encodeKeyText(anyKind, bytes));
    expect([decoded.kind, hex(decoded.bytes)]).toEqual([anyKind, hex(bytes)]);
  });
  fc.assert(property);
  const long = new Uint8Array(65_536).fill(0xa5);
  expect(hex(decodeKeyText(encodeKeyText("writer", long)).bytes)).toBe(hex(long));
});

test("wrapped, padded and capital texts are read", () => {
  for (const typed of [text.toUpperCase(), `  ${text}\n`, text.replace(/(.{20})/g, "$1\n  ")]) {
    expect(hex(decodeKeyText(typed).bytes)).toBe(hex(counting(32)));
  }
});

describe("decodeKeyText refuses", () => {
  test.each([
    ["nothing", "", "it is empty"],
    ["white space", " \n", "it is empty"],
    ["another prefix", text.replace("bunker", "banker"), 'begin with "bunker-key-"'],
    ["no kind", text.replace("owner", ""), "begin with"],
    ["mixed case", text.replace("owner", "Owner"), "wrong or missing"],
    ["another kind than was written", text.replace("owner", "other"), "wrong or missing"],
    ["a character less", text.slice(0, -1), "wrong or missing"],
    ["a character more", `${text}q`, "wrong or missing"],
    ["what is no character of the alphabet", `${text.slice(0, -1)}b`, "wrong or missing"],
    ["far too much", "bunker-key-owner1".padEnd(500_000, "q"), "too long"],
  ])("%s", (_, typed, message) => {
    const error = failureOf(typed);
    expect(error.code).toBe("wrong-key");
    expect(error.message).toContain(message);
  });

  test("any one wrong character", () => {
    const alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    const start = "bunker-key-owner1".length;
    for (let at = start; at < text.length; at++) {
      const other = alphabet[(alphabet.indexOf(text[at]!) + 1 + (at % 31)) % 32]!;
      expect(failureOf(text.slice(0, at) + other + text.slice(at + 1)).code).toBe("wrong-key");
    }
  });

  test("without ever quoting what was typed", () => {
    const error = failureOf(text.slice(0, -1));
    expect(`${error.message} ${String(error.cause)} ${error.stack}`).not.toContain(
      text.slice(20, 40),
    );
  });
});

test("a kind is a word", () => {
  expect(() => encodeKeyText("Owner", counting(32))).toThrow("lower-case word");
  expect(() => encodeKeyText("", counting(32))).toThrow("lower-case word");
});

function failureOf(typed: string): BunkerError {
  try {
    decodeKeyText(typed);
  } catch (error) {
    if (error instanceof BunkerError) return error;
    throw error;
  }
  throw new Error("the text was taken");
}
