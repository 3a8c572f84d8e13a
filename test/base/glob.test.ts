// Globs: each piece of a pattern, any bytes, and no pattern that takes long.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { utf8 } from "../../src/base/bytes.ts";
import { charactersOf, Glob } from "../../src/base/glob.ts";
import { printableName } from "../../src/cli/names.ts";
import { seededRandom } from "../support/random.ts";

function matches(pattern: string, name: string | Uint8Array, ignoreCase = false): boolean {
  const bytes = typeof name === "string" ? utf8(name) : name;
  return new Glob(pattern, ignoreCase).matches(charactersOf(bytes, ignoreCase));
}

const cases: readonly [string, readonly string[], readonly string[]][] = [
  ["a", ["a"], ["", "A", "aa", "b"]],
  ["*", ["", "a", ".hidden", "ü\n"], []],
  ["*.txt", [".txt", "a.txt", "a.txt.txt"], ["txt", "a.txt~", "a.TXT"]],
  ["a*b*c", ["abc", "aXbYbZc", "abbcc"], ["ab", "acb", "abcd"]],
  ["?", ["a", "ü", "\u{1f600}"], ["", "ab"]],
  ["??", ["ab", "üß"], ["a", "abc"]],
  ["[abc]", ["a", "b", "c"], ["", "d", "ab", "["]],
  ["[a-c1-3]x", ["ax", "3x"], ["dx", "4x", "-x"]],
  ["[!a-c]", ["d", "ü"], ["a", "b"]],
  ["[^a]", ["b", "^"], ["a"]],
  ["[]a]", ["]", "a"], ["b"]],
  ["[!]a]", ["b"], ["]", "a"]],
  ["[a-]", ["a", "-"], ["b"]],
  ["[ä-ü]", ["ö"], ["a"]],
  ["[\\]\\-]", ["]", "-"], ["\\"]],
  ["\\*", ["*"], ["a", "\\*"]],
  ["\\[a]", ["[a]"], ["a"]],
  ["a\\\\b", ["a\\b"], ["ab"]],
  ["\\x41\\x0a", ["A\n"], ["x41"]],
  ["\\xc3\\xbc", ["ü"], ["Ã¼"]],
  ["\\u{fc}\\u{202e}", ["ü\u202e"], []],
  ["**", ["", "anything"], []],
  ["a**b", ["ab", "axb"], ["a"]],
];

test.each(cases)("%s", (pattern, good, bad) => {
  expect(good.filter((name) => !matches(pattern, name))).toEqual([]);
  expect(bad.filter((name) => matches(pattern, name))).toEqual([]);
});

describe("case", () => {
  test("counts, unless it is said that it does not", () => {
    expect(matches("Größe*", "GRÖßE.txt", true)).toBe(true);
    expect(matches("größe*", "GRÖßE.txt")).toBe(false);
    expect(matches("[a-c]", "B", true)).toBe(true);
    expect(matches("[A-C]", "b", true)).toBe(true);
    expect(matches("[!A-C]", "b", true)).toBe(false);
    expect(matches("[A-C]", "b")).toBe(false);
  });
});

describe("names that are no UTF-8", () => {
  const name = Uint8Array.of(0x61, 0xff, 0xc3, 0xbc, 0xfe);

  test("are matched as any other, a stray byte being one character", () => {
    for (const pattern of ["*", "a*", "a???", "a\\xffü\\xfe", "*\\xfe", "a[\\xff]ü?"]) {
      expect(matches(pattern, name)).toBe(true);
    }
    for (const pattern of ["a??", "a\\xfeü?", "a\ufffdü\ufffd", "aÿü*"]) {
      expect(matches(pattern, name)).toBe(false);
    }
    expect(matches("A\\xFF*", name, true)).toBe(true);
  });

  test("any name is matched by the text with which it is shown", () => {
    const special = /[*?[\]]/g;
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), fc.uint8Array({ maxLength: 12 }), (a, b) => {
        const pattern = printableName(a).replace(special, (character) => `\\${character}`);
        expect(matches(pattern, a)).toBe(true);
        expect(matches(pattern, b)).toBe(Buffer.compare(a, b) === 0);
      }),
      { seed: seededRandom().seed },
    );
  });
});

test("stars and question marks match what a regular expression says", () => {
  const piece = fc.constantFrom("a", "b", "*", "?", "[ab]", "[!a]");
  const name = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 8 });
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 7 }), name, (pieces, characters) => {
      const source = pieces.map((one) =>
        one === "*" ? ".*" : one === "?" ? "." : one.replace("!", "^"),
      );
      const wanted = new RegExp(`^${source.join("")}$`).test(characters.join(""));
      expect(matches(pieces.join(""), characters.join(""))).toBe(wanted);
    }),
    { seed: seededRandom().seed, numRuns: 2000 },
  );
});

test("many stars cost no more than the pattern's length times the name's", () => {
  const name = charactersOf(utf8("a".repeat(4096)));
  expect(new Glob(`${"a*".repeat(1000)}b`).matches(name)).toBe(false);
  expect(new Glob(`${"*a".repeat(1000)}*`).matches(name)).toBe(true);
});

test.each(["[", "[a", "[!", "[a-", "a\\", "[\\", "[z-a]", "[[:alpha:]]"])(
  "%s is refused",
  (text) => {
    expect(() => new Glob(text)).toThrow(`pattern ${text}: `);
  },
);
