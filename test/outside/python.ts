// Python: where the independent restorer finds its packages, and how they are installed.
//
// They live in a virtual environment below build/, made by test/support/outside.ts; a python3 that
// has them by itself is used where that is missing.

import { join } from "node:path";

const ROOT = join(import.meta.dir, "../..");
const ENVIRONMENT = join(ROOT, "build/python");
const REQUIREMENTS = join(import.meta.dir, "requirements.txt");
const IMPORTS = "import argon2, blake3, cryptography, mnemonic, zstandard";

/** A Python that has all packages of requirements.txt, or undefined. */
export function findPython(): string | undefined {
  return [join(ENVIRONMENT, "bin/python"), "python3"].find(hasPackages);
}

/** Makes the virtual environment anew and installs the packages; needs the network. */
export function installPackages(): void {
  run("python3", "-m", "venv", "--clear", ENVIRONMENT);
  const pip = [join(ENVIRONMENT, "bin/python"), "-m", "pip", "--disable-pip-version-check"];
  run(...pip, "install", "--quiet", "--requirement", REQUIREMENTS);
}

function hasPackages(python: string): boolean {
  if (Bun.which(python) === null) return false;
  return Bun.spawnSync([python, "-c", IMPORTS], { stderr: "ignore" }).success;
}

function run(...command: string[]): void {
  const { success, stdout, stderr } = Bun.spawnSync(command);
  const output = `${stdout.toString()}${stderr.toString()}`;
  if (!success) throw new Error(`${command.join(" ")} failed\n${output}`);
}
