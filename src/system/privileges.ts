// Privileges: what this process may do with owners and attributes that others may not.
//
// On Linux each thread has a set of capabilities, which its status shows as a number in hex. Where
// that can't be read, root may do everything and others nothing of it.

import { readFileSync } from "node:fs";

export interface Privileges {
  /** May give files to anybody. */
  readonly chown: boolean;
  /** May set the capabilities of files. */
  readonly fileCapabilities: boolean;
  /** May set the attributes that are root's, `trusted.*`. */
  readonly trusted: boolean;
}

/** Bits of linux/capability.h. */
const CAP_CHOWN = 0n;
const CAP_SYS_ADMIN = 21n;
const CAP_SETFCAP = 31n;

/** What this thread may do now. */
export function readPrivileges(): Privileges {
  try {
    return privilegesIn(readFileSync("/proc/thread-self/status", "utf8"));
  } catch {
    return privilegesIn(""); // A system without /proc.
  }
}

/** The same by the text of a status. */
export function privilegesIn(status: string): Privileges {
  const digits = /^CapEff:\s*([0-9a-f]{1,16})$/m.exec(status)?.[1];
  const isRoot = process.geteuid?.() === 0;
  const has = (bit: bigint): boolean =>
    digits === undefined ? isRoot : ((BigInt(`0x${digits}`) >> bit) & 1n) === 1n;
  return {
    chown: has(CAP_CHOWN),
    fileCapabilities: has(CAP_SETFCAP),
    trusted: has(CAP_SYS_ADMIN),
  };
}
