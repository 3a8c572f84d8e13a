// Locations: where this machine keeps what belongs to bunker, by the XDG base directory rules.
//
//   config  what the user sets           $XDG_CONFIG_HOME/bunker, ~/.config/bunker
//   state   what a backup remembers      $XDG_STATE_HOME/bunker,  ~/.local/state/bunker
//   cache   may be deleted at any time   $XDG_CACHE_HOME/bunker,  ~/.cache/bunker
//
// Whoever can write to the last two can make a backup leave files out, so they must be one's own.

import { mkdirSync, type Stats, statSync } from "node:fs";
import { isAbsolute, join } from "node:path";

import { BunkerError, fromSystemError, isBunkerError, systemCodeOf } from "../base/errors.ts";

const PRIVATE_FOLDER = 0o700;
const WRITABLE_BY_OTHERS = 0o022;

export type Environment = Readonly<Record<string, string | undefined>>;

/** Absolute paths of folders that may not exist yet. */
export interface Locations {
  readonly state: string;
  readonly cache: string;
}

/** Throws `invalid-argument` where neither an XDG variable nor HOME says where. */
export function locationsOf(environment: Environment): Locations {
  return {
    state: folderOf(environment, "XDG_STATE_HOME", ".local/state"),
    cache: folderOf(environment, "XDG_CACHE_HOME", ".cache"),
  };
}

/** Where the config file is. Throws as `locationsOf` does. */
export function configFolderOf(environment: Environment): string {
  return folderOf(environment, "XDG_CONFIG_HOME", ".config");
}

const WHERE = "XDG_STATE_HOME and XDG_CACHE_HOME may name other folders";

/**
 * Makes the folder and those above it, for this user alone. One that exists stays as it is, and must
 * belong to this user (root too takes its own only) and be closed to the writing of all others.
 * Throws `denied` where it is not.
 */
export function ensurePrivateFolder(path: string, userId = process.geteuid?.()): void {
  let stats: Stats;
  try {
    mkdirSync(path, { recursive: true, mode: PRIVATE_FOLDER });
    stats = statSync(path);
  } catch (error) {
    const { code, message, cause } = fromSystemError(error, "cannot make the folder", path);
    throw new BunkerError(code, message, { cause, subject: path, hint: WHERE });
  }
  if (userId === undefined) return; // A system without users' numbers.
  if (stats.uid !== userId) {
    throw refusal(path, `expected a folder of user ${userId}, found one of user ${stats.uid}`, {
      hint: "set HOME, or XDG_STATE_HOME and XDG_CACHE_HOME, to folders of the user that runs bunker",
    });
  }
  if ((stats.mode & WRITABLE_BY_OTHERS) !== 0) {
    const mode = (stats.mode & 0o777).toString(8).padStart(4, "0");
    throw refusal(path, `expected a folder that only its owner can write to, found mode ${mode}`, {
      hint: `if nobody else has written to it, close it with: chmod 700 ${path}`,
    });
  }
}

/** Whether a folder is missing because the system would not make it: not because of whose it is. */
export function couldNotBeMade(error: unknown): boolean {
  return isBunkerError(error) && systemCodeOf(error.cause) !== undefined;
}

function refusal(path: string, message: string, details: { readonly hint: string }): BunkerError {
  return new BunkerError("denied", message, { subject: path, ...details });
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
