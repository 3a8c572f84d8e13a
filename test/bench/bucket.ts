// Bucket: a backup of 2 GB and a restore of 60,000 small files, beside restic and rclone, on a server
// that is a line of 40 ms and 20 MB/s a connection away.
//
//   bun test/bench/bucket.ts [--connections 4] [--small-connections 8] [--folder DIR] [--only plain,bunker,restic,rclone] [--memory]
//
// All use one server (versitygw) through one proxy, in turn: first with the same number of
// connections, then each with its own default. The files of the backup are 20 of 100 MB of random
// bytes, so that what goes over the line is the same for all. Bunker must carry at least 90 % of what
// the connections can, which plain puts show, and restore the small files at least 3 times as fast as
// restic.

import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeSync,
} from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { startVersitygw } from "../servers/versitygw.ts";
import { seededRandom } from "../support/random.ts";
import { makeCorpus } from "./corpus.ts";
import { makeFresh } from "./fresh.ts";
import { measure, type Measurement } from "./measure.ts";
import { BINARY, environment } from "./programs.ts";
import { startProxy } from "./proxy.ts";

const FILE_COUNT = 20;
const FILE_BYTES = 100_000_000;
const RATE = 20_000_000;
/** What each uses when nothing is said. */
const DEFAULTS = { plain: 6, bunker: 6, restic: 5, rclone: 4 } as const;

type Name = keyof typeof DEFAULTS;

interface Place {
  readonly endpoint: string;
  readonly region: string;
  readonly keyId: string;
  readonly secret: string;
  readonly bucket: string;
}

interface Run {
  readonly folder: string;
  readonly place: Place;
  /** Absent: the program's own default. */
  readonly connections: number | undefined;
  readonly sampleMemory: boolean;
}

type Step = (run: Run, source: string) => Promise<Measurement>;

function envOf({ folder, place }: Run): Record<string, string> {
  return {
    ...environment(folder),
    AWS_ACCESS_KEY_ID: place.keyId,
    AWS_SECRET_ACCESS_KEY: place.secret,
    AWS_REGION: place.region,
    AWS_ENDPOINT_URL: place.endpoint,
    BUNKER_STORE: `s3://${place.bucket}/bunker`,
    RESTIC_REPOSITORY: `s3:${place.endpoint}/${place.bucket}/restic`,
    RCLONE_CONFIG: "",
    RCLONE_CONFIG_LINE_TYPE: "s3",
    RCLONE_CONFIG_LINE_PROVIDER: "Other",
    RCLONE_CONFIG_LINE_ENV_AUTH: "true",
    RCLONE_CONFIG_LINE_REGION: place.region,
    RCLONE_CONFIG_LINE_ENDPOINT: place.endpoint,
  };
}

/** The words of a program's command, with the connections that it may use. */
function wordsOf(name: Name, { connections }: Run): string[] {
  if (name === "plain") return [process.execPath, join(import.meta.dir, "plain-puts.ts")];
  if (name === "bunker") {
    return connections === undefined ? [BINARY] : [BINARY, "--connections", `${connections}`];
  }
  if (name === "restic") {
    return [
      "restic",
      "-q",
      ...(connections === undefined ? [] : ["-o", `s3.connections=${connections}`]),
    ];
  }
  const count = `${connections ?? DEFAULTS.rclone}`;
  return ["rclone", "-q", "--transfers", count, "--checkers", count];
}

function commandOf(name: Name, run: Run, ...words: string[]): string[] {
  const [program, ...options] = wordsOf(name, run);
  // Options of bunker stand behind its command.
  const [verb, ...rest] = words;
  return name === "bunker"
    ? [program!, verb!, ...options, ...rest]
    : [program!, ...options, ...words];
}

const INIT: Readonly<Partial<Record<Name, string[]>>> = {
  bunker: ["init", "--lock", "none"],
  restic: ["init"],
};

async function init(name: Name, run: Run): Promise<void> {
  const words = INIT[name];
  if (words !== undefined) await measure(commandOf(name, run, ...words), { env: envOf(run) });
}

const backup: Readonly<Record<Name, Step>> = {
  plain: (run) => {
    const { endpoint, region, bucket } = run.place;
    const count = `${run.connections ?? DEFAULTS.plain}`;
    const bytes = `${FILE_COUNT * FILE_BYTES}`;
    return go(run, commandOf("plain", run, endpoint, region, bucket, count, bytes));
  },
  bunker: (run, source) => go(run, commandOf("bunker", run, "backup", source)),
  restic: (run, source) => go(run, commandOf("restic", run, "backup", source)),
  rclone: (run, source) =>
    go(run, commandOf("rclone", run, "copy", source, `line:${run.place.bucket}/rclone`)),
};

const restore: Readonly<Record<Exclude<Name, "plain">, Step>> = {
  bunker: (run, to) => go(run, commandOf("bunker", run, "restore", "latest", "--to", to)),
  restic: (run, to) => go(run, commandOf("restic", run, "restore", "latest", "--target", to)),
  rclone: (run, to) =>
    go(run, commandOf("rclone", run, "copy", `line:${run.place.bucket}/rclone`, to)),
};

function go(run: Run, command: string[]): Promise<Measurement> {
  Bun.spawnSync(["sync"]);
  return measure(command, { env: envOf(run), sampleMemory: run.sampleMemory });
}

function makeLarge(folder: string): string {
  const path = join(folder, "large");
  if (existsSync(join(path, "done"))) return path;
  mkdirSync(path, { recursive: true });
  for (let i = 0; i < FILE_COUNT; i++) {
    const file = openSync(join(path, `file-${i}`), "w");
    const random = seededRandom(i);
    for (let left = FILE_BYTES; left > 0; left -= 10_000_000)
      writeSync(file, random.bytes(10_000_000));
    closeSync(file);
  }
  closeSync(openSync(join(path, "done"), "w"));
  return path;
}

interface Task {
  readonly title: string;
  readonly connections: number | undefined;
  readonly names: readonly Name[];
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
const mebibytes = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(0)} MiB`;

/** Each program's backup into a bucket of its own, and perhaps its restore. */
async function race(
  base: string,
  task: Task,
  source: string,
  options: { readonly restores: boolean; readonly sampleMemory: boolean },
): Promise<void> {
  for (const name of task.names) {
    await using server = await startVersitygw();
    const bucket = "bench";
    await server.createBucket(bucket, { versions: name === "bunker" });
    await using proxy = await startProxy(new URL(server.endpoint).host);
    const fresh = makeFresh(base, name);
    try {
      const { region, keyId, secret } = server;
      const endpoint = `http://${proxy.address}`;
      const run: Run = {
        folder: fresh.path,
        place: { endpoint, region, keyId, secret, bucket },
        connections: task.connections,
        sampleMemory: options.sampleMemory,
      };
      await init(name, run);
      // Putting 60,000 objects one by one over the line is nothing that anybody asks of rclone here.
      const isDirect = name === "rclone" && options.restores;
      const place = isDirect ? { ...run.place, endpoint: server.endpoint } : run.place;
      const up = await backup[name]({ ...run, place }, source);
      if (!isDirect) tell(task, name, "backup", up);
      if (!options.restores || name === "plain") continue;
      tell(task, name, "restore", await restore[name](run, join(fresh.path, "copy")));
    } finally {
      fresh.remove();
    }
  }
}

function tell(task: Task, name: Name, step: string, measured: Measurement): void {
  const count = task.connections ?? DEFAULTS[name];
  const { wallMs, cpuMs, peakBytes } = measured;
  const carried = (FILE_COUNT * FILE_BYTES) / (wallMs / 1000) / (count * RATE);
  const share = task.title === "2 GB" ? `${(carried * 100).toFixed(0)} %` : "";
  const cells = [task.title, step, name, count, seconds(wallMs), share, seconds(cpuMs)];
  console.log(`| ${[...cells, peakBytes > 0 ? mebibytes(peakBytes) : ""].join(" | ")} |`);
}

const { values } = parseArgs({
  options: {
    connections: { type: "string", default: "4" },
    "small-connections": { type: "string", default: "8" },
    folder: { type: "string" },
    only: { type: "string", default: "plain,bunker,restic,rclone" },
    memory: { type: "boolean", default: false },
    tasks: { type: "string", default: "2 GB,60,000 files" },
  },
});
const base = values.folder ?? mkdtempSync(join(tmpdir(), "bunker-bench-"));
mkdirSync(base, { recursive: true });
try {
  const names = (Object.keys(DEFAULTS) as Name[]).filter((name) => values.only.includes(name));
  const options = { sampleMemory: values.memory };
  console.log(`${cpus()[0]?.model ?? "?"}, ${cpus().length} cores; 40 ms, 20 MB/s a connection\n`);
  console.log("| files | step | program | connections | wall | of the line | cpu | memory |");
  console.log("|---|---|---|---|---|---|---|---|");
  for (const isSame of [true, false]) {
    const [large, few] = [values.connections, values["small-connections"]].map((count) =>
      isSame ? Number(count) : undefined,
    );
    if (values.tasks.includes("2 GB")) {
      const task = { title: "2 GB", connections: large, names };
      await race(base, task, makeLarge(base), { ...options, restores: false });
    }
    if (values.tasks.includes("60,000")) {
      const task = {
        title: "60,000 files",
        connections: few,
        names: names.filter((name) => name !== "plain"),
      };
      await race(base, task, small(makeCorpus(base).path), { ...options, restores: true });
    }
  }
} finally {
  if (values.folder === undefined) rmSync(base, { recursive: true, force: true });
}

/** Of the corpus only the small files. */
function small(corpus: string): string {
  const folder = `${corpus}-small`;
  if (!existsSync(folder)) {
    Bun.spawnSync(["cp", "-al", corpus, folder]);
    for (const name of ["text.bin", "random.bin"]) rmSync(join(folder, name), { force: true });
  }
  return folder;
}
