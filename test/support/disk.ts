// Disk: a small file system of its own, to be filled.

import { tempDir, type TempDir } from "./temp.ts";

/** Mounts 1 MiB of memory; where that is not permitted there is nothing to test with. */
export function mountSmallDisk(size = "1m"): TempDir | undefined {
  const temp = tempDir();
  const mount = ["mount", "-t", "tmpfs", "-o", `size=${size},mode=700`, "tmpfs", temp.path];
  const found = Bun.which("mount") !== null;
  if (!found || Bun.spawnSync(mount, { stderr: "ignore" }).exitCode !== 0) {
    temp[Symbol.dispose]();
    if (process.env["CI"] === "true") throw new Error("in CI the tests must be able to mount");
    process.stdout.write("skipped: mounting is not permitted here\n");
    return undefined;
  }
  return {
    path: temp.path,
    [Symbol.dispose]() {
      Bun.spawnSync(["umount", "-l", temp.path]);
      temp[Symbol.dispose]();
    },
  };
}
