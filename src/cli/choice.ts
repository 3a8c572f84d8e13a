// Choice: what of the sources is backed up, from the words of the command line.
//
// All that can be wrong with them is found here, before anything is opened: status 2.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { type Bytes, utf8 } from "../base/bytes.ts";
import { BunkerError, messageOf } from "../base/errors.ts";
import { faultOf, parsePattern } from "../base/pattern.ts";
import { type PatternLine, patternLinesOf, Patterns } from "../base/patterns.ts";
import type { ChoiceOptions } from "../source/choice.ts";
import type { OptionDefinition, Words } from "./command.ts";
import { parseSize } from "./measures.ts";

const PATTERN_OPTIONS = ["exclude", "iexclude", "exclude-file", "include"];
const LIST_OPTIONS = ["files-from", "files-from0"];
const STDIN = "-";

export const CHOICE_OPTIONS = {
  exclude: {
    type: "string",
    multiple: true,
    valueHint: "PATTERN",
    description: "Leave out, as .gitignore has it: NAME, '*.tmp', /a/b",
  },
  iexclude: {
    type: "string",
    multiple: true,
    valueHint: "PATTERN",
    description: "The same, upper and lower case alike",
  },
  "exclude-file": {
    type: "string",
    multiple: true,
    valueHint: "FILE",
    description: "Leave out by the patterns in FILE, one a line",
  },
  include: {
    type: "string",
    multiple: true,
    valueHint: "PATTERN",
    description: "Take in again what an --exclude before it left out",
  },
  "no-ignore-files": {
    type: "boolean",
    description: "Do not look for patterns in .bunkerignore files",
  },
  "exclude-caches": {
    type: "boolean",
    description: "Leave out what is in folders with a CACHEDIR.TAG",
  },
  "exclude-if-present": {
    type: "string",
    multiple: true,
    valueHint: "NAME",
    description: "Leave out what is in folders that hold NAME, but NAME",
  },
  "exclude-larger-than": {
    type: "string",
    valueHint: "SIZE",
    description: "Leave out larger files: 500k, 10M, 1GiB",
  },
  "one-file-system": {
    type: "boolean",
    description: "Leave out what is mounted in a source: the folder is kept, empty",
  },
  "files-from": {
    type: "string",
    multiple: true,
    valueHint: "FILE",
    description: "Back up the paths in FILE, one a line (- is stdin)",
  },
  "files-from0": {
    type: "string",
    multiple: true,
    valueHint: "FILE",
    description: "The same, each path ended by a NUL",
  },
} as const satisfies Record<string, OptionDefinition>;

/** What the words choose, but for the folders that are Bunker's own. */
export function choiceOf(words: Words): ChoiceOptions {
  const patterns = patternsOf(words);
  const larger = words.text("exclude-larger-than");
  const fileBytesMax =
    larger === undefined ? undefined : parseSize(larger, "--exclude-larger-than");
  return {
    ignoreFiles: !words.flag("no-ignore-files"),
    caches: words.flag("exclude-caches"),
    ifPresent: words.texts("exclude-if-present").map(tagName),
    oneFileSystem: words.flag("one-file-system"),
    ...(patterns === undefined ? {} : { patterns }),
    ...(fileBytesMax === undefined ? {} : { fileBytesMax }),
  };
}

/** Patterns that seem to be whole paths and are not, for people. */
export function doubtsAbout(words: Words, sources: readonly string[]): string[] {
  return words.inOrder(["exclude", "iexclude"]).flatMap(({ name, value }) => {
    const source = sources.map((path) => resolve(path)).find((path) => isBelow(value, path));
    if (source === undefined) return [];
    const meant = value.slice(source.length);
    return [`--${name} ${value} is a path below ${source}, not a whole one; meant may be ${meant}`];
  });
}

function isBelow(pattern: string, path: string): boolean {
  return path.length > 1 && pattern.startsWith(`${path}/`) && pattern.length > path.length + 1;
}

/** The paths in the lists that the words name; `undefined` where they name none. */
export async function listedPaths(words: Words): Promise<Iterable<Bytes> | undefined> {
  const lists = words.inOrder(LIST_OPTIONS);
  if (lists.length === 0) return undefined;
  if (lists.filter(({ value }) => value === STDIN).length > 1) {
    throw new BunkerError("invalid-argument", "stdin is named twice: it holds one list");
  }
  const read: List[] = [];
  for (const { name, value } of lists) {
    const separator = name === "files-from0" ? 0 : LINE_END;
    read.push({ bytes: await contentOf(name, value), separator });
  }
  return { [Symbol.iterator]: () => pathsIn(read) };
}

interface List {
  readonly bytes: Bytes;
  readonly separator: number;
}

const LINE_END = 0x0a;

// Made while they are asked for: a million of them would take more than the lists.
function* pathsIn(lists: readonly List[]): Generator<Bytes> {
  for (const { bytes, separator } of lists) {
    for (let start = 0; start < bytes.length;) {
      const found = bytes.indexOf(separator, start);
      const end = found < 0 ? bytes.length : found;
      if (end > start) yield bytes.subarray(start, end);
      start = end + 1;
    }
  }
}

function patternsOf(words: Words): Patterns | undefined {
  const given = words.inOrder(PATTERN_OPTIONS);
  if (given[0]?.name === "include") {
    throw new BunkerError(
      "invalid-argument",
      `--include ${given[0].value}: expected what it takes in again to be left out before it`,
      { hint: "of several patterns the last counts: --exclude '*.log' --include important.log" },
    );
  }
  const lines = given.flatMap(({ name, value }): PatternLine[] => {
    if (name === "exclude-file") return linesOf(value);
    const text = name === "include" ? `!${value}` : value;
    checkPattern(text, `--${name} ${value || "''"}`);
    return [{ text, ignoreCase: name === "iexclude" }];
  });
  return lines.length === 0 ? undefined : new Patterns(lines);
}

function checkPattern(text: string, what: string): void {
  const pattern = parsePattern(text);
  const fault = pattern === undefined ? "it says nothing" : faultOf(pattern);
  if (fault === undefined) return;
  throw new BunkerError("invalid-argument", `${what}: expected a pattern, but ${fault}`, {
    hint: "patterns are those of .gitignore; a \\ before a mark takes its meaning away",
  });
}

function linesOf(path: string): PatternLine[] {
  const lines = patternLinesOf(fileContent("exclude-file", path));
  return lines.flatMap((text, index) => {
    if (parsePattern(text) === undefined) return [];
    checkPattern(text, `--exclude-file ${path}, line ${index + 1}: ${text}`);
    return [{ text, ignoreCase: false }];
  });
}

function tagName(name: string): Bytes {
  if (name !== "" && name !== "." && name !== ".." && !/[/\0]/.test(name)) return utf8(name);
  throw new BunkerError(
    "invalid-argument",
    `--exclude-if-present: expected the name of a file, found ${name || "nothing"}`,
  );
}

async function contentOf(option: string, path: string): Promise<Bytes> {
  return path === STDIN ? Bun.stdin.bytes() : fileContent(option, path);
}

function fileContent(option: string, path: string): Bytes {
  try {
    return readFileSync(path);
  } catch (error) {
    const message = `--${option} ${path}: expected a file that can be read: ${messageOf(error)}`;
    throw new BunkerError("invalid-argument", message, { cause: error });
  }
}
