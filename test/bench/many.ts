// Many: a million files of 0 to 4 KiB beside restic: first, unchanged, 1 % changed; the walk alone.
//
//   bun test/bench/many.ts [--files 1000000] [--shape flat|deep] [--rounds 1] [--folder DIR]
//
// Both programs take turns on the same tree, with a warm cache, each with its store on a file system
// of its own where that can be had. Rounds are those of the unchanged backup. All runs are sampled for
// their memory.

import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { openFolderSource } from "../../src/source/folder.ts";
import { type FreshFolder, makeFresh } from "./fresh.ts";
import { measure, type Measurement, median } from "./measure.ts";
import { COMMANDS, environment } from "./programs.ts";
import { changeTree, makeTree, type Shape } from "./tree.ts";

const GIBIBYTE = 1024 ** 3;
const UNCHANGED_GOAL = 2.5;
const MEMORY_GOAL_MIB = 400;
const SAMPLED = { sampleMemory: true, sampleMs: 30 };

type Name = keyof typeof COMMANDS;
type Step = "first" | "unchanged" | "1 % changed";
type Results = Record<Name, Map<Step, Measurement[]>>;

interface Run {
  readonly tree: string;
  readonly folders: Readonly<Record<Name, FreshFolder>>;
  readonly results: Results;
}

const NAMES: readonly Name[] = Bun.which("restic") === null ? ["bunker"] : ["bunker", "restic"];

async function backUp({ tree, folders, results }: Run, step: Step): Promise<void> {
  for (const name of NAMES) {
    Bun.spawnSync(["sync"]); // What one program left to be written is not the other's to pay for.
    const env = environment(folders[name].path);
    const measured = await measure([...COMMANDS[name], "backup", tree], {
      env,
      ...SAMPLED,
    });
    const list = results[name].get(step) ?? [];
    results[name].set(step, [...list, measured]);
    const { wallMs, peakBytes } = measured;
    console.error(`${step}: ${name} ${seconds(wallMs)}, ${mebibytes(peakBytes)}`);
  }
}

/** The program's own walk, in a process of its own: every entry with its metadata, no content. */
async function walkAlone(tree: string): Promise<Measurement> {
  const command = [process.execPath, import.meta.path, "--walk", tree];
  return measure(command, { env: environment(tree), ...SAMPLED });
}

function walk(tree: string): void {
  let count = 0;
  for (const { kind } of openFolderSource([tree]).walk()) if (kind === "entry") count += 1;
  console.log(count);
}

async function compare(fileCount: number, shape: Shape, base: string): Promise<void> {
  const rounds = Number(values.rounds);
  const size = { bytes: 32 * GIBIBYTE, inodes: Math.ceil(fileCount * 1.3) + 10_000 };
  const made: FreshFolder[] = [];
  const fresh = (name: string, inodes = size.inodes) => {
    const folder = makeFresh(base, name, { ...size, inodes });
    made.push(folder);
    return folder;
  };
  try {
    const tree = join(fresh("tree").path, "tree");
    const start = performance.now();
    const bytes = makeTree(tree, fileCount, shape);
    console.error(`made in ${seconds(performance.now() - start)}`);
    const folders = { bunker: fresh("bunker", 400_000), restic: fresh("restic", 400_000) };
    const run: Run = { tree, folders, results: { bunker: new Map(), restic: new Map() } };
    for (const name of NAMES) {
      await measure([...COMMANDS[name], "init"], { env: environment(folders[name].path) });
    }
    await backUp(run, "first");
    for (let round = 0; round < rounds; round++) await backUp(run, "unchanged");
    const walked = await walkAlone(tree);
    const dry = await dryRun(run);
    const changed = changeTree(tree, fileCount, shape);
    await backUp(run, "1 % changed");
    const what = `${fileCount} files (${mebibytes(bytes)}), ${shape}, ${changed} changed`;
    printTable(what, run.results, [
      ["walk alone", walked],
      ["--dry-run, unchanged", dry],
    ]);
  } finally {
    for (const folder of made.reverse()) folder.remove();
  }
}

async function dryRun({ tree, folders }: Run): Promise<Measurement | undefined> {
  const command = [...COMMANDS.bunker, "backup", "--dry-run", tree];
  const env = environment(folders.bunker.path);
  return measure(command, { env, ...SAMPLED }).catch(() => undefined);
}

function printTable(
  what: string,
  { bunker, restic }: Results,
  others: readonly [string, Measurement | undefined][],
): void {
  const goal = `unchanged: restic needs at least ${UNCHANGED_GOAL} times as long; memory under ${MEMORY_GOAL_MIB} MiB`;
  console.log(`\n${what}; goals: ${goal}\n`);
  const head = ["step", "bunker", "restic", "restic / bunker", "cpu bunker", "cpu restic"];
  const columns = [...head, "memory bunker", "memory restic", "goals"];
  console.log(`| ${columns.join(" | ")} |
${"|---".repeat(columns.length)}|`);
  for (const [step, ours] of bunker) {
    console.log(`| ${cellsOf(step, ours, restic.get(step) ?? []).join(" | ")} |`);
  }
  for (const [name, measured] of others) {
    const [time, cpu] = [seconds(measured?.wallMs), seconds(measured?.cpuMs)];
    console.log(`| ${name} | ${time} | | | ${cpu} | | ${mebibytes(measured?.peakBytes)} | | |`);
  }
}

type Measured = keyof Pick<Measurement, "wallMs" | "cpuMs" | "peakBytes">;

function medianOf(list: readonly Measurement[], key: Measured): number | undefined {
  return list.length === 0 ? undefined : median(list.map((each) => each[key]));
}

function cellsOf(
  step: Step,
  ours: readonly Measurement[],
  theirs: readonly Measurement[],
): readonly string[] {
  const [time, theirTime] = [medianOf(ours, "wallMs"), medianOf(theirs, "wallMs")];
  const peak = Math.max(...ours.map(({ peakBytes }) => peakBytes));
  const ratio = theirTime === undefined ? Number.NaN : theirTime / (time ?? Number.NaN);
  const isSlow = step === "unchanged" && ratio < UNCHANGED_GOAL;
  const isLarge = peak >= MEMORY_GOAL_MIB * 1024 * 1024;
  return [
    step,
    seconds(time),
    seconds(theirTime),
    Number.isNaN(ratio) ? "" : ratio.toFixed(2),
    seconds(medianOf(ours, "cpuMs")),
    seconds(medianOf(theirs, "cpuMs")),
    mebibytes(peak),
    mebibytes(medianOf(theirs, "peakBytes")),
    isSlow || isLarge ? "missed" : "met",
  ];
}

const seconds = (ms: number | undefined) => (ms === undefined ? "" : `${(ms / 1000).toFixed(2)} s`);
const mebibytes = (bytes: number | undefined) =>
  bytes === undefined ? "" : `${(bytes / 1024 / 1024).toFixed(0)} MiB`;

const { values } = parseArgs({
  options: {
    files: { type: "string", default: "1000000" },
    shape: { type: "string", default: "flat" },
    rounds: { type: "string", default: "1" },
    folder: { type: "string" },
    walk: { type: "string" },
  },
});

if (values.walk === undefined) {
  const parent = values.folder ?? tmpdir();
  if (!existsSync(parent)) mkdirSync(parent, { recursive: true });
  const base = mkdtempSync(join(parent, "bunker-bench-"));
  const version = NAMES.includes("restic")
    ? Bun.spawnSync(["restic", "version"]).stdout.toString().trim()
    : "restic is missing";
  console.log(`${cpus()[0]?.model ?? "?"}, ${cpus().length} cores; ${version}`);
  try {
    await compare(Number(values.files), values.shape === "deep" ? "deep" : "flat", base);
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
} else {
  walk(values.walk);
}
