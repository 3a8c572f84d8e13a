// Fresh: a file system made for one round, where the machine lets us make one.
//
// ext4 searches long for a free inode for a minute and a half after many were deleted, so that a
// restore would be measured by what was deleted before it. On a file system of its own nothing was.

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";

const GIBIBYTE = 1024 ** 3;

export interface FreshSize {
  readonly bytes: number;
  readonly inodes: number;
}

const SIZE: FreshSize = { bytes: 8 * GIBIBYTE, inodes: 400_000 };

export interface FreshFolder {
  readonly path: string;
  /** False where it is a plain folder: then nothing may be deleted while the benchmark runs. */
  readonly isFileSystem: boolean;
  remove(): void;
}

/** A new, empty ext4 in a sparse file below `base`; as a user without rights, a new folder. */
export function makeFresh(base: string, name: string, size: FreshSize = SIZE): FreshFolder {
  const folder = mkdtempSync(join(base, `${name}-`));
  const image = join(folder, "image");
  const path = join(folder, "mount");
  mkdirSync(path);
  const device = makeDevice(image, size);
  if (device === undefined || !run("mount", device, path)) {
    if (device !== undefined) run("losetup", "--detach", device);
    return { path, isFileSystem: false, remove: () => rmSync(folder, { recursive: true }) };
  }
  const remove = () => {
    if (!run("umount", path)) throw new Error(`${path} could not be unmounted`);
    run("losetup", "--detach", device);
    rmSync(folder, { recursive: true });
  };
  return { path, isFileSystem: true, remove };
}

function makeDevice(image: string, { bytes, inodes }: FreshSize): string | undefined {
  if (process.geteuid?.() !== 0 || !run("truncate", "--size", `${bytes}`, image)) return undefined;
  const lazy = "lazy_itable_init=0,lazy_journal_init=0"; // Nothing is left to a thread of the kernel.
  if (!run("mkfs.ext4", "-q", "-N", `${inodes}`, "-E", lazy, image)) return undefined;
  // Without a second cache of the same bytes, where the disk allows it.
  return attach(image, "--direct-io=on") ?? attach(image);
}

function attach(image: string, ...options: string[]): string | undefined {
  try {
    const answer = Bun.spawnSync(["losetup", "--find", "--show", ...options, image]);
    return answer.success ? answer.stdout.toString().trim() : undefined;
  } catch {
    return undefined;
  }
}

function run(...command: string[]): boolean {
  try {
    return Bun.spawnSync(command, { stderr: "ignore" }).success;
  } catch {
    return false; // The tool is not there.
  }
}
