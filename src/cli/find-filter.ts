// Find filter: which of the names that match are wanted, by what the options say.

import type { EntryType, Time } from "../base/entry.ts";
import { BunkerError } from "../base/errors.ts";
import type { Node } from "../store/paths.ts";
import type { OptionDefinition, Words } from "./command.ts";
import { parseMoment, parseSize } from "./measures.ts";

export const FILTER_OPTIONS = {
  type: {
    type: "string",
    multiple: true,
    valueHint: "TYPE",
    description: "f file, d folder, l link, p pipe, s socket, c or b device",
  },
  larger: {
    type: "string",
    valueHint: "SIZE",
    description: "Only files of more than 500, 10k, 1G",
  },
  smaller: { type: "string", valueHint: "SIZE", description: "Only files of less" },
  newer: {
    type: "string",
    valueHint: "TIME",
    description: "Only what changed after 2026-03-04, 2026-03-04T05:06:07, or 7d ago",
  },
  older: { type: "string", valueHint: "TIME", description: "Only what changed before" },
} as const satisfies Record<string, OptionDefinition>;

const TYPE_OF_LETTER: Readonly<Record<string, EntryType>> = {
  f: "file",
  d: "folder",
  l: "link",
  p: "fifo",
  s: "socket",
  c: "char",
  b: "block",
  o: "object",
};

type Test = (node: Node) => boolean;

/** Tells whether any option asks for less than all. */
export function isFiltered(words: Words): boolean {
  return (
    words.texts("type").length > 0 ||
    ["larger", "smaller", "newer", "older"].some((name) => words.text(name) !== undefined)
  );
}

/** All that the options ask for, at once. Throws `invalid-argument`. */
export function filterOf(words: Words, nowMs: number): Test {
  const tests = [
    ...typeTest(words.texts("type")),
    ...sizeTest(words, "larger", (size, bound) => size > bound),
    ...sizeTest(words, "smaller", (size, bound) => size < bound),
    ...timeTest(words, nowMs, { name: "newer", wanted: 1 }),
    ...timeTest(words, nowMs, { name: "older", wanted: -1 }),
  ];
  return (node) => tests.every((test) => test(node));
}

function typeTest(given: readonly string[]): Test[] {
  if (given.length === 0) return [];
  const wanted = new Set(given.flatMap((text) => text.split(",")).map(typeOf));
  return [(node) => wanted.has(node.kind === "way" ? "folder" : node.entry.type)];
}

function typeOf(text: string): EntryType {
  const type = Object.values(TYPE_OF_LETTER).find((name) => name === text) ?? TYPE_OF_LETTER[text];
  if (type !== undefined) return type;
  const letters = Object.keys(TYPE_OF_LETTER).join(", ");
  throw new BunkerError("invalid-argument", `--type: expected one of ${letters}, found ${text}`);
}

// Only files have a size that anybody means.
function sizeTest(
  words: Words,
  name: string,
  holds: (size: number, bound: number) => boolean,
): Test[] {
  const text = words.text(name);
  if (text === undefined) return [];
  const bound = parseSize(text, `--${name}`);
  return [
    (node) =>
      node.kind === "entry" &&
      (node.entry.type === "file" || node.entry.type === "object") &&
      holds(node.entry.size, bound),
  ];
}

function timeTest(
  words: Words,
  nowMs: number,
  { name, wanted }: { readonly name: string; readonly wanted: number },
): Test[] {
  const text = words.text(name);
  if (text === undefined) return [];
  const bound = parseMoment(text, `--${name}`, nowMs);
  return [
    (node) =>
      node.kind === "entry" && Math.sign(compareTimes(node.entry.modified, bound)) === wanted,
  ];
}

function compareTimes(a: Time, b: Time): number {
  return a.seconds - b.seconds || a.nanoseconds - b.nanoseconds;
}
