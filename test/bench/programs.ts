// Programs: what the benchmarks race, and the environment that keeps each in a folder of its own.

import { join } from "node:path";

export const BINARY = join(import.meta.dir, "../../dist/bunker");

/** Of both: stores, caches and all else are below the folder. */
export function environment(folder: string): Record<string, string> {
  return {
    PATH: process.env["PATH"] ?? "",
    HOME: folder,
    XDG_STATE_HOME: join(folder, "state"),
    XDG_CACHE_HOME: join(folder, "cache"),
    XDG_CONFIG_HOME: join(folder, "config"),
    BUNKER_STORE: join(folder, "store"),
    BUNKER_PASSPHRASE: "bench",
    RESTIC_REPOSITORY: join(folder, "store"),
    RESTIC_PASSWORD: "bench",
    RESTIC_CACHE_DIR: join(folder, "cache"),
  };
}

/** The words before those of a command. */
export const COMMANDS = { bunker: [BINARY], restic: ["restic", "-q"] } as const;
