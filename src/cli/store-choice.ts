// Store choice: the store that a command is about: `--store`, else BUNKER_STORE.

import { resolve } from "node:path";

import { BunkerError } from "../base/errors.ts";
import type { Words } from "./command.ts";
import { findNamedStore, readConfig } from "./config.ts";
import {
  type BucketLocation,
  type FolderLocation,
  formatStoreLocation,
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
  if (text === undefined || text === "") {
    throw new BunkerError("invalid-argument", "no store is named", {
      hint: "give --store STORE, or set BUNKER_STORE",
    });
  }
  return storeChoiceOf(wiring, text);
}

/**
 * The store of `store test [STORE]`: a name with or without "@", else a location, else the chosen
 * store. Throws as `chosenStore` does.
 */
export function testedStore(wiring: Wiring, words: Words): StoreChoice {
  const text = words.positionals[1];
  if (text === undefined) return chosenStore(wiring, words);
  const isName = /^[a-z0-9_-]+$/i.test(text);
  return storeChoiceOf(wiring, isName ? `@${text}` : text);
}

function storeChoiceOf({ environment, messages }: Wiring, text: string): StoreChoice {
  const location = parseStoreLocation(text);
  if (location.kind === "bucket") return { location };
  if (location.kind === "folder") return { location: { ...location, path: resolve(text) } };
  const config = readConfig(environment, (message) => messages.warning(message));
  const named = findNamedStore(config, location.name);
  return { location: placed(named.location, environment), named };
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
