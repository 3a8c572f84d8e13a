// diff: shows what differs between two snapshots, or between a snapshot and a folder.

import { resolve } from "node:path";
import { type Bytes, hexOf, textOf, utf8 } from "../../base/bytes.ts";
import { BunkerError, messageOf } from "../../base/errors.ts";
import type { Monitor } from "../../base/monitor.ts";
import { type Branch, storedBranch } from "../../jobs/branch.ts";
import { type Change, diff, type DiffOptions } from "../../jobs/diff.ts";
import { type Field, hasSameContent } from "../../jobs/diff-fields.ts";
import { diffWithFolder } from "../../jobs/diff-folder.ts";
import { SameContent } from "../../jobs/same-content.ts";
import type { ChoiceOptions } from "../../source/choice.ts";
import { openFolderSource } from "../../source/folder.ts";
import { BlobReader } from "../../store/blobs.ts";
import { requireOwner } from "../../store/keyring.ts";
import { findNode } from "../../store/paths.ts";
import { loadManifests } from "../../store/snapshots.ts";
import type { Store } from "../../store/store.ts";
import { openFileSystem } from "../../system/open.ts";
import { CHOICE_OPTIONS, choiceOf } from "../choice.ts";
import {
  type CommandDefinition,
  OPEN_OPTIONS,
  type OptionDefinition,
  type Words,
} from "../command.ts";
import { changeLine, DiffSummary, jsonOfChange } from "../diff-text.ts";
import { EXIT, locally } from "../exit.ts";
import { ownFoldersIn } from "../own-folders.ts";
import { breather, monitorOf, ownFoldersOf, withStore } from "../session.ts";
import { parseSnapshotWord, type SnapshotWord } from "../snapshot-word.ts";
import { WantedSnapshots } from "../wanted-snapshots.ts";
import type { Wiring } from "../wiring.ts";

/** What is compared: the second is a snapshot, or a folder of this machine. */
interface Sides {
  readonly before: SnapshotWord;
  readonly after: { readonly snapshot: SnapshotWord } | LiveFolder;
}

interface LiveFolder {
  readonly folder: string;
  /** What of it a backup would take in. */
  readonly choice: ChoiceOptions;
}

// Those of a backup that say what is left out of a folder.
const FOLDER_OPTIONS = Object.fromEntries(
  Object.entries<OptionDefinition>(CHOICE_OPTIONS).filter(
    ([name]) => !name.startsWith("files-from"),
  ),
);

interface Comparison {
  readonly wiring: Wiring;
  readonly words: Words;
  readonly store: Store;
  readonly reader: BlobReader;
  readonly monitor: Monitor;
  readonly common: Pick<DiffOptions, "ignored" | "onDamage" | "breathe">;
}

export const diffCommand: CommandDefinition = {
  name: "diff",
  description: [
    "Show what differs between two snapshots, or between a snapshot and a folder as it is now.",
    "",
    "+ was added, - removed; M has other content, U other metadata only, T is of another type.",
    "The second word is a folder where it begins with a slash or a dot; --with says so of any. In a",
    "folder, a file of the same size and time is taken for the same; one of another time is read,",
    "and with --content every one. What backup would leave out of it by the same options, or by",
    ".bunkerignore files, is left out here too. The status is 0 whether or not anything differs.",
  ].join("\n"),
  words: "SNAP[:PATH] [SNAP[:PATH] | FOLDER]",
  wordCount: [1, 2],
  options: {
    ...OPEN_OPTIONS,
    with: { type: "string", valueHint: "FOLDER", description: "Compare with this folder, or file" },
    content: {
      type: "boolean",
      description: "Read all files of the folder and compare every byte",
    },
    ...FOLDER_OPTIONS,
    "ignore-times": { type: "boolean", description: "Other times alone are no difference" },
    summary: { type: "boolean", description: "Show the sums alone" },
  },
  examples: [
    "bunker diff 5d41402abc latest",
    "bunker diff 5d41402abc:/letters latest:/letters --summary",
    "bunker diff latest ~/documents",
    "bunker diff latest --with documents --content --exclude node_modules",
  ],
  run(wiring, words) {
    const sides = sidesOf(words);
    const monitor = monitorOf(wiring);
    return withStore(wiring, words, async (store) => {
      requireOwner(store.keyring, "comparing snapshots");
      const reader = new BlobReader(store);
      const common = {
        ignored: new Set<Field>(words.flag("ignore-times") ? ["modified"] : []),
        onDamage: (path: Bytes, error: unknown) => noteDamage(store, path, error),
        breathe: breather(wiring.interruption),
      };
      try {
        const comparison = { wiring, words, store, reader, monitor, common };
        const summary = new DiffSummary();
        for await (const change of await changesOf(comparison, sides)) {
          summary.add(change);
          if (words.flag("summary")) continue;
          monitor.clear();
          if (words.flag("json")) await wiring.output.json(jsonOfChange(change));
          else await wiring.output.line(changeLine(change));
        }
        const isWhole = monitor.problemCount === 0 && store.findings.count === 0;
        if (words.flag("json")) await wiring.output.json({ summary: summary.json() });
        else for (const line of summary.lines(isWhole)) await wiring.output.line(line);
        return monitor.problemCount > 0 ? EXIT.incomplete : EXIT.done;
      } finally {
        monitor.finish();
      }
    });
  },
};

function sidesOf(words: Words): Sides {
  const [before = "", second] = words.positionals;
  const named = words.text("with");
  if ((second === undefined) === (named === undefined)) {
    const found = second === undefined ? "one" : `${second} and --with`;
    throw new BunkerError(
      "invalid-argument",
      `expected a second snapshot, or a folder, found ${found}`,
    );
  }
  const folder = named ?? (/^[./]/.test(second!) ? second : undefined);
  if (folder === undefined) refuseForSnapshots(words);
  const after =
    folder === undefined ? { snapshot: secondWord(second!) } : { folder, choice: choiceOf(words) };
  return { before: parseSnapshotWord(before), after };
}

function refuseForSnapshots(words: Words): void {
  const name = ["content", ...Object.keys(FOLDER_OPTIONS)].find((option) => words.isGiven(option));
  if (name === undefined) return;
  throw new BunkerError("invalid-argument", `--${name}: expected a folder, found two snapshots`, {
    hint:
      name === "content"
        ? "of snapshots, all content is compared anyway"
        : "compare a part of them: bunker diff SNAP:PATH SNAP:PATH",
  });
}

function secondWord(text: string): SnapshotWord {
  try {
    return parseSnapshotWord(text);
  } catch (error) {
    const hint = `a folder begins with / or ./, or is named by --with ${text}`;
    throw new BunkerError("invalid-argument", messageOf(error), { cause: error, hint });
  }
}

async function changesOf(of: Comparison, sides: Sides): Promise<AsyncIterable<Change>> {
  const wanted = new WantedSnapshots(of.wiring.messages, of.store, await loadManifests(of.store));
  const before = await branchOf(of, wanted, sides.before);
  if ("folder" in sides.after) return changesInFolder(of, before, sides.after);
  return diff(before, await branchOf(of, wanted, sides.after.snapshot), {
    ...of.common,
    sameContent: (entry, { node }) => hasSameContent(entry, node.entry),
  });
}

async function branchOf(
  { reader }: Comparison,
  wanted: WantedSnapshots,
  word: SnapshotWord,
): Promise<Branch> {
  const { snapshot } = await wanted.find(word);
  return storedBranch(reader, await findNode(reader, snapshot, word.path ?? new Uint8Array(0)));
}

function changesInFolder(
  of: Comparison,
  before: Branch,
  { folder, choice }: LiveFolder,
): AsyncIterable<Change> {
  const { wiring, words, store, reader, monitor, common } = of;
  const files = openFileSystem();
  // A backup leaves them out too.
  const own = new Set(
    ownFoldersIn([folder], ownFoldersOf(wiring, words)).map((path) => hexOf(utf8(path))),
  );
  const isOurs = (path: Bytes): boolean => own.size > 0 && own.has(hexOf(path));
  const exclude = (path: Bytes): boolean => isOurs(path) || isBeside(before, resolve(folder), path);
  const content = new SameContent({ store, reader, files, breathe: common.breathe });
  return diffWithFolder(before, {
    ...common,
    files,
    monitor,
    open: (heard) =>
      locally(() => openFolderSource([folder], { files, monitor: heard, choice, exclude })),
    content,
    readsAll: words.flag("content"),
  });
}

// A snapshot of several folders has the way to them alone: what lies beside it was never in it.
function isBeside({ node }: Branch, folder: string, path: Bytes): boolean {
  if (node.kind !== "way") return false;
  const root = utf8(folder.endsWith("/") ? folder : `${folder}/`);
  let at = node;
  for (let start = root.length; start <= path.length;) {
    const slash = path.indexOf(0x2f, start);
    const end = slash < 0 ? path.length : slash;
    const below = at.children.get(hexOf(path.subarray(start, end)));
    if (below?.kind !== "way") return below === undefined;
    at = below;
    start = end + 1;
  }
  return false;
}

function noteDamage(store: Store, path: Bytes, error: unknown): void {
  const subject = path.length === 0 ? "the top" : textOf(path);
  store.findings.add(subject, `this folder can't be read: ${messageOf(error)}`);
}
