// Config file: reads and writes `config.toml` in the user's config folder.
//
// It may hold keys, and it may name commands that bunker runs: it is read only where nobody else
// could have written it. It is replaced whole, by rename, and is 0600 from then on. A link to it
// stays one: what it leads to is replaced.

import { existsSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";

import { utf8 } from "../base/bytes.ts";
import { isBunkerError } from "../base/errors.ts";
import { openLocalFolder } from "../system/local.ts";
import { locally } from "./exit.ts";
import { configFolderOf, ensurePrivateFolder, type Environment } from "./locations.ts";
import { type PrivateFile, readPrivateFile, refuseIfForeign } from "./private-file.ts";

const CONFIG_FILE = "config.toml";

/** The path of the config file, which need not be there. */
export function configPathOf(environment: Environment): string {
  return join(configFolderOf(environment), CONFIG_FILE);
}

/** The folder with the config file, where there is one. */
export function configFolderIfAny(environment: Environment): string | undefined {
  try {
    const path = configPathOf(environment);
    return existsSync(path) ? dirname(path) : undefined;
  } catch {
    return undefined; // Nobody says where it would be: HOME is missing.
  }
}

/** The config file, `undefined` where there is none. Throws where somebody else could write it. */
export function readConfigFile(environment: Environment): PrivateFile | undefined {
  try {
    const file = readPrivateFile(configPathOf(environment), "the config file");
    refuseIfForeign(file);
    return file;
  } catch (error) {
    if (isBunkerError(error, "not-found")) return undefined;
    throw error;
  }
}

/**
 * Replaces the text of the config file by what `change` makes of it (of "" where there is none),
 * while no other run does so. Nothing is written where it stays the same.
 */
export function changeConfigFile(
  environment: Environment,
  change: (file: PrivateFile | undefined) => { readonly before: string; readonly after: string },
): void {
  const path = configPathOf(environment);
  locally(() => ensurePrivateFolder(dirname(path)));
  const real = existsSync(path) ? realpathSync(path) : path;
  const folder = openLocalFolder(dirname(real));
  folder.exclusively(basename(real), () => {
    const { before, after } = change(readConfigFile(environment));
    if (after !== before) folder.write(basename(real), [utf8(after)], { durable: true });
  });
}
