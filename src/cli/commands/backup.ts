// backup: makes a snapshot of files and folders.

import { textOf, utf8 } from "../../base/bytes.ts";
import { BunkerError } from "../../base/errors.ts";
import { hexId } from "../../base/ids.ts";
import { PACK_BYTES_TARGET } from "../../base/limits.ts";
import type { Monitor } from "../../base/monitor.ts";
import { backup, type BackupOptions, dryRun } from "../../jobs/backup.ts";
import { openFolderSource } from "../../source/folder.ts";
import type { EntryEvent, Source } from "../../source/source.ts";
import type { Store } from "../../store/store.ts";
import type { FileSystem } from "../../system/files.ts";
import { openFileSystem } from "../../system/open.ts";
import { nativePlatform } from "../../system/platform.ts";
import { reportBackup } from "../backup-report.ts";
import { CHOICE_OPTIONS, choiceOf, doubtsAbout, listedPaths } from "../choice.ts";
import { type CommandDefinition, OPEN_OPTIONS, type Words } from "../command.ts";
import { EXIT, type ExitStatus, locally } from "../exit.ts";
import { interruptedBackup } from "../interruption.ts";
import { ownFoldersIn, realFolders } from "../own-folders.ts";
import { ReadList } from "../read-list.ts";
import {
  breather,
  cachePathOf,
  coreModule,
  hostOf,
  laneCountOf,
  monitorOf,
  newCore,
  ownFoldersOf,
  withStore,
} from "../session.ts";
import { openStreamInput, STREAM_EXAMPLES, STREAM_OPTIONS, wantsStream } from "../stream-source.ts";
import type { Wiring } from "../wiring.ts";

/**
 * Of zstd: of 100 MiB of text, 1 makes 27.0 MiB in 0.33 s, 2 25.5 in 0.38 and 3 24.0 in 0.59; of
 * 441 MB of files from 64 KiB to 1 MiB, 190, 184 and 180 MB in 1.26, 1.81 and 2.05 s.
 */
const LEVELS = { fast: 1, thrifty: 3 };

/** What makes no sense of a stream. */
const FOLDER_OPTIONS = [
  ...Object.keys(CHOICE_OPTIONS),
  "force",
  "ignore-ctime",
  "ignore-inode",
  "skip-if-unchanged",
  "dry-run",
  "list",
];

export const backupCommand: CommandDefinition = {
  name: "backup",
  description: "Back up: make a snapshot of files and folders. Unchanged files are not read again.",
  words: "SOURCE… | --files-from FILE | --stdin | --command -- PROGRAM…",
  wordCount: [0, Number.POSITIVE_INFINITY],
  options: {
    ...OPEN_OPTIONS,
    tag: {
      type: "string",
      multiple: true,
      valueHint: "TAG",
      description: "A word to find the snapshot by",
    },
    description: { type: "string", valueHint: "TEXT", description: "A remark for people" },
    host: {
      type: "string",
      valueHint: "NAME",
      description: "The machine that it is said to be of (default: this one)",
    },
    ...CHOICE_OPTIONS,
    "dry-run": {
      type: "boolean",
      description: "Say what would be read, and how much of it is new; store nothing",
    },
    list: {
      type: "boolean",
      description: "Name each file that is read, because it is new or has changed",
    },
    force: {
      type: "boolean",
      description: "Read every file again, also those that seem unchanged",
    },
    "ignore-ctime": {
      type: "boolean",
      description: "Take a file for unchanged also if its ctime is another",
    },
    "ignore-inode": {
      type: "boolean",
      description: "Take a file for unchanged also if its inode is another",
    },
    "skip-if-unchanged": {
      type: "boolean",
      description: "Make no snapshot where it would be the same as the last one",
    },
    ...STREAM_OPTIONS,
    lanes: {
      type: "string",
      valueHint: "N",
      description: "Cores to work on, 1 to 64 (default: all, up to 5; for a bucket 3)",
    },
  },
  examples: [
    "bunker backup ~/documents ~/pictures --tag home",
    "bunker backup / --one-file-system --exclude /proc --exclude node_modules --exclude '*.tmp'",
    "bunker backup ~ --exclude-caches --exclude-larger-than 4GiB --dry-run --list",
    "find /srv -newer mark -print0 | bunker backup --files-from0 -",
    ...STREAM_EXAMPLES,
  ],
  async run(wiring, words) {
    const options = optionsOf(words);
    const laneCount = laneCountOf(wiring, words);
    const monitor = monitorOf(wiring);
    const files = openFileSystem();
    const input = await inputOf(wiring, words, { files, monitor });
    for (const limit of input.source.limits) monitor.notice(limit);
    wiring.interruption.endInOrder();
    const isDry = words.flag("dry-run");
    const json = words.flag("json");
    const list = new ReadList(wiring.output, { shown: words.flag("list"), json });
    const breathe = breather(wiring.interruption);
    const work = async (store: Store): Promise<ExitStatus> => {
      try {
        const parts = {
          platform: nativePlatform,
          files,
          laneCore: newCore(),
          coreModule: coreModule(),
          spawn: wiring.interruption.stopping(wiring.spawnLane),
          laneCount,
          packBytes: PACK_BYTES_TARGET,
          levels: LEVELS,
          cachePath: cachePathOf(wiring, hexId(store.keys.storeId)),
          breathe: () => list.breathe(breathe),
        };
        const all = {
          ...options,
          onRead: (event: EntryEvent) => list.note(event),
          problemCount: () => monitor.problemCount,
        };
        const plan = { parts, options: all };
        const result = isDry
          ? await dryRun(store, input.source, plan, monitor)
          : await backup(store, input.source, plan, monitor);
        monitor.finish();
        await list.write();
        const problems = monitor.problemCount;
        const usage = store.storage.usage?.();
        await reportBackup(wiring.output, result, { json, list, problems, usage });
        return monitor.problemCount > 0 ? EXIT.incomplete : EXIT.done;
      } catch (error) {
        throw interruptedBackup(error);
      } finally {
        input.close();
        monitor.finish();
      }
    };
    return withStore(wiring, words, work, { isDry, isWriting: true, tellsUsage: true });
  },
};

function optionsOf(words: Words): BackupOptions {
  const tags = words.texts("tag");
  if (tags.includes("")) throw new BunkerError("invalid-argument", "a tag is not empty");
  const [force, ignoreCtime, ignoreInode] = ["force", "ignore-ctime", "ignore-inode"].map((name) =>
    words.flag(name),
  );
  if (force === true && (ignoreCtime === true || ignoreInode === true)) {
    const other = ignoreCtime === true ? "ignore-ctime" : "ignore-inode";
    throw new BunkerError(
      "invalid-argument",
      `--force reads every file, and --${other} fewer: expected one of them, found both`,
    );
  }
  const description = words.text("description");
  return {
    ...hostOf(words),
    tags,
    force: force === true,
    ignoreCtime: ignoreCtime === true,
    ignoreInode: ignoreInode === true,
    skipIfUnchanged: words.flag("skip-if-unchanged"),
    ...(description === undefined ? {} : { description }),
  };
}

interface Input {
  readonly source: Source;
  close(): void;
}

/** What is backed up: sources and lists of them, or a stream. */
async function inputOf(
  wiring: Wiring,
  words: Words,
  heard: { readonly files: FileSystem; readonly monitor: Monitor },
): Promise<Input> {
  const { monitor } = heard;
  if (wantsStream(words)) {
    const stream = openStreamInput(wiring, words, { monitor, others: FOLDER_OPTIONS });
    return { source: stream.source, close: () => stream[Symbol.dispose]() };
  }
  const choice = choiceOf(words);
  const sources = words.positionals;
  const list = await listedPaths(words);
  if (sources.length === 0 && list === undefined) throw noSource();
  const folders = ownFoldersOf(wiring, words);
  const own = new Set(ownFoldersIn(sources, folders));
  for (const doubt of doubtsAbout(words, sources)) monitor.notice(doubt);
  const source = locally(() =>
    openFolderSource(sources, {
      ...heard,
      choice: { ...choice, ownFolders: [...own].map(utf8) },
      apart: {
        folders: realFolders(folders).map(utf8),
        onFound: (path) => own.add(textOf(path)),
      },
      ...(list === undefined ? {} : { listed: list }),
    }),
  );
  for (const folder of own) monitor.notice(`${folder} is bunker's own: it is left out`);
  return { source, close: () => undefined };
}

function noSource(): BunkerError {
  return new BunkerError("invalid-argument", "expected SOURCE…, found nothing", {
    hint: "see: bunker backup --help",
  });
}
