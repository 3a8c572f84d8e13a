// Selection: which paths below a folder are meant, by patterns of what to include and what to leave.

import { type Bytes, concatBytes, utf8 } from "./bytes.ts";
import { Patterns } from "./patterns.ts";

/** A folder to `descend` into is not meant itself, but something below it may be. */
export type Verdict = "take" | "leave" | "descend";

const SLASH = utf8("/");

export class Selection {
  readonly #includes: Patterns | undefined;
  readonly #excludes: Patterns | undefined;

  /** Without a pattern to include, all is meant. Throws `invalid-argument`. */
  constructor(includes: readonly string[], excludes: readonly string[]) {
    this.#includes = includes.length === 0 ? undefined : new Patterns(includes);
    this.#excludes = excludes.length === 0 ? undefined : new Patterns(excludes);
  }

  /** Whether every path is meant. */
  get isAll(): boolean {
    return this.#includes === undefined && this.#excludes === undefined;
  }

  judge(path: readonly Bytes[], isFolder: boolean): Verdict {
    if (this.isAll || path.length === 0) return "take";
    const joined = concatBytes(...path.flatMap((part, i) => (i === 0 ? [part] : [SLASH, part])));
    if (this.#excludes?.excludes(joined, isFolder) === true) return "leave";
    if (this.#includes === undefined || this.#includes.excludes(joined, isFolder)) return "take";
    return isFolder ? "descend" : "leave";
  }
}
