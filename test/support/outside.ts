// Outside: installs the programs that some tests compare with, on a CI machine.
//
// Only as root on a system with apt-get; elsewhere the tests that need them say that they are
// skipped. What comes from other places (Python's packages, an S3 server that Go builds) goes below
// build/. No package of the project is there yet. With CI=true it fails where something is still
// missing. Where all is there it only looks.

import { findPython, installPackages } from "../outside/python.ts";
import { findBoto3 } from "../servers/clients.ts";
import { findGo, findVersitygw, installVersitygw } from "../servers/install.ts";

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
  rclone: "rclone",
  ceph: "ceph-common",
  "ceph-mon": "ceph-mon",
  "ceph-osd": "ceph-osd",
  radosgw: "radosgw",
};

/** The tools of an administrator are not on every path. */
const PATH = `${process.env["PATH"]}:/usr/sbin:/sbin`;
const mayInstall = process.getuid?.() === 0 && Bun.which("apt-get") !== null;

async function aptGet(...options: string[]): Promise<void> {
  const child = Bun.spawn(["apt-get", "-qq", "-y", ...options], {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    stdout: "ignore",
    stderr: "pipe",
  });
  const [stderr, status] = await Promise.all([new Response(child.stderr).text(), child.exited]);
  if (status !== 0) throw new Error(`apt-get ${options.join(" ")} failed\n${stderr}`);
}

function missingPrograms(): string[] {
  return Object.keys(PACKAGE_OF_PROGRAM).filter((name) => Bun.which(name, { PATH }) === null);
}

async function installPrograms(): Promise<void> {
  const missing = missingPrograms().map((name) => PACKAGE_OF_PROGRAM[name]!);
  if (missing.length === 0 || !mayInstall) return;
  await aptGet("update");
  await aptGet("install", "--no-install-recommends", ...missing);
}

const hasPythonPackages = () => findPython() !== undefined && findBoto3() !== undefined;

// Some systems have a python3 that can't make environments before a package is added.
async function installPythonPackages(): Promise<void> {
  if (hasPythonPackages()) return;
  try {
    installPackages();
  } catch (error) {
    if (!mayInstall) throw error;
    await aptGet("update");
    await aptGet("install", "--no-install-recommends", "python3-venv");
    installPackages();
  }
}

async function installServer(): Promise<void> {
  if (findVersitygw() === undefined && findGo() !== undefined) await installVersitygw();
}

// Go takes two minutes, and so has the others beside it. None is left running when one fails.
const steps = [installServer(), installPrograms().then(installPythonPackages)];
for (const step of await Promise.allSettled(steps)) {
  if (step.status === "rejected") throw step.reason;
}

const missing = missingPrograms();
if (!hasPythonPackages()) missing.push("the packages of python3");
if (findVersitygw() === undefined) missing.push("versitygw, which needs Go");
if (missing.length > 0) {
  const message = `not installed, so tests are skipped: ${missing.join(", ")}`;
  if (process.env["CI"] === "true") throw new Error(message);
  console.log(message);
}
