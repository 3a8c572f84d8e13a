// Lock: an advisory lock on an open file, which the system drops when its process ends.

import { fromSystemError, systemCodeOf } from "../base/errors.ts";
import type { Descriptor } from "./files.ts";
import { systemError } from "./failure.ts";
import { openLibc } from "./libc.ts";

const LOCK_EXCLUSIVE = 2;
const LOCK_NO_WAITING = 4;

/**
 * Takes the one lock on the file behind `descriptor`; it lasts until the descriptor is closed.
 * Returns `false` where someone else has it, and `undefined` where this system has no such locks.
 */
export function tryLock(descriptor: Descriptor): boolean | undefined {
  const libc = openLibc();
  if (libc === undefined) return undefined;
  if (libc.call.flock(descriptor, LOCK_EXCLUSIVE | LOCK_NO_WAITING) === 0) return true;
  const error = systemError(libc.errno(), "flock");
  const code = systemCodeOf(error);
  if (code === "EAGAIN") return false;
  if (code === "ENOSYS" || code === "ENOLCK" || code === "ENOTSUP") return undefined;
  throw fromSystemError(error, "locking");
}
