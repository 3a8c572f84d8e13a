// Restore options: what `restore` into a folder was asked for, and what contradicts itself.

import { BunkerError } from "../base/errors.ts";
import { Selection } from "../base/selection.ts";
import { type Overwrite, OVERWRITES } from "../jobs/restore-choice.ts";
import type { OptionDefinition, Words } from "./command.ts";

/** Those that an archive has no use for. */
export const FOLDER_OPTIONS = {
  "overwrite-how": {
    type: "string",
    valueHint: "HOW",
    description: "The same as --overwrite=HOW: always, if-changed, if-newer or never",
  },
  "in-place": {
    type: "boolean",
    description: "With --overwrite: change large files where they are, not crash-safe",
  },
  delete: {
    type: "boolean",
    description: "With --overwrite: remove what the snapshot has not from its folders",
  },
  include: {
    type: "string",
    multiple: true,
    valueHint: "PATTERN",
    description: "Only what matches, as in .gitignore, seen from TARGET",
  },
  exclude: {
    type: "string",
    multiple: true,
    valueHint: "PATTERN",
    description: "Not what matches; it is not deleted either",
  },
  "numeric-ids": {
    type: "boolean",
    description: "Owners by their numbers, not by their names",
  },
  verify: { type: "boolean", description: "Then read all of it back and compare it" },
  "dry-run": {
    type: "boolean",
    description: "Say what would be made, replaced and deleted, and change nothing",
  },
  lanes: {
    type: "string",
    valueHint: "N",
    description: "Work on so many cores, 1 to 64 (default: all, up to 8)",
  },
} as const satisfies Record<string, OptionDefinition>;

export const OVERWRITE_OPTION = {
  overwrite: {
    type: "boolean",
    description: "Also into a folder that is not empty; the same as --overwrite=always",
  },
} as const satisfies Record<string, OptionDefinition>;

/** Puts `--overwrite=HOW` into the form that the options describe. */
export function rewriteOverwrite(argument: string): string {
  return argument.replace(/^--overwrite=/, "--overwrite-how=");
}

export interface RestoreWish {
  readonly target: string;
  /** Absent where the target must be empty. */
  readonly overwrite: Overwrite | undefined;
  readonly isInPlace: boolean;
  readonly isDeleting: boolean;
  readonly isDry: boolean;
  readonly isVerified: boolean;
  readonly isJson: boolean;
  readonly numericIds: boolean;
  readonly selection: Selection;
}

/** Throws `invalid-argument`. */
export function wishOf(words: Words): RestoreWish {
  const target = words.text("to");
  if (target === undefined || target === "") {
    throw wrong("where to restore to is not said", "give --to TARGET");
  }
  const wish: RestoreWish = {
    target,
    overwrite: overwriteOf(words),
    isInPlace: words.flag("in-place"),
    isDeleting: words.flag("delete"),
    isDry: words.flag("dry-run"),
    isVerified: words.flag("verify"),
    isJson: words.flag("json"),
    numericIds: words.flag("numeric-ids"),
    selection: new Selection(words.texts("include"), words.texts("exclude")),
  };
  checkWish(wish);
  return wish;
}

function overwriteOf(words: Words): Overwrite | undefined {
  const how = words.text("overwrite-how");
  const misplaced = OVERWRITES.find((known) => words.positionals.includes(known));
  if (misplaced !== undefined && words.flag("overwrite")) {
    throw wrong(`--overwrite ${misplaced}: expected =`, `give --overwrite=${misplaced}`);
  }
  if (how === undefined) return words.flag("overwrite") ? "always" : undefined;
  const found = OVERWRITES.find((known) => known === how);
  if (found === undefined) {
    throw wrong(`--overwrite=${how}: expected always, if-changed, if-newer or never`);
  }
  return found;
}

function checkWish({ overwrite, isDeleting, isInPlace, isVerified, isDry }: RestoreWish): void {
  if (isDeleting && overwrite === undefined) {
    throw wrong("--delete: expected --overwrite with it", "an empty folder has nothing to delete");
  }
  if (isInPlace && overwrite !== "always" && overwrite !== "if-changed") {
    const hint = "give --overwrite or --overwrite=if-changed";
    throw wrong("--in-place: expected files that may be changed", hint);
  }
  if (isVerified && isDry) throw wrong("--verify: with --dry-run there is nothing to read back");
  if (isVerified && overwrite === "never") {
    throw wrong("--verify: what --overwrite=never leaves is not the snapshot's");
  }
}

function wrong(message: string, hint?: string): BunkerError {
  return new BunkerError("invalid-argument", message, hint === undefined ? {} : { hint });
}
