// All: set-up and every check of the project, by `bun run test`. The last line is the count.
//
// Set-up that fails is one failure, and nothing else is run. Format, types, lint and dead code count as one each; every test counts as one, and so does a test
// file that reported nothing. With CI=true a skipped test is a failure of the whole.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";

import { setUp } from "./setup.ts";

const ROOT = join(import.meta.dir, "../..");
const MODULES = join(ROOT, "node_modules");
const TEST_TIMEOUT_MS = 120_000;

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

const CHECKS: Readonly<Record<string, readonly string[]>> = {
  format: ["fmt", "--no-script", "--check", "src", "test", "wasm", "build.ts"],
  types: ["check", "--no-script"],
  lint: [
    join(MODULES, "oxlint/bin/oxlint"),
    "--type-aware",
    "--deny-warnings",
    "src",
    "test",
    "build.ts",
  ],
  "dead code": [join(MODULES, "knip/bin/knip-bun.js"), "--no-progress"],
};

function runChecks(counts: Counts): void {
  for (const [name, command] of Object.entries(CHECKS)) {
    const { success, stdout, stderr } = Bun.spawnSync([process.execPath, ...command], {
      cwd: ROOT,
      env: { ...process.env, ...tsgolintPath() },
    });
    counts[success ? "passed" : "failed"]++;
    console.log(`${success ? "pass" : "FAIL"}  ${name}`);
    if (!success) console.log(stdout.toString() + stderr.toString());
  }
}

// The linter's partner for types is a native program; its wrapper would need Node.
function tsgolintPath(): Record<string, string> {
  const scope = join(MODULES, "@oxlint-tsgolint");
  const [platform] = existsSync(scope) ? readdirSync(scope) : [];
  return platform === undefined ? {} : { OXLINT_TSGOLINT_PATH: join(scope, platform, "tsgolint") };
}

function runTests(counts: Counts): void {
  const folder = mkdtempSync(join(tmpdir(), "bunker-test-"));
  try {
    const report = join(folder, "report.xml");
    const success = runBunTest(report);
    const text = existsSync(report) ? readFileSync(report, "utf8") : "";
    const found = readReport(text);
    const silent = testFiles().filter((file) => !found.files.has(file));
    for (const file of silent) console.log(`FAIL  ${file} reported nothing`);
    for (const name of found.skippedNames) console.log(`skip  ${name}`);
    counts.passed += found.passed;
    counts.skipped += found.skippedNames.length;
    counts.failed += found.failed + silent.length;
    if (!success && found.failed + silent.length === 0) counts.failed++;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function runBunTest(report: string): boolean {
  const options = [
    "--parallel",
    "--randomize",
    "--only-failures",
    `--timeout=${TEST_TIMEOUT_MS}`,
    "--reporter=junit",
    `--reporter-outfile=${report}`,
  ];
  const command = [process.execPath, "test", ...options, "./test"];
  return Bun.spawnSync(command, { cwd: ROOT, stdout: "inherit", stderr: "inherit" }).success;
}

function readReport(xml: string): {
  passed: number;
  failed: number;
  skippedNames: string[];
  files: ReadonlySet<string>;
} {
  const cases = [...xml.matchAll(/<testcase name="([^"]*)"[^>]*?(?:\/>|>([\s\S]*?)<\/testcase>)/g)];
  const skipped = cases.filter(([, , body]) => body?.includes("<skipped"));
  const failed = cases.filter(([, , body]) => body !== undefined && !body.includes("<skipped"));
  const files = [...xml.matchAll(/<testcase [^>]*?file="([^"]*)"/g)].map(([, file]) => file!);
  return {
    passed: cases.length - skipped.length - failed.length,
    failed: failed.length,
    skippedNames: skipped.map(([, name]) => name!),
    files: new Set(files),
  };
}

// What the report calls them: paths from the root.
function testFiles(): string[] {
  const found = new Bun.Glob("test/**/*.test.ts").scanSync({ cwd: ROOT, absolute: true });
  return [...found].map((path) => relative(ROOT, path)).sort();
}

async function runAll(counts: Counts): Promise<void> {
  try {
    await setUp();
    runChecks(counts);
    runTests(counts);
  } catch (error) {
    console.log(`FAIL  ${error instanceof Error ? error.message : String(error)}`);
    counts.failed++;
  }
}

const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
await runAll(counts);
const skippedFails = process.env["CI"] === "true" && counts.skipped > 0;
if (skippedFails) console.log("with CI=true nothing may be skipped");
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed > 0 || skippedFails ? 1 : 0;
