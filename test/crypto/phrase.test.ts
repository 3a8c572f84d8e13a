// The recovery phrase: BIP-39's own vectors for 256 bits, and phrases as people type them.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { BunkerError } from "../../src/base/errors.ts";
import { PHRASE_WORD_COUNT, parsePhrase, phraseOf } from "../../src/crypto/phrase.ts";
import { bytesOf, counting, hex } from "./platforms.ts";

// trezor/python-mnemonic, vectors.json, English.
const VECTORS: readonly (readonly [string, string])[] = [
  ["00".repeat(32), `${"abandon ".repeat(23)}art`],
  [
    "7f".repeat(32),
    `${"legal winner thank year wave sausage worth useful ".repeat(2)}legal winner thank year wave sausage worth title`,
  ],
  [
    "80".repeat(32),
    `${"letter advice cage absurd amount doctor acoustic avoid ".repeat(2)}letter advice cage absurd amount doctor acoustic bless`,
  ],
  ["ff".repeat(32), `${"zoo ".repeat(23)}vote`],
  [
    "68a79eaca2324873eacc50cb9c6eca8cc68ea5d936f98787c60c7ebc74e6ce7c",
    "hamster diagram private dutch cause delay private meat slide toddler razor book happy fancy gospel tennis maple dilemma loan word shrug inflict delay length",
  ],
  [
    "9f6a2878b2520799a44ef18bc7df394e7061a224d2c33cd015b157d746869863",
    "panda eyebrow bullet gorilla call smoke muffin taste mesh discover soft ostrich alcohol speed nation flash devote level hobby quick inner drive ghost inside",
  ],
  [
    "066dca1a2bb7e8a1db2832148ce9933eea0f3ac9548d793112d9a95c9407efad",
    "all hour make first leader extend hole alien behind guard gospel lava path output census museum junior mass reopen famous sing advance salt reform",
  ],
  [
    "f585c11aec520db57dd353c69554b21a89b20fb0650966fa0a9d6f74fd989d8f",
    "void come effort suffer camp survey warrior heavy shoot primary clutch crush open amazing screen patrol group space point ten exist slush involve unfold",
  ],
];

const secret = VECTORS[4]![0];
const phrase = VECTORS[4]![1];
const words = phrase.split(" ");

test.each(VECTORS)("BIP-39 %s", (entropy, expected) => {
  expect(phraseOf(bytesOf(entropy))).toBe(expected);
  expect(hex(parsePhrase(expected))).toBe(entropy);
});

test("every secret comes back", () => {
  const property = fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
    expect(hex(parsePhrase(phraseOf(bytes)))).toBe(hex(bytes));
  });
  fc.assert(property);
});

test("only whole secrets have a phrase", () => {
  expect(() => phraseOf(counting(16))).toThrow("a secret has 32 bytes");
});

describe("parsePhrase takes", () => {
  test.each([
    ["capitals", phrase.toUpperCase()],
    [
      "capitals at the start",
      words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join(" "),
    ],
    ["other white space", ` \t${words.join(" \r\n  ")}\u00a0\n`],
    ["numbered lines", words.map((word, index) => `${index + 1}. ${word}`).join("\n")],
    ["numbers without space", words.map((word, index) => `${index + 1}.${word}`).join(" ")],
    ["numbers in brackets", words.map((word, index) => `${index + 1}) ${word}`).join(" ")],
    ["numbers with a colon", words.map((word, index) => `${index + 1}:${word}`).join("\n")],
    ["bare numbers", words.map((word, index) => `${index + 1} ${word}`).join("  ")],
    [
      "columns",
      words.map((word, index) => `${String(index + 1).padStart(2)}  ${word.padEnd(9)}`).join(""),
    ],
    ["full-width letters", phrase.replace(/h/g, "\uff48")],
  ])("%s", (_, text) => {
    expect(hex(parsePhrase(text))).toBe(secret);
  });
});

describe("parsePhrase refuses", () => {
  const withWord = (index: number, word: string) => words.with(index, word).join(" ");

  test.each([
    ["nothing", "", "expected a recovery phrase of 24 words, found 0"],
    ["a word less", words.slice(1).join(" "), "found 23"],
    ["a word more", `${phrase} zoo`, "found 25"],
    ["12 words", `${"abandon ".repeat(11)}about`, "found 12"],
    ["an unknown word", withWord(6, "privat"), "at place 7"],
    ["two unknown words", words.with(0, "hamsters").with(23, "lenght").join(" "), "at place 1, 24"],
    [
      "two words that changed places",
      words.with(0, words[1]!).with(1, words[0]!).join(" "),
      "do not fit",
    ],
    ["another word of the list", withWord(3, "zoo"), "do not fit"],
    ["commas", words.join(", "), "at place 1, 2"],
  ])("%s", (_, text, message) => {
    const error = failureOf(text);
    expect(error.code).toBe("wrong-key");
    expect(error.message).toContain(message);
    expect(error.hint).toBeDefined();
  });

  test("without ever quoting what was typed", () => {
    for (const text of [withWord(6, "privat"), withWord(3, "zoo"), words.slice(1).join(" ")]) {
      const error = failureOf(text);
      const said = `${error.message} ${error.hint} ${String(error.cause)} ${error.stack}`;
      for (const word of ["privat", "hamster", "gospel", "zoo"]) expect(said).not.toContain(word);
    }
  });
});

test("a phrase has 24 words", () => {
  expect(phraseOf(counting(32)).split(" ")).toHaveLength(PHRASE_WORD_COUNT);
});

function failureOf(text: string): BunkerError {
  try {
    parsePhrase(text);
  } catch (error) {
    if (error instanceof BunkerError) return error;
    throw error;
  }
  throw new Error("the phrase was taken");
}
