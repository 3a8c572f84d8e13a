// Build: the WASM core (build/core.wasm, build/core.d.ts), then the one binary (dist/bunker).
//
//   bun build.ts                        both, for this machine; the binary is run to see it answer
//   bun build.ts --target linux-arm64   dist/bunker-linux-arm64; others: linux-x64-musl,
//                                       linux-arm64-musl, darwin-arm64, darwin-x64, windows-x64
//   bun build.ts --core                 the core alone

import { mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

import description from "./package.json" with { type: "json" };

const ROOT = import.meta.dir;
const DIST = join(ROOT, "dist");

/** Compiles `wasm/` in this process: asc's own command would need Node. */
export async function buildCore(): Promise<void> {
  const { main } = await import("assemblyscript/asc");
  const options = ["--config", "asconfig.json", "--target", "release", "--baseDir", ROOT];
  const stderr = { write: (text: string | Uint8Array) => void process.stderr.write(text) };
  const { error } = await main(options, { stderr });
  if (error !== null) throw new Error(`the core does not compile: ${error.message}`);
}

/** Builds the binary and returns its path. Without a target it is for this machine, and is run. */
export async function buildBinary(target?: string): Promise<string> {
  mkdirSync(DIST, { recursive: true });
  const suffix = target?.startsWith("windows") ? ".exe" : "";
  const binary = join(DIST, target === undefined ? "bunker" : `bunker-${target}${suffix}`);
  // Under another name until it has answered: a broken binary never stands in the place of one.
  const candidate = join(DIST, `building-${process.pid}${suffix}`);
  try {
    await compile(candidate, target);
    if (target === undefined) assertAnswers(candidate);
    renameSync(candidate, binary);
  } finally {
    rmSync(candidate, { force: true });
  }
  return binary;
}

async function compile(outfile: string, target: string | undefined): Promise<void> {
  await Bun.build({
    entrypoints: [join(ROOT, "src/main.ts"), join(ROOT, "src/lane.ts")],
    minify: true,
    bytecode: true,
    format: "esm",
    splitting: true,
    compile: {
      outfile,
      // Else a file in the current folder could add code or settings.
      autoloadDotenv: false,
      autoloadBunfig: false,
      ...(target === undefined ? {} : { target: `bun-${target}` as Bun.Build.CompileTarget }),
    },
  });
}

/** Some failures of the build leave a binary and no error, so it must say its version. */
export function assertAnswers(binary: string): void {
  const { exitCode, stdout, stderr } = Bun.spawnSync([binary, "version"], { cwd: "/" });
  const answer = stdout.toString();
  if (exitCode === 0 && answer.includes(description.version)) return;
  throw new Error(
    `expected version ${description.version} of the new binary, ` +
      `found status ${exitCode} and ${JSON.stringify(answer + stderr.toString())}`,
  );
}

async function timed<Value>(subject: string, action: () => Promise<Value>): Promise<Value> {
  const start = performance.now();
  const value = await action();
  console.log(`${subject}: ${((performance.now() - start) / 1000).toFixed(1)} s`);
  return value;
}

if (import.meta.main) {
  try {
    const { values } = parseArgs({
      options: { target: { type: "string" }, core: { type: "boolean" } },
    });
    await timed("core", buildCore);
    if (values.core !== true) await timed("binary", () => buildBinary(values.target));
  } catch (error) {
    // A failed bundle is several errors in one, each with its place in the source.
    const errors: unknown[] = error instanceof AggregateError ? error.errors : [error];
    for (const each of errors) console.error(`build: ${String(each)}`);
    process.exitCode = 1;
  }
}
