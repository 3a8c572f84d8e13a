// Outside: installs the programs that some tests compare with, on a CI machine.
//
// Only as root on a system with apt-get; elsewhere the tests that need them say that they are
// skipped. The packages of the independent restorer go into a virtual environment below build/.

import { findPython, installPackages } from "../outside/python.ts";

const PACKAGE_OF_PROGRAM: Readonly<Record<string, string>> = {
  restic: "restic",
  git: "git",
  getfattr: "attr",
  getfacl: "acl",
  getcap: "libcap2-bin",
  filefrag: "e2fsprogs",
  unzip: "unzip",
  perl: "perl-base",
  strace: "strace",
  setsid: "util-linux",
  setpriv: "util-linux",
  unshare: "util-linux",
  python3: "python3-venv",
};

/** The tools of an administrator are not on every path. */
const PATH = `${process.env["PATH"]}:/usr/sbin:/sbin`;
const mayInstall = process.getuid?.() === 0 && Bun.which("apt-get") !== null;

function aptGet(...options: string[]): void {
  const { success, stderr } = Bun.spawnSync(["apt-get", "-qq", "-y", ...options], {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
  if (!success) throw new Error(`apt-get ${options.join(" ")} failed\n${stderr.toString()}`);
}

const missing = Object.entries(PACKAGE_OF_PROGRAM)
  .filter(([program]) => Bun.which(program, { PATH }) === null)
  .map(([, name]) => name);
if (missing.length > 0 && mayInstall) {
  aptGet("update");
  aptGet("install", "--no-install-recommends", ...missing);
}
if (findPython() === undefined) installPythonPackages();

// Some systems have a python3 that can't make environments before a package is added.
function installPythonPackages(): void {
  try {
    installPackages();
  } catch (error) {
    if (!mayInstall) throw error;
    aptGet("update");
    aptGet("install", "--no-install-recommends", "python3-venv");
    installPackages();
  }
}
