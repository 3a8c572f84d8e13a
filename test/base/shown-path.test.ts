// Shown paths: what people are shown leads back to the same bytes.

import { expect, test } from "bun:test";
import { pathShownAs } from "../../src/base/shown-path.ts";
import { utf8 } from "../../src/base/bytes.ts";
import { printableName } from "../../src/cli/names.ts";
import { withSeed } from "../support/random.ts";

const names: readonly (readonly [string, string])[] = [
  ["a\\x0ab", "a\nb"],
  ["\\\\x41", "\\x41"],
  ["\\\\\\\\", "\\\\"],
  ["a\\u{202e}b", "a\u202eb"],
  ["\\u{0085}", "\u0085"],
];

test.each(names)("%s", (shown, name) => {
  expect(pathShownAs(utf8(shown))).toEqual(utf8(name));
});

test.each(["plain", "a\\", "\\q", "\\x4", "\\xzz", "\\u{41}", "\\u{110000}", "\\\\\\"])(
  "%s is shown of nothing, or as it is",
  (shown) => {
    expect(pathShownAs(utf8(shown))).toBeUndefined();
  },
);

test("names of any bytes lead back to themselves", () =>
  withSeed((random) => {
    const alphabet = [0x5c, 0x78, 0x75, 0x7b, 0x34, 0x31, 0x7d, 0x0a, 0xe2, 0x80, 0xae, 0xff, 0x41];
    for (let round = 0; round < 3000; round++) {
      const picks = random.bytes(1 + (round % 12));
      const name = picks.map((pick) => alphabet[pick % alphabet.length]!);
      const shown = utf8(printableName(name));
      expect(pathShownAs(shown) ?? shown).toEqual(name);
    }
  }));
