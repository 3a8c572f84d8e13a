// Attributes: what it costs a first backup to ask every entry for extended attributes.
//
//   bun test/bench/attributes.ts [--files 100000] [--rounds 3] [--folder DIR]
//
// The same program is run on the same tree: with the C library's answer made up ("none", at once),
// asking where nothing has any, and where every file has one. Each run has a new store. The answer
// is made up by a script that the runtime loads before the program (docs/threat-model.md §4.5); the
// others load it, too, and it does nothing.

import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { type FreshFolder, makeFresh } from "./fresh.ts";
import { measure, type Measurement, median } from "./measure.ts";
import { BINARY, environment } from "./programs.ts";
import { makeTree } from "./tree.ts";

const GIBIBYTE = 1024 ** 3;
const SIZE = { bytes: 32 * GIBIBYTE, inodes: 400_000 };
const GOAL = 1.1;

const PRELOADED = `
  if (Bun.isMainThread) {
    globalThis.Worker = class extends Worker {
      constructor(url, options) { super(url, { ...options, preload: [__filename] }); }
    };
  }
  if (process.env.BENCH_ATTRIBUTES === "made up") {
    const ffi = require("bun:ffi");
    const { dlopen } = ffi;
    ffi.dlopen = (name, wanted) => {
      const library = dlopen(name, wanted);
      const none = () => 0;
      const symbols = { ...library.symbols, flistxattr: none, llistxattr: none };
      return { symbols, close: () => library.close() };
    };
  }
`;

interface Bench {
  readonly tree: string;
  readonly preloaded: string;
  readonly stores: string;
}

type Variant = "not asked" | "asked, none there" | "asked, one a file";

let storeCount = 0;

async function firstBackup(bench: Bench, variant: Variant): Promise<Measurement> {
  const folder = join(bench.stores, `${storeCount++}`);
  mkdirSync(folder);
  const env = {
    ...environment(folder),
    BUN_OPTIONS: `--preload ${bench.preloaded}`,
    BENCH_ATTRIBUTES: variant === "not asked" ? "made up" : "asked",
  };
  await measure([BINARY, "init"], { env });
  Bun.spawnSync(["sync"]);
  const measured = await measure([BINARY, "backup", bench.tree], { env });
  console.error(`${variant}: ${(measured.wallMs / 1000).toFixed(2)} s`);
  return measured;
}

async function race(bench: Bench, variants: readonly Variant[], rounds: number): Promise<void> {
  const results = variants.map((): Measurement[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, variant] of variants.entries()) {
      results[i]!.push(await firstBackup(bench, variant));
    }
  }
  const wall = results.map((list) => median(list.map(({ wallMs }) => wallMs)));
  const cpu = results.map((list) => median(list.map(({ cpuMs }) => cpuMs)));
  for (const [i, variant] of variants.entries()) {
    const ratio = wall[i]! / wall[0]!;
    const goal = i === 0 ? "" : ratio <= GOAL ? "met" : "missed";
    const times = [wall[i]!, cpu[i]!].map((ms) => `${(ms / 1000).toFixed(2)} s`);
    console.log(`| ${[variant, ...times, ratio.toFixed(3), goal].join(" | ")} |`);
  }
}

async function run(fileCount: number, rounds: number, base: string): Promise<void> {
  const made: FreshFolder[] = [];
  try {
    for (const name of ["tree", "stores"]) made.push(makeFresh(base, name, SIZE));
    const [tree, stores] = [join(made[0]!.path, "tree"), made[1]!.path];
    const preloaded = join(base, "preloaded.js");
    writeFileSync(preloaded, PRELOADED);
    makeTree(tree, fileCount, "flat");
    const bench = { tree, preloaded, stores };
    console.log(`first backup of ${fileCount} files; goal: at most ${GOAL} of the first line\n`);
    console.log("| attributes | wall | cpu | ratio | goal |\n|---|---|---|---|---|");
    await race(bench, ["not asked", "asked, none there"], rounds);
    const give = "find . -type f -print0 | xargs -0 setfattr -n user.note -v value";
    if (!Bun.spawnSync(["bash", "-c", give], { cwd: tree }).success) {
      console.log("attributes could not be set here: no run with one a file");
      return;
    }
    await race(bench, ["not asked", "asked, one a file"], rounds);
  } finally {
    for (const folder of made.reverse()) folder.remove();
  }
}

const { values } = parseArgs({
  options: {
    files: { type: "string", default: "100000" },
    rounds: { type: "string", default: "3" },
    folder: { type: "string" },
  },
});
const parent = values.folder ?? tmpdir();
if (!existsSync(parent)) mkdirSync(parent, { recursive: true });
const base = mkdtempSync(join(parent, "bunker-bench-"));
try {
  await run(Number(values.files), Number(values.rounds), base);
} finally {
  rmSync(base, { recursive: true, force: true });
}
