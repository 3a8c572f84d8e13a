// The one command of CI: its last line is the count, whatever goes wrong.

import { describe, expect, test } from "bun:test";
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { tempDir } from "./support/temp.ts";

const ROOT = join(import.meta.dir, "..");

interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly lastLine: string;
  readonly status: number;
}

function outcomeOf(
  command: readonly string[],
  options: { readonly cwd: string; readonly env: Readonly<Record<string, string | undefined>> },
): Outcome {
  const found = Bun.spawnSync([...command], options);
  const stdout = found.stdout.toString();
  const lastLine = stdout.trimEnd().split("\n").at(-1)!;
  return { stdout, stderr: found.stderr.toString(), lastLine, status: found.exitCode };
}

describe.skipIf(Bun.which("bash") === null)(".ci/run", () => {
  /** Runs it in a folder of its own, with this script in the place of npx. */
  function run(script: string): Outcome {
    using temp = tempDir();
    mkdirSync(join(temp.path, ".ci"));
    mkdirSync(join(temp.path, "bin"));
    copyFileSync(join(ROOT, ".ci/run"), join(temp.path, ".ci/run"));
    const npx = join(temp.path, "bin/npx");
    writeFileSync(npx, `#!/bin/sh\n${script}\n`);
    chmodSync(npx, 0o700);
    const PATH = `${join(temp.path, "bin")}:${process.env["PATH"]}`;
    const env = { ...process.env, PATH, TMPDIR: temp.path };
    return outcomeOf(["bash", ".ci/run"], { cwd: temp.path, env });
  }

  const NONE = "0 passed, 1 failed, 0 skipped";

  test("counts a failure where nothing can be run or installed", () => {
    expect(run("exit 127")).toMatchObject({ lastLine: NONE, status: 1 });
  });

  test("counts a failure where the tests break off without a count", () => {
    const found = run(`case "$*" in *all.ts) echo "3 passed, so far"; exit 134; esac`);
    expect(found).toMatchObject({ lastLine: NONE, status: 1 });
    expect(found.stdout).toContain("status 134");
    expect(run("exit 0")).toMatchObject({ lastLine: NONE, status: 1 });
  });

  test("gives count and status of the tests", () => {
    for (const [count, status] of [
      ["9 passed, 0 failed, 0 skipped", 0],
      ["8 passed, 1 failed, 0 skipped", 1],
    ] as const) {
      const found = run(`case "$*" in *all.ts) echo "${count}"; exit ${status}; esac`);
      expect(found).toMatchObject({ lastLine: count, status });
    }
  });
});

test("a set-up that fails is told by its steps, and counted", () => {
  using temp = tempDir();
  mkdirSync(join(temp.path, "test/support"), { recursive: true });
  for (const name of ["all.ts", "setup.ts"]) {
    copyFileSync(join(ROOT, "test/support", name), join(temp.path, "test/support", name));
  }
  writeFileSync(join(temp.path, "package.json"), "{ this is none");
  const command = [process.execPath, join(temp.path, "test/support/all.ts")];
  const found = outcomeOf(command, { cwd: temp.path, env: { ...process.env } });
  expect(found.stderr).toStartWith("set-up: installing the packages\n");
  expect(found.lastLine).toBe("0 passed, 1 failed, 0 skipped");
  expect(found.status).toBe(1);
});
