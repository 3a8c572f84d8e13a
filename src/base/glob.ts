// Glob: patterns for names and paths as people type them, against raw bytes.
//
//   *  any characters     ?  one character     [a-z] [!a-z]  one of these, none of these
//   **  as a whole component: any number of folders     \x  this character     \xHH  this byte
//
// Names are compared character by character; a byte that is no UTF-8 counts as one character, and
// is named as \xHH, the way that names are shown. No pattern takes longer than its length times
// the name's: nothing is tried in all ways.

import { type Bytes, concatBytes, utf8 } from "./bytes.ts";
import { BunkerError } from "./errors.ts";
import { pathTextOf } from "./path-text.ts";

const ANY = "any";
const STAR = "star";

interface Ranges {
  readonly negated: boolean;
  readonly ranges: readonly (readonly [number, number])[];
}

type Token = number | typeof ANY | typeof STAR | Ranges;

/** The characters of a name, lower-case ones where case does not count. */
export function charactersOf(name: Bytes, ignoreCase = false): number[] {
  const characters = isAscii(name) ? Array.from(name) : decoded(name);
  return ignoreCase ? characters.map(lowerCase) : characters;
}

function isAscii(name: Bytes): boolean {
  for (const byte of name) if (byte >= 0x80) return false;
  return true;
}

function decoded(name: Bytes): number[] {
  return Array.from(pathTextOf(name), (character) => character.codePointAt(0)!);
}

function lowerCase(character: number): number {
  return inCase(character, (text) => text.toLowerCase());
}

function upperCase(character: number): number {
  return inCase(character, (text) => text.toUpperCase());
}

function inCase(character: number, change: (text: string) => string): number {
  const [first, more] = change(String.fromCodePoint(character));
  return more === undefined && first !== undefined ? first.codePointAt(0)! : character;
}

/** The pattern of one name. */
export class Glob {
  readonly #tokens: readonly Token[];
  readonly #ignoreCase: boolean;

  /** Throws `invalid-argument` for a pattern that does not parse. */
  constructor(pattern: string, ignoreCase = false) {
    this.#ignoreCase = ignoreCase;
    const tokens = new Parser(pattern).tokens();
    this.#tokens = tokens.map((token) =>
      ignoreCase && typeof token === "number" ? lowerCase(token) : token,
    );
  }

  /** `name` as `charactersOf` gives it, with the same answer to whether case counts. */
  matches(name: readonly number[]): boolean {
    const tokens = this.#tokens;
    let token = 0;
    let at = 0;
    // Only the last star has to be tried again: what stands before it has its match already.
    let star = -1;
    let starAt = 0;
    while (at < name.length) {
      if (token < tokens.length && tokens[token] === STAR) {
        star = token++;
        starAt = at;
      } else if (token < tokens.length && this.#fits(tokens[token]!, name[at]!)) {
        token++;
        at++;
      } else {
        if (star < 0) return false;
        token = star + 1;
        at = ++starAt;
      }
    }
    while (tokens[token] === STAR) token++;
    return token === tokens.length;
  }

  #fits(token: Token, character: number): boolean {
    if (typeof token === "number") return token === character;
    if (token === ANY) return true;
    if (token === STAR) return false;
    const isIn = (wanted: number) =>
      token.ranges.some(([first, last]) => wanted >= first && wanted <= last);
    const found = isIn(character) || (this.#ignoreCase && isIn(upperCase(character)));
    return found !== token.negated;
  }
}

// Reads one name's pattern from left to right.
class Parser {
  readonly #pattern: string;
  readonly #characters: readonly string[];
  #at = 0;
  /** What stands for itself, as bytes, so that escaped bytes can make up a character. */
  #literal: Bytes[] = [];

  constructor(pattern: string) {
    this.#pattern = pattern;
    this.#characters = Array.from(pattern);
  }

  tokens(): Token[] {
    const tokens: Token[] = [];
    const settle = (): void => {
      for (const character of charactersOf(concatBytes(...this.#literal))) tokens.push(character);
      this.#literal = [];
    };
    while (this.#at < this.#characters.length) {
      const character = this.#characters[this.#at++]!;
      if (character !== "*" && character !== "?" && character !== "[") {
        this.#literal.push(character === "\\" ? this.#escaped() : utf8(character));
        continue;
      }
      settle();
      if (character === "[") tokens.push(this.#ranges());
      else if (character === "?") tokens.push(ANY);
      else if (tokens.at(-1) !== STAR) tokens.push(STAR);
    }
    settle();
    return tokens;
  }

  #ranges(): Ranges {
    const negated = ["!", "^"].includes(this.#characters[this.#at] ?? "");
    if (negated) this.#at++;
    const ranges: [number, number][] = [];
    for (let isFirst = true; ; isFirst = false) {
      if (this.#characters[this.#at] === "]" && !isFirst) break;
      const first = this.#member();
      const isRange = this.#characters[this.#at] === "-" && this.#characters[this.#at + 1] !== "]";
      if (isRange) this.#at++;
      const last = isRange ? this.#member() : first;
      if (last < first) throw this.#refusal("a range ends before it begins");
      ranges.push([first, last]);
    }
    this.#at++;
    return { negated, ranges };
  }

  #member(): number {
    const character = this.#characters[this.#at++];
    if (character === undefined) throw this.#refusal("[ has no ]");
    if (character === "[" && this.#characters[this.#at] === ":") {
      throw this.#refusal("[: is not known, write the characters");
    }
    const [member, more] = charactersOf(character === "\\" ? this.#escaped() : utf8(character));
    if (member === undefined || more !== undefined) throw this.#refusal("\\ has nothing behind it");
    return member;
  }

  #escaped(): Bytes {
    const rest = this.#characters.slice(this.#at, this.#at + 12).join("");
    const byte = /^x([0-9a-fA-F]{2})/.exec(rest);
    const point = /^u\{([0-9a-fA-F]{1,6})\}/.exec(rest);
    const [character] = rest;
    if (character === undefined) throw this.#refusal("\\ has nothing behind it");
    if (byte !== null) {
      this.#at += byte[0].length;
      return Uint8Array.of(Number.parseInt(byte[1]!, 16));
    }
    if (point !== null && Number.parseInt(point[1]!, 16) <= 0x10ffff) {
      this.#at += point[0].length;
      return utf8(String.fromCodePoint(Number.parseInt(point[1]!, 16)));
    }
    this.#at += 1;
    return utf8(Array.from(rest)[0]!);
  }

  #refusal(why: string): BunkerError {
    return new BunkerError("invalid-argument", `pattern ${this.#pattern}: ${why}`);
  }
}
