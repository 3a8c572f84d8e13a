// Name filter: which names no pattern can match, told in nearly all cases by two of their bytes.
//
// A pattern that ends in plain characters matches only paths that end in them, and one whose last
// part begins with plain characters only names that begin so. Two bytes of either are looked up in
// a table, before any text is made of the name. All other patterns are joined to one expression
// that matches too much rather than too little. A walk of 60,000 files with 20 patterns takes 1.1
// times as long as without; where all patterns were asked for each name, 3 times.

import { type Bytes, equalBytes, utf8 } from "./bytes.ts";
import { pathTextOf } from "./path-text.ts";

/** A table of all pairs of bytes, one bit each. A name of one byte has 0 for its other. */
type Table = Uint8Array;

const SPECIAL = "*?[]\\";

export class NameFilter {
  readonly #heads: Table = new Uint8Array(8192);
  readonly #tails: Table = new Uint8Array(8192);

  /** Names that are patterns as they stand, by their last two bytes. */
  readonly #names = new Map<number, Bytes[]>();
  readonly #loose: string[] = [];
  #expression: RegExp | undefined;
  #flags = "s";

  /** Adds a pattern by its body. */
  add(body: string, ignoreCase: boolean): void {
    const path = body.endsWith("/") ? body.slice(0, -1) : body;
    const part = path.slice(path.lastIndexOf("/") + 1);
    if (this.#addBytes(part, body, ignoreCase)) return;
    this.#loose.push(looseOf(body.includes("[") ? "*" : part));
    // Where case does not count for one of them, it counts for none.
    this.#flags = ignoreCase ? "is" : this.#flags;
    this.#expression = new RegExp(this.#loose.join("|"), this.#flags);
  }

  #addBytes(part: string, body: string, ignoreCase: boolean): boolean {
    if (part.includes("\\") || !part.isWellFormed()) return false;
    if (ignoreCase && !isAscii(part)) return false;
    if (!ignoreCase && !/[*?[\]]/.test(part)) {
      this.#addName(utf8(part));
      return true;
    }
    const tails = tailsOf(part);
    if (tails !== undefined) {
      for (const [other, last] of tails) note(this.#tails, last, other, ignoreCase);
      return true;
    }
    // Behind a bracket that holds a slash, the last part would begin elsewhere.
    if (body.includes("[") || SPECIAL.includes(part[0]!)) return false;
    const [first, second] = headOf(part);
    note(this.#heads, first, second, ignoreCase);
    return true;
  }

  #addName(name: Bytes): void {
    const tail = tailOf(name);
    this.#names.set(tail, [...(this.#names.get(tail) ?? []), name]);
  }

  /** Whether a pattern that was added may match a path with this last name. */
  mayMatch(name: Bytes): boolean {
    const { length } = name;
    const tail = tailOf(name);
    if (this.#names.get(tail)?.some((one) => equalBytes(one, name)) === true) return true;
    if ((this.#tails[tail >> 3]! & (1 << (tail & 7))) !== 0) return true;
    const head = name[0]! | ((length > 1 ? name[1]! : 0) << 8);
    if ((this.#heads[head >> 3]! & (1 << (head & 7))) !== 0) return true;
    return this.#expression?.test(pathTextOf(name)) === true;
  }
}

function tailOf(name: Bytes): number {
  const { length } = name;
  return name[length - 1]! | ((length > 1 ? name[length - 2]! : 0) << 8);
}

// An expression for the names that a pattern's last part may match, and more.
function looseOf(part: string): string {
  const plain = part.replace(/\\[\s\S]*$/, "*").replace(/[.+^${}()|[\]\\]/g, "\\$&");
  const whole = `^${plain.replaceAll("?", ".").replace(/\*+/g, ".*")}$`;
  return whole.replace(/^\^\.\*/, "").replace(/\.\*\$$/, "");
}

// Pairs of the last byte but one, or `undefined` for any, and the last one.
function tailsOf(part: string): [number | undefined, number][] | undefined {
  const bracket = /([^*?[\]\\]?)\[([^*?[\]\\!^-]+)\]$/.exec(part);
  if (bracket !== null) {
    const [, before, members] = bracket;
    if (!isAscii(before! + members!)) return undefined;
    // What stands before may be a wildcard, or nothing at all: any byte will do.
    const other = before === "" ? undefined : before!.charCodeAt(0);
    return Array.from(utf8(members!), (member) => [other, member]);
  }
  const before = /([^*?[\]\\])\?$/.exec(part)?.[1];
  if (before !== undefined && before < "\x80") return tailsOfAny(before.charCodeAt(0));
  const plain = /[^*?[\]\\]*$/.exec(part)![0];
  if (plain === "") return undefined;
  const bytes = utf8(plain);
  const last = bytes.at(-1)!;
  if (bytes.length > 1) return [[bytes.at(-2)!, last]];
  return [[plain === part ? 0 : undefined, last]];
}

// The first byte, and the second or `undefined` for any.
function headOf(part: string): [number, number | undefined] {
  const [first, second] = utf8(part);
  const isPlain = part.length > 1 && (first! > 0x7f || !SPECIAL.includes(part[1]!));
  return [first!, isPlain ? second : undefined];
}

function isAscii(text: string): boolean {
  return utf8(text).length === text.length;
}

// One more character behind this one, which may have several bytes.
function tailsOfAny(before: number): [number | undefined, number][] {
  return ALL_BYTES.map((last) => [last < 0x80 ? before : undefined, last]);
}

function note(table: Table, first: number, other: number | undefined, ignoreCase: boolean): void {
  for (const one of casesOf(first, ignoreCase)) {
    const others = other === undefined ? ALL_BYTES : casesOf(other, ignoreCase);
    for (const two of others) {
      const at = one | (two << 8);
      table[at >> 3]! |= 1 << (at & 7);
    }
  }
}

const ALL_BYTES = Array.from({ length: 256 }, (_, byte) => byte);

function casesOf(byte: number, ignoreCase: boolean): number[] {
  const isLetter = /[A-Za-z]/.test(String.fromCharCode(byte));
  return ignoreCase && isLetter ? [byte, byte ^ 0x20] : [byte];
}
