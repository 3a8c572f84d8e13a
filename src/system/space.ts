// Space: how much may still be written.

import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import { fromSystemError, systemCodeOf } from "../base/errors.ts";

/** Bytes free for this user where `path` is, or will be: the nearest folder that exists counts. */
export function freeBytes(path: string): number {
  for (let at = path; ; at = dirname(at)) {
    try {
      const stat = statfsSync(at);
      return stat.bavail * stat.bsize;
    } catch (error) {
      if (systemCodeOf(error) === "ENOENT" && dirname(at) !== at) continue;
      throw fromSystemError(error, "looking for free space", at);
    }
  }
}
