// Boot: whether this machine still runs as it did, so that what was written is what will be read.

import { readFileSync } from "node:fs";

/** A name for the time since the machine was started; `undefined` where it can't be told. */
export function bootName(): string | undefined {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return undefined; // A system without /proc.
  }
}
