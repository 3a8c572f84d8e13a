// Store choice: the store that a command is about: `--store`, else BUNKER_STORE.

import { existsSync } from "node:fs";
import { resolve } from "node:path";

import { BunkerError } from "../base/errors.ts";
import type { Words } from "./command.ts";
import { type Config, findNamedStore, readConfig } from "./config.ts";
import {
  type BucketLocation,
  type FolderLocation,
  formatStoreLocation,
  isStoreName,
  parseStoreLocation,
} from "./store-location.ts";
import { type NamedStore, pathOfSetting } from "./store-settings.ts";
import type { Wiring } from "./wiring.ts";

export interface StoreChoice {
  /** Of a folder: its absolute path. */
  readonly location: FolderLocation | BucketLocation;
  /** Its section of the config file, where the store was given as `@NAME`. */
  readonly named?: NamedStore;
}

// A command asks for its store several times, and must get the same one, with one warning.
const choices = new WeakMap<Words, StoreChoice>();

/** The chosen store. Throws `invalid-argument` where none is named, or there is none of that name. */
export function chosenStore(wiring: Wiring, words: Words): StoreChoice {
  const known = choices.get(words);
  if (known !== undefined) return known;
  const choice = choose(wiring, words);
  choices.set(words, choice);
  return choice;
}

function choose(wiring: Wiring, words: Words): StoreChoice {
  const text = words.text("store") ?? wiring.environment["BUNKER_STORE"];
  if (text === undefined || text === "") throw noStore("give --store STORE");
  return storeChoiceOf(wiring, text);
}

function noStore(remedy: string): BunkerError {
  const hint = `${remedy}, or set BUNKER_STORE`;
  return new BunkerError("invalid-argument", "no store is named", { hint });
}

/**
 * The store of `store test [STORE]`: a name with or without "@", else a location, else the chosen
 * store. Throws as `chosenStore` does.
 */
export function testedStore(wiring: Wiring, words: Words): StoreChoice {
  const text = words.positionals[1];
  if (text !== undefined) return storeChoiceOf(wiring, isStoreName(text) ? `@${text}` : text);
  if (!wiring.environment["BUNKER_STORE"]) throw noStore("give bunker store test STORE");
  return chosenStore(wiring, words);
}

function storeChoiceOf(wiring: Wiring, text: string): StoreChoice {
  const { environment } = wiring;
  const location = parseStoreLocation(text);
  if (location.kind === "bucket") return { location };
  if (location.kind === "folder") {
    refuseBareName(wiring, text);
    return { location: { ...location, path: resolve(text) } };
  }
  const named = findNamedStore(configOf(wiring), location.name);
  return { location: placed(named.location, environment), named };
}

// Else init would make a folder "home" where "@home" was meant, and backups would go there.
function refuseBareName(wiring: Wiring, text: string): void {
  if (!isStoreName(text) || existsSync(text) || !configOf(wiring).stores.has(text)) return;
  throw new BunkerError(
    "invalid-argument",
    `there is no folder ${text} here, but a store @${text}`,
    {
      hint: `the store is @${text}; a new folder would be ./${text}`,
    },
  );
}

function configOf({ environment, messages }: Wiring): Config {
  return readConfig(environment, (message) => messages.warning(message));
}

function placed(
  location: StoreChoice["location"],
  environment: Wiring["environment"],
): StoreChoice["location"] {
  if (location.kind === "bucket") return location;
  return { ...location, path: resolve(pathOfSetting(location.path, environment)) };
}

/** The store as people call it: `@NAME`, else its location. */
export function nameOfChoice({ location, named }: StoreChoice): string {
  return named === undefined ? formatStoreLocation(location) : `@${named.name}`;
}
