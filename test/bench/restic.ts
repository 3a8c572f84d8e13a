// Backup, unchanged backup and restore, beside restic in one run.
//
//   bun test/bench/restic.ts [--rounds 5] [--folder DIR] [--memory 400]
//
// Both programs take turns, on the same files, with a warm cache. The last part runs bunker in a
// cgroup of the given MiB, where the system lets us make one.

import { existsSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Corpus, makeCorpus } from "./corpus.ts";
import { type FreshFolder, makeFresh } from "./fresh.ts";
import { measure, type Measurement, median } from "./measure.ts";
import { BINARY, COMMANDS, environment } from "./programs.ts";

const STEPS = ["first backup", "unchanged backup", "restore"] as const;
const GOALS = [0.6, 0.5, 0.8];

type Step = (typeof STEPS)[number];
type Results = Record<Step, Measurement[]>;

interface Program {
  readonly name: string;
  run(corpus: Corpus, folder: string, sampleMemory: boolean): Promise<Record<Step, Measurement>>;
}

const bunker: Program = {
  name: "bunker",
  async run(corpus, folder, sampleMemory) {
    const env = environment(folder);
    const options = { env, sampleMemory };
    await measure([BINARY, "init"], { env });
    const first = await measure([BINARY, "backup", corpus.path], options);
    const second = await measure([BINARY, "backup", corpus.path], options);
    const to = join(folder, "copy");
    const restore = await measure([BINARY, "restore", "latest", "--to", to], options);
    return { "first backup": first, "unchanged backup": second, restore };
  },
};

const restic: Program = {
  name: "restic",
  async run(corpus, folder, sampleMemory) {
    const env = environment(folder);
    const options = { env, sampleMemory };
    const command = COMMANDS.restic;
    await measure([...command, "init"], { env });
    const first = await measure([...command, "backup", corpus.path], options);
    const second = await measure([...command, "backup", corpus.path], options);
    const target = join(folder, "copy");
    const restore = await measure([...command, "restore", "latest", "--target", target], options);
    return { "first backup": first, "unchanged backup": second, restore };
  },
};

/** One round of a program, on a file system of its own where that can be had. */
async function once(program: Program, corpus: Corpus, base: string, sample: boolean) {
  const folder = makeFresh(base, program.name);
  Bun.spawnSync(["sync"]); // What one program left to be written is not the other's to pay for.
  try {
    return await program.run(corpus, folder.path, sample);
  } finally {
    if (folder.isFileSystem) folder.remove();
    else plain.push(folder);
  }
}

/** Plain folders stay until all is over: deleting files would slow the next round down. */
const plain: FreshFolder[] = [];

function newResults(): Results {
  return { "first backup": [], "unchanged backup": [], restore: [] };
}

async function compare(corpus: Corpus, base: string, rounds: number): Promise<void> {
  const programs = [bunker, restic];
  const results = programs.map(() => newResults());
  for (let round = 0; round < rounds; round++) {
    for (const [i, program] of programs.entries()) {
      const measured = await once(program, corpus, base, false);
      for (const step of STEPS) results[i]![step].push(measured[step]);
      const times = STEPS.map((step) => `${(measured[step].wallMs / 1000).toFixed(2)} s`);
      console.error(`round ${round + 1}: ${program.name.padEnd(6)} ${times.join("  ")}`);
    }
  }
  printTable(results, await peaks(programs, corpus, base));
}

async function peaks(programs: Program[], corpus: Corpus, base: string) {
  const measured = [];
  for (const program of programs) measured.push(await once(program, corpus, base, true));
  return measured;
}

function printTable(results: Results[], memory: Record<Step, Measurement>[]): void {
  console.log(
    "| step | bunker | restic | ratio | goal | cpu bunker | cpu restic | memory bunker | memory restic |",
  );
  console.log("|---|---|---|---|---|---|---|---|---|");
  for (const [i, step] of STEPS.entries()) {
    const [ours, theirs] = results.map((result) => median(result[step].map((m) => m.wallMs)));
    const [ourCpu, theirCpu] = results.map((result) => median(result[step].map((m) => m.cpuMs)));
    const [ourPeak, theirPeak] = memory.map((peak) => peak[step].peakBytes);
    const cells = [
      step,
      seconds(ours),
      seconds(theirs),
      (ours! / theirs!).toFixed(2),
      `${GOALS[i]}`,
      seconds(ourCpu),
      seconds(theirCpu),
      mebibytes(ourPeak),
      mebibytes(theirPeak),
    ];
    console.log(`| ${cells.join(" | ")} |`);
  }
}

const seconds = (ms: number | undefined) => `${((ms ?? 0) / 1000).toFixed(2)} s`;
const mebibytes = (bytes: number | undefined) => `${((bytes ?? 0) / 1024 / 1024).toFixed(0)} MiB`;

/** Runs bunker whole in a cgroup (v1 or v2) of so many MiB; says so where that can't be made. */
async function bounded(corpus: Corpus, base: string, limitMib: number): Promise<void> {
  const name = `bunker-bench-${process.pid}`;
  const v1 = join("/sys/fs/cgroup/memory", name);
  const group = existsSync("/sys/fs/cgroup/memory") ? v1 : join("/sys/fs/cgroup", name);
  const limitFile = group === v1 ? "memory.limit_in_bytes" : "memory.max";
  try {
    mkdirSync(group);
    writeFileSync(join(group, limitFile), `${limitMib * 1024 * 1024}`);
    writeFileSync(join(group, "cgroup.procs"), `${process.pid}`);
  } catch (error) {
    console.log(`not run in a cgroup of ${limitMib} MiB: ${String(error)}`);
    return;
  }
  try {
    const measured = await once(bunker, corpus, base, false);
    const times = STEPS.map((step) => `${step} ${seconds(measured[step].wallMs)}`);
    console.log(`in a cgroup of ${limitMib} MiB: ${times.join(", ")}`);
  } finally {
    const parent = group === v1 ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup";
    writeFileSync(join(parent, "cgroup.procs"), `${process.pid}`);
    rmdirSync(group);
  }
}

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    folder: { type: "string" },
    memory: { type: "string", default: "400" },
  },
});
const base = values.folder ?? mkdtempSync(join(tmpdir(), "bunker-bench-"));
mkdirSync(base, { recursive: true });
try {
  const corpus = makeCorpus(base);
  const version = Bun.spawnSync(["restic", "version"]).stdout.toString().trim();
  console.log(`${cpus()[0]?.model ?? "?"}, ${cpus().length} cores, ${mebibytes(totalmem())}`);
  console.log(`${version}; ${corpus.files} files, ${mebibytes(corpus.bytes)}`);
  await compare(corpus, base, Number(values.rounds));
  await bounded(corpus, base, Number(values.memory));
} finally {
  for (const folder of plain) folder.remove();
  if (values.folder === undefined) rmSync(base, { recursive: true, force: true });
}
