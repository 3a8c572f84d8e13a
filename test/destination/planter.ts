// Plants links: puts a link in place of a folder and the folder back, as fast as it can, until
// it is killed. Says "ready" when it has done so once.

import { mkdirSync, renameSync, symlinkSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";

const [root, outside] = process.argv.slice(2);
if (root === undefined || outside === undefined) throw new Error("expected ROOT OUTSIDE");
const folder = join(root, "folder");
const aside = join(root, "aside");

for (let round = 0; ; round++) {
  try {
    renameSync(folder, aside);
    symlinkSync(outside, folder);
    unlinkSync(folder);
    renameSync(aside, folder);
  } catch {
    // The restore made a folder of that name in between: it serves as well.
    mkdirSync(folder, { recursive: true });
  }
  if (round === 0) writeSync(1, "ready\n");
}
