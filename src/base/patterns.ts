// Patterns: what a list of .gitignore patterns says of a path: left out, taken in again, or nothing.
//
// The `ignore` library matches each pattern. It is asked by patterns that are all negative: those
// alone tell whether a path itself is matched, not a folder above it, which the caller knows. It
// remembers every path that it was asked for, and those above: so a pattern without a slash is asked
// by the last name only, and the library is begun anew from time to time.

import ignore, { type Ignore } from "ignore";
import { type Bytes, strictTextOf } from "./bytes.ts";
import { BunkerError } from "./errors.ts";
import { NameFilter } from "./name-filter.ts";
import { pathTextOf } from "./path-text.ts";
import { faultOf, type Pattern, parsePattern } from "./pattern.ts";

export interface PatternsOptions {
  /** Upper and lower case are the same. */
  readonly ignoreCase?: boolean;
  /** Is told of a pattern that could never match, which is passed over then. */
  readonly onFault?: (pattern: string, fault: string) => void;
}

/** A line that has its own say about upper and lower case. */
export interface PatternLine {
  readonly text: string;
  readonly ignoreCase: boolean;
}

export type Judgement = "excluded" | "included" | undefined;

/** What of a path a pattern looks at: its last name, or all of so many names, or of any number. */
type Reach = "name" | "path" | number;

interface Rule {
  readonly negative: boolean;
  readonly reach: Reach;
  readonly matcher: Matcher;
}

export class Patterns {
  readonly #rules: Rule[] = [];
  readonly #filter = new NameFilter();
  /** All patterns of one reach together: whether any of them matches. */
  readonly #groups = new Map<Reach, Matcher>();

  /**
   * Comments and empty lines are passed over; of what matches a path, the last counts. Throws
   * `invalid-argument` for a pattern that could never match, unless somebody is told of it.
   */
  constructor(lines: readonly (string | PatternLine)[], options: PatternsOptions = {}) {
    for (const line of lines) {
      const { text, ignoreCase } =
        typeof line === "string" ? { text: line, ignoreCase: options.ignoreCase === true } : line;
      const pattern = parsePattern(text);
      if (pattern === undefined) continue;
      const fault = faultOf(pattern);
      if (fault === undefined) this.#add(pattern, ignoreCase);
      else (options.onFault ?? refuse)(text, fault);
    }
  }

  get isEmpty(): boolean {
    return this.#rules.length === 0;
  }

  /** Whether anything can be said of a path with this last name: cheap, and a no is sure. */
  mayMatch(name: Bytes): boolean {
    return this.#filter.mayMatch(name);
  }

  /**
   * What the patterns say of the path itself, `text` being as `pathTextOf` makes it. Whether a
   * folder above it is left out is for the caller to know, who does not enter that folder.
   */
  judge(text: string, isFolder: boolean): Judgement {
    const asked = new Asked(text, isFolder);
    const isMatched = this.#groups
      .entries()
      .some(([reach, matcher]) => asked.isMatched(reach, matcher));
    if (!isMatched) return undefined;
    const rule = this.#rules.findLast(({ reach, matcher }) => asked.isMatched(reach, matcher));
    if (rule === undefined) return undefined;
    return rule.negative ? "included" : "excluded";
  }

  /**
   * Whether a path is left out, by itself or with a folder above it; relative, with slashes
   * between its names.
   */
  excludes(path: Bytes, isFolder: boolean): boolean {
    const text = pathTextOf(path);
    for (let slash = text.indexOf("/"); slash > 0; slash = text.indexOf("/", slash + 1)) {
      if (this.judge(text.slice(0, slash), true) === "excluded") return true;
    }
    return this.judge(text, isFolder) === "excluded";
  }

  #add({ negative, body }: Pattern, ignoreCase: boolean): void {
    const reach = reachOf(body);
    const group = this.#groups.get(reach) ?? new Matcher();
    this.#groups.set(reach, group.add(body, ignoreCase));
    this.#rules.push({ negative, reach, matcher: new Matcher().add(body, ignoreCase) });
    this.#filter.add(body, ignoreCase);
  }
}

function refuse(pattern: string, fault: string): never {
  throw new BunkerError("invalid-argument", `pattern ${pattern || "''"}: ${fault}`);
}

function reachOf(body: string): Reach {
  const path = body.replace(/\/$/, "").replace(/^\*\*\//, "");
  if (!path.includes("/") && !body.startsWith("/")) return "name";
  // A bracket may hold what looks like a slash or a "**".
  if (body.includes("**") || body.includes("[")) return "path";
  return path.replace(/^\//, "").split("/").length;
}

// A path, in the parts that patterns look at, each made when it is first needed.
class Asked {
  readonly #path: string;
  readonly #name: string;
  #depth: number | undefined;

  constructor(text: string, isFolder: boolean) {
    this.#path = isFolder ? `${text}/` : text;
    this.#name = this.#path.slice(text.lastIndexOf("/") + 1);
  }

  isMatched(reach: Reach, matcher: Matcher): boolean {
    if (reach === "name") return matcher.matches(this.#name);
    if (reach === "path") return matcher.matches(this.#path);
    return this.#depthOf() === reach && matcher.matches(this.#path);
  }

  #depthOf(): number {
    if (this.#depth !== undefined) return this.#depth;
    let depth = 1;
    const last = this.#path.length - 1;
    for (let at = 0; at < last; at++) if (this.#path.charCodeAt(at) === SLASH) depth++;
    return (this.#depth = depth);
  }
}

const SLASH = 0x2f;

/** The lines of a file of patterns; a byte that is no UTF-8 stands for itself. */
export function patternLinesOf(bytes: Bytes): string[] {
  const text = strictTextOf(bytes) ?? pathTextOf(bytes);
  return text.replace(/^\uFEFF/, "").split(/\r?\n/);
}

// Of a pattern with a slash in it, what comes before the first mark.
function beginningOf(body: string): string {
  if (!/\/./.test(body)) return "";
  return /^\/?([^*?[\\]*)/.exec(body)![1]!.replace(/\/$/, "");
}

const ASKED_MAX = 4096;

// Patterns without an order: matches what any of them does.
class Matcher {
  readonly #patterns: Ignore = ignore({ ignorecase: false });
  #asked: Ignore = this.#patterns;
  /** What the matched paths begin with; absent where that may be anything. */
  #beginnings: string[] | undefined = [];
  #askedCount = 0;

  add(body: string, ignoreCase: boolean): this {
    const beginning = ignoreCase ? "" : beginningOf(body);
    if (beginning === "") this.#beginnings = undefined;
    else this.#beginnings?.push(beginning);
    this.#patterns.add(ignore({ ignorecase: ignoreCase }).add([`!${body}`]));
    return this;
  }

  matches(path: string): boolean {
    const beginnings = this.#beginnings;
    if (beginnings?.some((beginning) => path.startsWith(beginning)) === false) return false;
    if (this.#askedCount++ % ASKED_MAX === 0) {
      this.#asked = ignore({ ignorecase: false }).add(this.#patterns);
    }
    return this.#asked.test(path).unignored;
  }
}
