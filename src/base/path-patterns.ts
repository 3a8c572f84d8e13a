// Path patterns: globs over whole paths, followed down a tree one name at a time.
//
// A pattern without a slash is one of names; one with a slash in it is one of the ends of paths;
// one that begins with a slash is one of whole paths. A slash at the end means folders only. Where
// a folder is entered, what can still match in it is known: nothing left, and it need not be read.

import type { Bytes } from "./bytes.ts";
import { BunkerError } from "./errors.ts";
import { charactersOf, Glob } from "./glob.ts";

/** Any number of folders. */
const ANY_FOLDERS = "**";

interface PathPattern {
  readonly parts: readonly (Glob | typeof ANY_FOLDERS)[];
  readonly foldersOnly: boolean;
}

/** How far each pattern has come on the way to a folder. */
export interface PatternState {
  /** For each pattern the parts that may come next, ascending. */
  readonly next: readonly (readonly number[])[];
  /** Equal for equal states. */
  readonly key: string;
  /** False where nothing below can match. */
  readonly isAlive: boolean;
}

export interface Step {
  readonly isMatch: boolean;
  /** For what is in it, if it is a folder. */
  readonly state: PatternState;
}

export class PathPatterns {
  readonly #patterns: readonly PathPattern[];
  readonly #ignoreCase: boolean;

  /** Throws `invalid-argument` for a pattern that does not parse. */
  constructor(patterns: readonly string[], options: { readonly ignoreCase?: boolean } = {}) {
    this.#ignoreCase = options.ignoreCase ?? false;
    this.#patterns = patterns.map((pattern) => parse(pattern, this.#ignoreCase));
  }

  /** At the top of a tree that also goes by the path of these names. */
  start(path: readonly Bytes[] = []): PatternState {
    const tops = this.#patterns.map((pattern) => reach(pattern, [0]));
    let state = stateOf(tops);
    for (const name of path) state = this.step(state, name, true).state;
    return stateOf(tops.map((top, i) => [...new Set([...top, ...state.next[i]!])].sort(ascending)));
  }

  step(state: PatternState, name: Bytes, isFolder: boolean): Step {
    const characters = charactersOf(name, this.#ignoreCase);
    let isMatch = false;
    const next = this.#patterns.map((pattern, i) => {
      const { parts, foldersOnly } = pattern;
      const reached: number[] = [];
      for (const at of state.next[i]!) {
        const part = parts[at]!;
        const isAnyFolders = part === ANY_FOLDERS;
        if (!isAnyFolders && !part.matches(characters)) continue;
        if (at === parts.length - 1) isMatch ||= isFolder || !foldersOnly;
        if (isAnyFolders) reached.push(at);
        else if (at < parts.length - 1) reached.push(at + 1);
      }
      return reach(pattern, reached);
    });
    return { isMatch, state: stateOf(next) };
  }
}

function parse(text: string, ignoreCase: boolean): PathPattern {
  const names = text.split("/").filter((name) => name !== "" && name !== ".");
  if (names.length === 0) {
    throw new BunkerError("invalid-argument", `pattern ${text || "''"}: expected a name or a path`);
  }
  const parts = names.map((name) =>
    name === ANY_FOLDERS ? ANY_FOLDERS : new Glob(name, ignoreCase),
  );
  const isWhole = text.startsWith("/") || parts[0] === ANY_FOLDERS;
  return { parts: isWhole ? parts : [ANY_FOLDERS, ...parts], foldersOnly: text.endsWith("/") };
}

// With the parts that come next where "**" stands for no folder. As the last part it stands for
// what is in a folder, so for one name at least.
function reach({ parts }: PathPattern, from: readonly number[]): number[] {
  const reached = new Set<number>();
  for (const start of from) {
    reached.add(start);
    for (let at = start; parts[at] === ANY_FOLDERS && at < parts.length - 1;) reached.add(++at);
  }
  return [...reached].sort(ascending);
}

function stateOf(next: readonly (readonly number[])[]): PatternState {
  const key = next.map((parts) => parts.join()).join("|");
  return { next, key, isAlive: next.some((parts) => parts.length > 0) };
}

function ascending(a: number, b: number): number {
  return a - b;
}
