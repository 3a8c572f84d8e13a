// Core dumps: a process that holds keys leaves none behind when it crashes.
//
// On Linux the process is marked as not to be dumped, which also keeps other programs of the same
// user from looking into its memory. It ends with the process, and programs that it starts are not
// marked. A limit of size (`ulimit -c 0`) would be handed on to those, and would not bind a system
// that hands dumps to a program.

import { openLibc } from "./libc.ts";

/** Numbers of prctl. */
const PRCTL: Readonly<Record<string, number>> = { x64: 157, arm64: 167 };
const PR_SET_DUMPABLE = 4;

let isForbidden = false;

/** Returns whether the system took it; where it knows no such thing, dumps stay as they are set. */
export function forbidCoreDumps(): boolean {
  const libc = isForbidden ? undefined : openLibc();
  const number = PRCTL[process.arch];
  if (libc === undefined || number === undefined) return isForbidden;
  // The second argument, 0, stands where other calls have a pointer.
  isForbidden = Number(libc.call.syscall(number, PR_SET_DUMPABLE, null, 0, 0, null)) === 0;
  return isForbidden;
}
