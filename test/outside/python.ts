// Python: where the independent restorer and the S3 client of others find their packages, and how
// they are installed.
//
// They live in a virtual environment below build/, made by test/support/outside.ts; a python3 that
// has them by itself is used where that is missing.

import { join } from "node:path";

const ROOT = join(import.meta.dir, "../..");
const ENVIRONMENT = join(ROOT, "build/python");
const REQUIREMENTS = ["requirements.txt", "../servers/requirements.txt"];
const RESTORER_IMPORTS = "argon2, blake3, cryptography, mnemonic, zstandard";

/** A Python that has these packages, unless told the restorer's; undefined where there is none. */
export function findPython(imports = RESTORER_IMPORTS): string | undefined {
  const candidates = [join(ENVIRONMENT, "bin/python"), "python3"];
  return candidates.find((python) => hasPackages(python, imports));
}

/** Makes the virtual environment anew and installs the packages; needs the network. */
export function installPackages(): void {
  run("python3", "-m", "venv", "--clear", ENVIRONMENT);
  const pip = [join(ENVIRONMENT, "bin/python"), "-m", "pip", "--disable-pip-version-check"];
  const lists = REQUIREMENTS.flatMap((name) => ["--requirement", join(import.meta.dir, name)]);
  run(...pip, "install", "--quiet", ...lists);
}

function hasPackages(python: string, imports: string): boolean {
  if (Bun.which(python) === null) return false;
  return Bun.spawnSync([python, "-c", `import ${imports}`], { stderr: "ignore" }).success;
}

function run(...command: string[]): void {
  const { success, stdout, stderr } = Bun.spawnSync(command);
  const output = `${stdout.toString()}${stderr.toString()}`;
  if (!success) throw new Error(`${command.join(" ")} failed\n${output}`);
}
