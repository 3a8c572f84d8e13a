// Config: the stores that the user has given names, in `config.toml`.
//
//   [stores.NAME]
//   location = "b2://BUCKET/PREFIX"
//   key-id = "…"
//   key-file = "/root/b2.key"
//
// What is no setting is an error and not passed over: a misspelled limit would be none.

import { BunkerError } from "../base/errors.ts";
import { configPathOf, changeConfigFile, readConfigFile } from "./config-file.ts";
import { withoutSection, withSection, withValue } from "./config-edit.ts";
import type { Environment } from "./locations.ts";
import { type PrivateFile, refuseIfWorldReadable, textOfFile } from "./private-file.ts";
import { similarTo } from "./similar.ts";
import { checkSettings, type NamedStore, type SettingValues } from "./store-settings.ts";
import { isTable, parseToml, type TomlTable } from "./toml.ts";

export type Warn = (message: string) => void;

export interface Config {
  readonly path: string;
  /** What the file says of each, not checked yet: a fault in one must not stop the others. */
  readonly stores: ReadonlyMap<string, TomlTable>;
}

/**
 * Reads the config file; an empty one where there is none. Throws `invalid-argument` for what is in
 * it that should not be, and `io` where others can read a secret in it, or write to it.
 */
export function readConfig(environment: Environment, warn: Warn): Config {
  return configOf(environment, readConfigFile(environment), warn);
}

function configOf(environment: Environment, file: PrivateFile | undefined, warn: Warn): Config {
  const path = configPathOf(environment);
  if (file === undefined) return { path, stores: new Map() };
  const { stores = {}, ...others } = parseToml(textOfFile(file), path);
  const [other] = Object.keys(others);
  if (other !== undefined) throw unknownTable(other, path);
  if (!isTable(stores)) throw wrong(`${path}: stores: expected sections [stores.NAME]`, path);
  const tables = Object.entries(stores).map(([name, table]) => {
    if (isTable(table)) return [name, table] as const;
    throw wrong(`${path}: store ${name}: expected a section [stores.NAME]`, path);
  });
  if (tables.some(([, { key }]) => key !== undefined)) refuseIfWorldReadable(file, warn);
  return { path, stores: new Map(tables) };
}

/** The store of that name. Throws `invalid-argument` where there is none. */
export function findNamedStore(config: Config, name: string): NamedStore {
  const found = config.stores.get(name);
  if (found !== undefined) return checkSettings(name, found, config.path);
  throw noSuchStore(config, name);
}

function noSuchStore(config: Config, name: string): BunkerError {
  const similar = similarTo(name, [...config.stores.keys()]);
  const add = `bunker store add ${name} LOCATION`;
  return new BunkerError("invalid-argument", `there is no store named ${name} in ${config.path}`, {
    hint: similar === undefined ? `name one with: ${add}` : `did you mean @${similar}?`,
  });
}

/** Adds a store. Throws `exists` where the name is taken. */
export function addNamedStore(environment: Environment, store: NamedStore, warn: Warn): void {
  changeConfigFile(environment, (file) => {
    const { path, stores } = configOf(environment, file, warn);
    if (stores.has(store.name)) throw nameTaken(store.name, path);
    const section = { name: store.name, values: tomlValues(store.values) };
    const before = file === undefined ? "" : textOfFile(file);
    return { before, after: withSection(before, path, section) };
  });
}

/** What to throw where a name stands for a store already. */
export function nameTaken(name: string, path: string): BunkerError {
  return new BunkerError("exists", `there is a store named ${name} in ${path} already`, {
    hint: `see: bunker store show ${name}; take the name away with: bunker store remove ${name}`,
  });
}

/** Takes a store out. Throws `invalid-argument` where there is none of that name. */
export function removeNamedStore(environment: Environment, name: string, warn: Warn): void {
  changeConfigFile(environment, (file) => {
    const config = configOf(environment, file, warn);
    if (!config.stores.has(name)) throw noSuchStore(config, name);
    const before = file === undefined ? "" : textOfFile(file);
    return { before, after: withoutSection(before, config.path, name) };
  });
}

/** Notes which store it is, unless that is noted or the store is no more named. */
export function noteStoreId(environment: Environment, name: string, id: string, warn: Warn): void {
  changeConfigFile(environment, (file) => {
    const config = configOf(environment, file, warn);
    const before = file === undefined ? "" : textOfFile(file);
    const store = config.stores.get(name);
    if (store === undefined || store["store-id"] !== undefined) {
      return { before, after: before };
    }
    const setting = { name, key: "store-id", value: id };
    return { before, after: withValue(before, config.path, setting) };
  });
}

// Numbers are written as numbers; all else is text.
function tomlValues(values: SettingValues): TomlTable {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [
      key,
      key === "connections" || key === "limit-requests" ? Number(value) : value,
    ]),
  );
}

function unknownTable(name: string, path: string): BunkerError {
  return new BunkerError("invalid-argument", `${path}: there is no section ${name}`, {
    subject: path,
    hint: "stores are sections [stores.NAME]",
  });
}

function wrong(message: string, path: string): BunkerError {
  return new BunkerError("invalid-argument", message, { subject: path });
}
