// Archive: `restore --format tar|zip`, and `restore SNAP:PATH --to -`.

import type { Bytes } from "../base/bytes.ts";
import { BunkerError } from "../base/errors.ts";
import { Selection } from "../base/selection.ts";
import { release } from "../base/platform.ts";
import type { Usage } from "../base/usage.ts";
import { type Archive, type Sink, withHoles } from "../destination/archive.ts";
import { TarArchive } from "../destination/tar.ts";
import { ZipArchive } from "../destination/zip.ts";
import { type ArchiveCounts, ArchiveJob } from "../jobs/archive.ts";
import { readAhead } from "../jobs/read-ahead.ts";
import { BlobReader } from "../store/blobs.ts";
import { requireOwner } from "../store/keyring.ts";
import { findNode, type Node, topOf } from "../store/paths.ts";
import { loadManifests } from "../store/snapshots.ts";
import type { Store } from "../store/store.ts";
import { readContent } from "../store/trees.ts";
import { ArchiveFile } from "./archive-file.ts";
import type { OptionDefinition, Words } from "./command.ts";
import { EXIT, type ExitStatus } from "./exit.ts";
import { printableText } from "./names.ts";
import { formatBytes, formatCounted, formatElapsed } from "./progress.ts";
import { breather, monitorOf, ownFoldersOf, withStore } from "./session.ts";
import { parseSnapshotWord, type SnapshotWord } from "./snapshot-word.ts";
import { refuseSameNames, wayToStore } from "./target.ts";
import { usageFields } from "./usage-report.ts";
import { WantedSnapshots } from "./wanted-snapshots.ts";
import type { Wiring } from "./wiring.ts";

const STDOUT = "-";

/** Options of a restore into a folder that an archive has too. */
const CHOICES: readonly string[] = ["include", "exclude"];

const FORMATS: Readonly<Record<string, new (sink: Sink) => Archive>> = {
  tar: TarArchive,
  zip: ZipArchive,
};

export const ARCHIVE_OPTIONS = {
  format: {
    type: "string",
    valueHint: "tar|zip",
    description: "Write an archive: to the new file TARGET, or to stdout (--to -)",
  },
} as const satisfies Record<string, OptionDefinition>;

export const ARCHIVE_EXAMPLES = [
  "bunker restore latest:/letter.txt --to - | less",
  "bunker restore latest:/photos --format zip --to photos.zip",
  "bunker restore latest --format tar --to - | ssh host tar -x -C /new",
];

/** Whether the words ask for a stream in place of a folder. */
export function wantsArchive(words: Words): boolean {
  return words.isGiven("format") || words.text("to") === STDOUT;
}

/**
 * Writes an archive, or one file to stdout. `others` are the options that only a folder knows.
 * `replace` is whether a file of that name may be replaced. Throws `invalid-argument` where the
 * words contradict each other.
 */
export function restoreArchive(
  wiring: Wiring,
  words: Words,
  { others, replace }: { readonly others: readonly string[]; readonly replace: boolean },
): Promise<ExitStatus> {
  const target = words.text("to");
  if (target === undefined || target === "") {
    throw wrong("where to restore to is not said", "give --to FILE, or --to - for stdout");
  }
  const format = words.text("format");
  const form = format === undefined ? undefined : FORMATS[format];
  if (format !== undefined && (form === undefined || !Object.hasOwn(FORMATS, format))) {
    throw wrong(`--format: expected tar or zip, found ${format}`);
  }
  checkWords(wiring, words, others);
  const wanted = words.positionals.map((word) => parseSnapshotWord(word));
  const selection = new Selection(words.texts("include"), words.texts("exclude"));
  const { store: storeFolder } = ownFoldersOf(wiring, words);
  if (target !== STDOUT && storeFolder !== undefined) wayToStore(target, storeFolder);
  const work = async (store: Store): Promise<ExitStatus> => {
    requireOwner(store.keyring, "a restore");
    const found = await findAll(wiring, store, wanted);
    if (form === undefined) return writeOneFile(wiring, found);
    const usage = (): Usage | undefined => store.storage.usage?.();
    return writeArchive(wiring, words, { ...found, form, target, replace, selection, usage });
  };
  return withStore(wiring, words, work, { tellsUsage: true });
}

interface Found {
  readonly reader: BlobReader;
  readonly nodes: readonly Node[];
  /** How many things could not be read when the snapshots were made. */
  readonly sourceProblems: number;
  readonly totals?: { readonly filesTotal: number; readonly bytesTotal: number };
}

interface Order extends Found {
  readonly form: new (sink: Sink) => Archive;
  readonly target: string;
  readonly replace: boolean;
  readonly selection: Selection;
  /** What was asked of a bucket's service so far. */
  usage(): Usage | undefined;
}

function checkWords({ output }: Wiring, words: Words, others: readonly string[]): void {
  const isStdout = words.text("to") === STDOUT;
  const isChoice = (option: string): boolean => CHOICES.includes(option) && words.isGiven("format");
  const other = others.find((option) => words.isGiven(option) && !isChoice(option));
  if (other !== undefined) {
    throw wrong(`--${other} is for a restore into a folder, not for a stream of bytes`);
  }
  if (isStdout && words.flag("json")) throw wrong("--json: stdout is taken by what is restored");
  if (!words.isGiven("format") && words.positionals.length > 1) {
    throw wrong("--to -: expected one file, found several", "give --format tar or --format zip");
  }
  if (isStdout && words.isGiven("format") && output.isTerminal) {
    throw wrong("an archive is not written to a terminal", "redirect it, or give --to FILE");
  }
}

// Everything is found before the first byte is written.
async function findAll(
  { messages }: Wiring,
  store: Store,
  wanted: readonly SnapshotWord[],
): Promise<Found> {
  const snapshots = new WantedSnapshots(messages, store, await loadManifests(store));
  const reader = new BlobReader(store);
  const nodes: Node[] = [];
  let totals: Found["totals"];
  for (const word of wanted) {
    const { snapshot } = await snapshots.find(word);
    const { files, contentBytes } = snapshot.counts;
    if (wanted.length === 1 && word.path === undefined) {
      totals = { filesTotal: files, bytesTotal: contentBytes };
    }
    const { path } = word;
    nodes.push(path === undefined ? topOf(snapshot) : await findNode(reader, snapshot, path));
  }
  refuseSameNames(nodes);
  const sourceProblems = snapshots.tellGaps();
  return { reader, nodes, sourceProblems, ...(totals === undefined ? {} : { totals }) };
}

async function writeOneFile(wiring: Wiring, { reader, nodes }: Found): Promise<ExitStatus> {
  const [node] = nodes;
  const entry = node?.kind === "entry" ? node.entry : undefined;
  if (entry === undefined || (entry.type !== "file" && entry.type !== "object")) {
    const found = entry?.type ?? "folder";
    throw wrong(`--to -: expected a file, found a ${found}`, "give --format tar or --format zip");
  }
  const pieces = readAhead(reader, await readContent(reader, entry));
  for await (const piece of withHoles(entry, pieces)) {
    await wiring.output.write(piece);
    await wiring.output.flush();
    if (entry.holes === undefined) release(piece);
  }
  return EXIT.done;
}

async function writeArchive(wiring: Wiring, words: Words, order: Order): Promise<ExitStatus> {
  const { target, replace } = order;
  const start = performance.now();
  if (target === STDOUT) {
    wiring.interruption.endInOrder(); // So that whoever reads it sees that it is not whole.
    const counts = await carryOut(wiring, order, (bytes) => wiring.output.write(bytes));
    return statusOfArchive(counts);
  }
  using file = ArchiveFile.create(target, replace);
  const sink = (bytes: Bytes): Promise<void> => {
    file.write(bytes);
    return Promise.resolve();
  };
  const counts = await carryOut(wiring, order, sink);
  file.finish();
  const seconds = (performance.now() - start) / 1000;
  await report(wiring, words, { ...order, target, counts, seconds });
  return statusOfArchive(counts);
}

async function carryOut(wiring: Wiring, order: Order, sink: Sink): Promise<ArchiveCounts> {
  const { reader, nodes, totals, selection, form: Form } = order;
  const archive = new Form(sink);
  const monitor = monitorOf(wiring);
  const breathe = breather(wiring.interruption);
  try {
    const base = { reader, archive, monitor, breathe, selection };
    const job = new ArchiveJob(totals === undefined ? base : { ...base, totals });
    const [only] = nodes;
    if (nodes.length === 1 && only !== undefined) await job.addTop(only);
    else for (const node of nodes) await job.addNamed(node);
    await archive.finish();
    monitor.finish();
    for (const limit of archive.limits) monitor.notice(limit);
    return job.counts;
  } catch (error) {
    await archive.abandon().catch(() => undefined); // What led here says more.
    throw error;
  } finally {
    monitor.finish();
  }
}

function statusOfArchive({ problems }: ArchiveCounts): ExitStatus {
  return problems > 0 ? EXIT.incomplete : EXIT.done;
}

interface Outcome extends Pick<Order, "sourceProblems" | "usage"> {
  readonly target: string;
  readonly counts: ArchiveCounts;
  readonly seconds: number;
}

async function report(
  { output }: Wiring,
  words: Words,
  { target, counts, seconds, sourceProblems, usage }: Outcome,
): Promise<void> {
  if (words.flag("json")) {
    const gaps = sourceProblems === 0 ? {} : { sourceProblems };
    await output.json({ target, ...counts, ...gaps, ...usageFields(usage()) });
    return;
  }
  await output.line(
    `wrote ${formatCounted(counts.files, "file")} and ` +
      `${formatCounted(counts.folders, "folder")}, ${formatBytes(counts.bytes)}, ` +
      `to ${printableText(target)} in ${formatElapsed(seconds)}`,
  );
}

function wrong(message: string, hint = "see: bunker restore --help"): BunkerError {
  return new BunkerError("invalid-argument", message, { hint });
}
