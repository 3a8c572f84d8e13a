// All benchmarks, one after the other: `bun run bench`. They want the machine for themselves.

import { join } from "node:path";

for (const name of ["core.ts", "start.ts", "restic.ts", "many.ts", "attributes.ts", "bucket.ts"]) {
  console.log(`\n## ${name}\n`);
  const { exitCode } = Bun.spawnSync([process.execPath, join(import.meta.dir, name)], {
    stdout: "inherit",
    stderr: "inherit",
  });
  if (exitCode !== 0) process.exit(exitCode);
}
