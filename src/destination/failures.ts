// Failures: what the destination says of a step that the system refused.

import { BunkerError, fromSystemError, systemCodeOf } from "../base/errors.ts";
import type { FolderPath } from "./destination.ts";
import { textOfPath } from "./names.ts";

export function taken(path: FolderPath): BunkerError {
  return inTheWay(path, "something has this name already");
}

export function inTheWay(path: FolderPath, message: string): BunkerError {
  return new BunkerError("exists", message, { subject: textOfPath(path) });
}

/** Runs a step of the restore and says of its failure what was being done, and where. */
export function doing<T>(what: string, path: FolderPath, step: () => T): T {
  try {
    return step();
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === "EISDIR") throw inTheWay(path, "expected no folder, found one in the way");
    if (code === "EEXIST") throw inTheWay(path, `${what}: something has this name already`);
    throw fromSystemError(error, what, textOfPath(path));
  }
}
