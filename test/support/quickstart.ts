// Quickstart: backs a folder up and restores it with the real program, and compares every byte.
//
//   bun run quickstart [FOLDER] [--keep]     FOLDER: this project where none is named
//
// Everything happens in a temporary folder that is removed at the end (unless --keep); nothing in
// FOLDER is changed, and nothing of this user's settings is read.

import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statfsSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

import {
  compareFolders,
  contentBytes,
  walk,
  type Comparison,
  type WalkOptions,
} from "./compare.ts";

const ROOT = realpathSync(join(import.meta.dir, "../.."));
const BINARY = join(ROOT, "dist/bunker");
/** The store and the copy, and a tenth for what surrounds them. */
const SPACE_FACTOR = 2.2;
const SPACE_BYTES_MIN = 64 * 1024 * 1024;
const DIFFERENCES_SHOWN_MAX = 20;

class QuickstartError extends Error {}

interface Plan extends WalkOptions {
  readonly folder: string;
  readonly temporary: string;
  readonly store: string;
  readonly copy: string;
}

function planOf(folder: string, temporary: string): Plan {
  // What set-up made is of no interest in a backup of the project itself.
  const leftOut = folder === ROOT ? ["node_modules", "dist"] : [];
  const [store, copy] = [join(temporary, "store"), join(temporary, "copy")];
  return { folder, temporary, store, copy, leftOut };
}

function folderFrom(argument: string | undefined): string {
  if (argument === undefined) return ROOT;
  // The package script runs in the package's folder, the person stands elsewhere.
  const path = resolve(process.env["INIT_CWD"] ?? process.cwd(), argument);
  if (!existsSync(path)) throw new QuickstartError(`${path}: no such folder`);
  if (!statSync(path).isDirectory()) throw new QuickstartError(`${path}: expected a folder`);
  return realpathSync(path);
}

function assertRoom({ folder, temporary, leftOut = [] }: Plan): void {
  const place = realpathSync(temporary);
  if (`${place}/`.startsWith(folder === "/" ? "/" : `${folder}/`)) {
    throw new QuickstartError(`${place} lies in ${folder}: set TMPDIR to a folder outside it`);
  }
  const wanted =
    Math.ceil(contentBytes(walk(folder, { leftOut })) * SPACE_FACTOR) + SPACE_BYTES_MIN;
  const { bavail, bsize } = statfsSync(place);
  if (bavail * bsize >= wanted) return;
  const [needs, has] = [mebibytes(wanted), mebibytes(bavail * bsize)];
  throw new QuickstartError(
    `${place} has ${has} free, expected ${needs}: set TMPDIR to a larger place, or name a smaller folder`,
  );
}

function environmentOf({ temporary, store }: Plan, passphrase: string): Record<string, string> {
  return {
    PATH: process.env["PATH"] ?? "/usr/bin:/bin",
    HOME: temporary,
    TMPDIR: temporary,
    XDG_STATE_HOME: join(temporary, "state"),
    XDG_CACHE_HOME: join(temporary, "cache"),
    BUNKER_STORE: store,
    BUNKER_PASSPHRASE: passphrase,
  };
}

function bunker(environment: Record<string, string>, ...options: string[]): void {
  console.log(`$ bunker ${options.join(" ")}`);
  const { exitCode } = Bun.spawnSync([BINARY, ...options], {
    env: environment,
    stdin: "ignore",
    stdout: "inherit",
    stderr: "inherit",
  });
  if (exitCode !== 0)
    throw new QuickstartError(`bunker ${options[0]!} ended with status ${exitCode}`);
}

function backUpAndRestore(plan: Plan): void {
  const passphrase = Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString("base64");
  const environment = environmentOf(plan, passphrase);
  const excludes = (plan.leftOut ?? []).flatMap((name) => ["--exclude", `/${name}`]);
  mkdirSync(plan.store);
  bunker(environment, "init", "--phrase-file", join(plan.temporary, "phrase"));
  bunker(environment, "backup", plan.folder, ...excludes);
  bunker(environment, "snapshots");
  bunker(environment, "restore", "latest", "--to", plan.copy);
}

function describe(plan: Plan, comparison: Comparison, seconds: number, keep: boolean): void {
  const { fileCount, folderCount, otherCount, bytes } = comparison;
  console.log("");
  console.log(
    `Backed up and restored ${plan.folder}: ${fileCount} files, ${folderCount} folders, ` +
      `${otherCount} others, ${mebibytes(bytes)}, in ${seconds.toFixed(1)} s.`,
  );
  console.log(`The store took ${mebibytes(contentBytes(walk(plan.store)))}, encrypted.`);
  console.log(
    "Every byte, mode, owner, time, link and hard link of the copy was compared: all equal.",
  );
  console.log(
    keep
      ? `The store is ${plan.store}, the copy is ${plan.copy}.`
      : "The store and the copy were removed again (--keep leaves them).",
  );
  console.log("Next, a store that stays:");
  console.log("  export BUNKER_STORE=/path/of/a/store     ");
  console.log(`  ${BINARY} init && ${BINARY} backup FOLDER`);
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

function run(argument: string | undefined, keep: boolean): void {
  const folder = folderFrom(argument);
  const temporary = mkdtempSync(join(realpathSync(tmpdir()), "bunker-quickstart-"));
  try {
    const plan = planOf(folder, temporary);
    assertRoom(plan);
    const start = performance.now();
    backUpAndRestore(plan);
    const seconds = (performance.now() - start) / 1000;
    const comparison = compareFolders(folder, plan.copy, plan);
    if (comparison.differences.length > 0)
      throw new QuickstartError(listed(comparison.differences));
    describe(plan, comparison, seconds, keep);
  } finally {
    if (!keep) removeAll(temporary);
  }
}

// The copy has its folders' modes, and some of them may forbid removing.
function removeAll(folder: string): void {
  const open = (path: Buffer | string): void => {
    chmodSync(path, 0o700);
    for (const entry of readdirSync(path, { encoding: "buffer" })) {
      const child = Buffer.concat([Buffer.from(path), Buffer.from("/"), entry]);
      if (lstatSync(child).isDirectory()) open(child);
    }
  };
  open(folder);
  rmSync(folder, { recursive: true, force: true });
}

function listed(differences: readonly string[]): string {
  const shown = differences.slice(0, DIFFERENCES_SHOWN_MAX).map((text) => `  ${text}`);
  const rest = differences.length - shown.length;
  const more = rest > 0 ? [`  and ${rest} more`] : [];
  return [`the copy differs from the original:`, ...shown, ...more].join("\n");
}

try {
  const { values, positionals } = parseArgs({
    options: { keep: { type: "boolean", default: false } },
    allowPositionals: true,
  });
  if (positionals.length > 1) throw new QuickstartError("expected one folder at most");
  run(positionals[0], values.keep);
} catch (error) {
  console.error(`quickstart: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
