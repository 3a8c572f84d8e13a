// Choice: what of the sources is backed up, by the patterns and rules that the user gave.
//
// Pure: it is told of names, and says what is left out. What is chosen in one folder is its scope,
// which grows from that of the folder above. Without patterns there are no scopes, and no text is
// made of any name. Patterns given with the command count before those of ignore files, and a
// deeper ignore file before an upper one, as git has it.

import { type Bytes, equalBytes, utf8 } from "../base/bytes.ts";
import { pathTextOf } from "../base/path-text.ts";
import type { Judgement, Patterns } from "../base/patterns.ts";

export interface ChoiceOptions {
  /** Relative to each source. */
  readonly patterns?: Patterns;
  /** Tells of whole paths which are left out; they are the caller's only for the call. */
  readonly exclude?: (path: Bytes, isFolder: boolean) => boolean;
  /** Whole paths of folders that are left out, whatever else is said. */
  readonly ownFolders?: readonly Bytes[];
  /** Whether folders may hold patterns of their own. */
  readonly ignoreFiles?: boolean;
  /** Leaves out what is in a folder with a CACHEDIR.TAG. */
  readonly caches?: boolean;
  /** Leaves out what is in a folder that holds one of these names. */
  readonly ifPresent?: readonly Bytes[];
  /** Leaves out larger files. */
  readonly fileBytesMax?: number;
  /** Leaves out what is in a folder of another file system than its source's. */
  readonly oneFileSystem?: boolean;
}

/** What is chosen in one folder. */
export interface Scope {
  /** The folder's path below the outermost scope, with a slash at its end, or empty. */
  readonly prefix: string;
  /** The patterns that ignore files hold, from the deepest one up. */
  readonly files: IgnoreFile | undefined;
}

interface IgnoreFile {
  readonly patterns: Patterns;
  /** Where in a path begins what the patterns are about. */
  readonly start: number;
  readonly above: IgnoreFile | undefined;
}

export class Choice {
  readonly options: ChoiceOptions;
  readonly #patterns: Patterns | undefined;
  readonly #ownNames: readonly Bytes[];

  constructor(options: ChoiceOptions) {
    this.options = options;
    this.#patterns = options.patterns?.isEmpty === false ? options.patterns : undefined;
    this.#ownNames = (options.ownFolders ?? []).map((path) => path.subarray(nameStart(path)));
  }

  /** The scope of a source. */
  top(): Scope | undefined {
    return this.#patterns === undefined ? undefined : { prefix: "", files: undefined };
  }

  /** The scope of a folder in another one. */
  below(scope: Scope | undefined, name: Bytes): Scope | undefined {
    if (scope === undefined) return undefined;
    return { prefix: `${scope.prefix}${pathTextOf(name)}/`, files: scope.files };
  }

  /** The scope of a folder that holds an ignore file. */
  withFile(scope: Scope | undefined, patterns: Patterns): Scope | undefined {
    if (patterns.isEmpty) return scope;
    const { prefix, files: above } = scope ?? { prefix: "", files: undefined };
    return { prefix, files: { patterns, start: prefix.length, above } };
  }

  /** Whether patterns leave out a name in a folder. */
  leavesOut(scope: Scope | undefined, name: Bytes, isFolder: boolean): boolean {
    if (scope === undefined) return false;
    return this.#judge(scope, name, isFolder) === "excluded";
  }

  /** Whether a folder is one that is always left out; `pathOf` is asked only where its name is. */
  isOwn(name: Bytes, pathOf: () => Bytes): boolean {
    if (!this.#ownNames.some((own) => equalBytes(own, name))) return false;
    const path = pathOf();
    return this.options.ownFolders?.some((own) => equalBytes(own, path)) === true;
  }

  #judge(scope: Scope, name: Bytes, isFolder: boolean): Judgement {
    let text: string | undefined;
    if (this.#patterns?.mayMatch(name) === true) {
      text = scope.prefix + pathTextOf(name);
      const judgement = this.#patterns.judge(text, isFolder);
      if (judgement !== undefined) return judgement;
    }
    for (let file = scope.files; file !== undefined; file = file.above) {
      if (!file.patterns.mayMatch(name)) continue;
      text ??= scope.prefix + pathTextOf(name);
      const judgement = file.patterns.judge(text.slice(file.start), isFolder);
      if (judgement !== undefined) return judgement;
    }
    return undefined;
  }
}

/** The name of a folder's own patterns. */
export const IGNORE_FILE = utf8(".bunkerignore");

function nameStart(path: Bytes): number {
  return path.lastIndexOf(0x2f) + 1;
}
