// Locations: where this machine keeps what belongs to bunker, by the XDG base directory rules.
//
//   config  names of stores              $XDG_CONFIG_HOME/bunker, ~/.config/bunker
//   state   what a backup remembers      $XDG_STATE_HOME/bunker,  ~/.local/state/bunker
//   cache   may be deleted at any time   $XDG_CACHE_HOME/bunker,  ~/.cache/bunker

import { mkdirSync } from "node:fs";
import { isAbsolute, join } from "node:path";

import { BunkerError, fromSystemError } from "../base/errors.ts";

const PRIVATE_FOLDER = 0o700;

export type Environment = Readonly<Record<string, string | undefined>>;

/** Absolute paths of folders that may not exist yet. */
export interface Locations {
  readonly config: string;
  readonly state: string;
  readonly cache: string;
}

/** Throws `invalid-argument` where neither an XDG variable nor HOME says where. */
export function locationsOf(environment: Environment): Locations {
  return {
    config: folderOf(environment, "XDG_CONFIG_HOME", ".config"),
    state: folderOf(environment, "XDG_STATE_HOME", ".local/state"),
    cache: folderOf(environment, "XDG_CACHE_HOME", ".cache"),
  };
}

/** Makes the folder and those above it, for this user alone; one that exists stays as it is. */
export function ensurePrivateFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: PRIVATE_FOLDER });
  } catch (error) {
    throw fromSystemError(error, "cannot make the folder", path);
  }
}

// By the specification a relative path in such a variable is to be ignored.
function folderOf(environment: Environment, variable: string, underHome: string): string {
  const folder = environment[variable];
  if (folder !== undefined && isAbsolute(folder)) return join(folder, "bunker");
  const home = environment["HOME"];
  if (home !== undefined && isAbsolute(home)) return join(home, underHome, "bunker");
  throw new BunkerError("invalid-argument", `neither ${variable} nor HOME names an absolute path`, {
    hint: `set HOME, or ${variable}`,
  });
}
