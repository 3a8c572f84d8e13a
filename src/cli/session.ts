// Session: a command's way to an open store.

import { availableParallelism, hostname } from "node:os";
import { join, resolve } from "node:path";
import { BunkerError, isBunkerError } from "../base/errors.ts";
import type { Monitor } from "../base/monitor.ts";
import type { LocalFolder } from "../base/local.ts";
import { type Core, instantiateCore } from "../core/core.ts";
import { parsePhrase } from "../crypto/phrase.ts";
import { parseKeyFile } from "../format/bundle.ts";
import { openFolderStorage } from "../storage/folder.ts";
import type { Storage } from "../storage/storage.ts";
import type { LocalRoot, StoreContext } from "../store/context.ts";
import { Store } from "../store/store.ts";
import type { Secret } from "../store/unlock.ts";
import { readAccounts } from "../system/accounts.ts";
import { loadCoreBytes } from "../system/core-file.ts";
import { openLocalFolder } from "../system/local.ts";
import { nativePlatform } from "../system/platform.ts";
import { systemWorld } from "../system/world.ts";
import type { Words } from "./command.ts";
import { EXIT, type ExitStatus, locally, worst } from "./exit.ts";
import type { Interruption } from "./interruption.ts";
import { ensurePrivateFolder, locationsOf } from "./locations.ts";
import { textOfFinding } from "./messages.ts";
import { stderrScreen, TerminalMonitor } from "./progress.ts";
import type { OwnFolders } from "./own-folders.ts";
import { findSecret, SECRET_VARIABLES } from "./secrets.ts";
import type { Wiring } from "./wiring.ts";

const LANE_COUNT_MAX = 8;

/** What `--store` or BUNKER_STORE says, word for word. */
function locationOf(wiring: Wiring, words: Words): string {
  const location = words.text("store") ?? wiring.environment["BUNKER_STORE"];
  if (location === undefined || location === "") {
    throw new BunkerError("invalid-argument", "no store is named", {
      hint: "give --store LOCATION, or set BUNKER_STORE",
    });
  }
  return location;
}

function isElsewhere(location: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(location) || location.startsWith("@");
}

// What stands before the host in an address may be a password.
function withoutUser(location: string): string {
  return location.replace(/:\/\/[^/]*@/, "://");
}

/** The storage that `--store` or BUNKER_STORE names. */
export async function openStorage(
  wiring: Wiring,
  words: Words,
  options: { readonly create: boolean },
): Promise<Storage> {
  const location = locationOf(wiring, words);
  if (isElsewhere(location)) {
    throw new BunkerError(
      "invalid-argument",
      `${withoutUser(location)}: this version keeps stores in folders only`,
      { hint: "name a folder: a disk, a mount, a share" },
    );
  }
  return openFolderStorage(location, options);
}

/** The folders of this machine that are bunker's own: no backup takes them in. */
export function ownFoldersOf(wiring: Wiring, words: Words): OwnFolders {
  const location = locationOf(wiring, words);
  const { state, cache } = locationsOf(wiring.environment);
  return {
    store: isElsewhere(location) ? undefined : resolve(location),
    local: [state, cache],
  };
}

/** Everything that a store is opened with. */
export function contextOf(wiring: Wiring, storage: Storage): StoreContext {
  return {
    platform: nativePlatform,
    world: systemWorld,
    core: newCore(),
    storage,
    local: localRoot(wiring),
    program: wiring.program,
  };
}

/** Compiled once; instances are made of it here and in the lanes. */
export function coreModule(): WebAssembly.Module {
  compiledCore ??= new WebAssembly.Module(loadCoreBytes());
  return compiledCore;
}

let compiledCore: WebAssembly.Module | undefined;

export function newCore(): Core {
  return instantiateCore(coreModule());
}

function localRoot(wiring: Wiring): LocalRoot {
  const { state, cache } = locationsOf(wiring.environment);
  // The upper one first: whoever can write to it can replace those in it.
  const openPrivate = (...folders: readonly string[]): LocalFolder => {
    locally(() => folders.forEach((folder) => ensurePrivateFolder(folder)));
    return openLocalFolder(folders.at(-1)!);
  };
  return {
    root: openPrivate(state),
    state: (storeId) => openPrivate(state, join(state, storeId)),
    cache: (storeId) => openPrivate(cache, join(cache, storeId)),
  };
}

/** Where a cache file of a store is, for lanes that map it. */
export function cachePathOf(wiring: Wiring, storeId: string): (file: string) => string {
  const { cache } = locationsOf(wiring.environment);
  return (file) => join(cache, storeId, file);
}

export function labelOf(wiring: Wiring, words: Words): string {
  const label = words.text("label") ?? wiring.environment["BUNKER_LABEL"] ?? hostname();
  if (label === "" || !label.isWellFormed() || Buffer.byteLength(label) > 255) {
    throw new BunkerError("invalid-argument", "a label has 1 to 255 bytes of UTF-8");
  }
  return label;
}

/** What the environment or the person gives to open the store with. */
export async function secretOf(wiring: Wiring): Promise<Secret> {
  const { environment, messages } = wiring;
  const warn = (message: string) => messages.warning(message);
  // A passphrase is asked for only when it is known that there is a store.
  if (!SECRET_VARIABLES.some((name) => environment[name] !== undefined)) {
    return {
      kind: "passphrase",
      passphrase: async () => (await findSecret(environment, { warn })).text,
    };
  }
  const found = await findSecret(environment, { warn });
  if (found.kind === "phrase") return { kind: "phrase", secret: parsePhrase(found.text) };
  if (found.kind === "key") {
    return { kind: "bundle", bundle: await parseKeyFile(nativePlatform, found.text) };
  }
  return { kind: "passphrase", passphrase: () => Promise.resolve(found.text) };
}

/** Opens the store, hands it to `use`, and says what was found wrong with it. */
export async function withStore(
  wiring: Wiring,
  words: Words,
  use: (store: Store) => Promise<ExitStatus>,
): Promise<ExitStatus> {
  const storage = await openStorage(wiring, words, { create: false });
  const statuses: ExitStatus[] = [];
  let store: Store | undefined;
  try {
    const context = contextOf(wiring, storage);
    const label = labelOf(wiring, words);
    const trust = words.texts("trust");
    store = await Store.open(context, await secretOf(wiring), { label, trust });
    if (store.keyring.shared !== undefined) context.core.setKeys(store.keyring.shared);
    store.findings.listen((finding) => wiring.messages.warning(textOfFinding(finding)));
    statuses.push(await use(store));
  } catch (error) {
    if (store !== undefined && store.findings.count > 0 && isBunkerError(error)) {
      wiring.messages.report(error);
      statuses.push(EXIT.failed);
    } else {
      throw error;
    }
  } finally {
    await storage.close();
  }
  if (store !== undefined && store.findings.count > 0) statuses.push(EXIT.damage);
  return worst(statuses);
}

/** Progress on a terminal, problems and notices everywhere. */
export function monitorOf(wiring: Wiring): TerminalMonitor {
  const monitor = new TerminalMonitor(systemWorld, wiring.messages, stderrScreen());
  return monitor satisfies Monitor;
}

/** How many lanes: `--lanes`, or the cores, bounded. */
export function laneCountOf(words: Words): number {
  const text = words.text("lanes");
  if (text === undefined) return Math.min(LANE_COUNT_MAX, availableParallelism());
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 64) {
    throw new BunkerError("invalid-argument", `--lanes: expected 1 to 64, found ${text}`);
  }
  return count;
}

export function hostOf(): { readonly host: string; readonly user: string } {
  const userId = process.getuid?.();
  // The runtime knows only what the environment claims; scheduled runs have no such claim.
  const name = userId === undefined ? process.env["USERNAME"] : readAccounts().userName(userId);
  return { host: hostname(), user: name ?? String(userId ?? "") };
}

const BREATH_MS = 50;

/**
 * Lets the event loop run (signals, messages, uploads) when the last time is long enough ago.
 * Given an interruption, it throws once the user wants to stop.
 */
export function breather(interruption?: Interruption): () => Promise<void> | undefined {
  let last = performance.now();
  return () => {
    interruption?.throwIfRequested();
    const now = performance.now();
    if (now - last < BREATH_MS) return undefined;
    return new Promise((done) => {
      setImmediate(() => {
        last = performance.now();
        done();
      });
    });
  };
}
