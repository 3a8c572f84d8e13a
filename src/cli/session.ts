// Session: a command's way to an open store.

import { availableParallelism, hostname } from "node:os";
import { join } from "node:path";
import { BunkerError, isBunkerError } from "../base/errors.ts";
import { hexId } from "../base/ids.ts";
import type { Monitor } from "../base/monitor.ts";
import type { LocalFolder } from "../base/local.ts";
import { type Core, instantiateCore } from "../core/core.ts";
import type { Storage } from "../storage/storage.ts";
import { thoroughStorage } from "../storage/thorough.ts";
import { unchangingStorage } from "../storage/unchanging.ts";
import type { LocalRoot, StoreContext } from "../store/context.ts";
import { forgetfulRoot } from "../store/forgetful.ts";
import { lenientRoot, type LocalOpener } from "../store/lenient.ts";
import { Store } from "../store/store.ts";
import { readAccounts } from "../system/accounts.ts";
import { loadCoreBytes } from "../system/core-file.ts";
import { openLocalFolder } from "../system/local.ts";
import { nativePlatform } from "../system/platform.ts";
import { systemWorld } from "../system/world.ts";
import type { Words } from "./command.ts";
import { noteStoreId } from "./config.ts";
import { configFolderIfAny } from "./config-file.ts";
import { EXIT, type ExitStatus, locally, worst } from "./exit.ts";
import type { Interruption } from "./interruption.ts";
import { couldNotBeMade, ensurePrivateFolder, locationsOf } from "./locations.ts";
import { textOfError, textOfFinding } from "./messages.ts";
import { stderrScreen, TerminalMonitor } from "./progress.ts";
import type { OwnFolders } from "./own-folders.ts";
import { openStorage } from "./storage.ts";
import { chosenStore, type StoreChoice } from "./store-choice.ts";
import { secretOf } from "./store-secrets.ts";
import { usageLine } from "./usage-report.ts";
import type { Wiring } from "./wiring.ts";

// A lane takes about 35 MiB and a pack of 16; the program 90; each upload under way a pack, of which
// a folder has one and a bucket six (docs/decisions.md).
const LANE_COUNT_MAX = { folder: 5, bucket: 3 } as const;

/** The folders of this machine that are bunker's own: no backup takes them in. */
export function ownFoldersOf(wiring: Wiring, words: Words): OwnFolders {
  const { location } = chosenStore(wiring, words);
  const { state, cache } = locationsOf(wiring.environment);
  const config = configFolderIfAny(wiring.environment); // It may hold keys.
  return {
    store: location.kind === "folder" ? location.path : undefined,
    local: config === undefined ? [state, cache] : [state, cache, config],
  };
}

/** Everything that a store is opened with, for whoever writes to it and must remember that. */
export function contextOf(wiring: Wiring, storage: Storage, choice: StoreChoice): StoreContext {
  const { root, state, cache } = openerOf(wiring);
  return contextWith(wiring, { storage, choice, local: { root: root(), state, cache } });
}

/** The same for whoever only reads it: without folders of its own, too. */
function readingContextOf(wiring: Wiring, storage: Storage, choice: StoreChoice): StoreContext {
  const onLoss = (error: unknown): void => {
    const text = `nothing can be remembered on this machine: ${textOfError(error)}`;
    wiring.messages.notice(text);
  };
  const local = lenientRoot(openerOf(wiring), { mayMiss: couldNotBeMade, onLoss });
  return contextWith(wiring, { storage, choice, local });
}

interface Opening {
  readonly storage: Storage;
  readonly choice: StoreChoice;
  readonly local: LocalRoot;
}

function contextWith(wiring: Wiring, { storage, choice, local }: Opening): StoreContext {
  const storeId = choice.named?.values["store-id"];
  return {
    platform: nativePlatform,
    world: systemWorld,
    core: newCore(),
    storage,
    local,
    program: wiring.program,
    ...(storeId === undefined ? {} : { storeId }),
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

function openerOf(wiring: Wiring): LocalOpener {
  const { state, cache } = locationsOf(wiring.environment);
  // The upper one first: whoever can write to it can replace those in it.
  const openPrivate = (...folders: readonly string[]): LocalFolder => {
    locally(() => folders.forEach((folder) => ensurePrivateFolder(folder)));
    return openLocalFolder(folders.at(-1)!);
  };
  return {
    root: () => openPrivate(state),
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

export interface SessionOptions {
  /** Nothing is stored, and nothing remembered but in the cache. */
  readonly isDry?: boolean;
  /** What is there is asked of the storage, whatever this machine knows of it. */
  readonly isThorough?: boolean;
  /** It must be possible to remember what is done; else what can't be remembered is told. */
  readonly isWriting?: boolean;
  /** A line tells what a bucket's service was asked for, and what that costs; in JSON, the command. */
  readonly tellsUsage?: boolean;
}

/** Opens the store, hands it to `use`, and says what was found wrong with it. */
export async function withStore(
  wiring: Wiring,
  words: Words,
  use: (store: Store) => Promise<ExitStatus>,
  options: SessionOptions = {},
): Promise<ExitStatus> {
  const opened = await openStorage(wiring, words, { create: false });
  const storage = storageFor(opened, options);
  const statuses: ExitStatus[] = [];
  let store: Store | undefined;
  try {
    const choice = chosenStore(wiring, words);
    store = await openStore(wiring, words, contextFor(wiring, { storage, choice, options }));
    if (options.isDry !== true) noteId(wiring, choice, hexId(store.keys.storeId));
    statuses.push(await use(store));
    tellUsage(wiring, words, { storage, options });
  } catch (error) {
    if (store !== undefined) tellUsage(wiring, words, { storage, options });
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

function storageFor(opened: Storage, { isDry, isThorough }: SessionOptions): Storage {
  if (isDry === true) return unchangingStorage(opened);
  return isThorough === true ? thoroughStorage(opened) : opened;
}

function tellUsage(
  { messages }: Wiring,
  words: Words,
  { storage, options }: { readonly storage: Storage; readonly options: SessionOptions },
): void {
  if (options.tellsUsage !== true || words.flag("json")) return;
  const usage = storage.usage?.();
  if (usage !== undefined) messages.notice(usageLine(usage));
}

function contextFor(
  wiring: Wiring,
  { storage, choice, options }: Omit<Opening, "local"> & { readonly options: SessionOptions },
): StoreContext {
  const { isDry = false, isWriting = false } = options;
  const whole = isWriting
    ? contextOf(wiring, storage, choice)
    : readingContextOf(wiring, storage, choice);
  return isDry ? { ...whole, local: forgetfulRoot(whole.local) } : whole;
}

/** Notes in the config file which store a name stands for: from then on it is the only one. */
export function noteId({ environment, messages }: Wiring, choice: StoreChoice, id: string): void {
  const { named } = choice;
  if (named === undefined || named.values["store-id"] !== undefined) return;
  try {
    noteStoreId(environment, named.name, id, (message) => messages.warning(message));
  } catch (error) {
    // A config that is only read is the user's wish; this machine remembers the store all the same.
    if (isBunkerError(error, "io")) return;
    messages.notice(`the id of @${named.name} is not noted: ${textOfError(error)}`);
  }
}

async function openStore(wiring: Wiring, words: Words, context: StoreContext): Promise<Store> {
  const label = labelOf(wiring, words);
  const trust = words.texts("trust");
  const store = await Store.open(context, await secretOf(wiring, words), { label, trust });
  if (store.keyring.shared !== undefined) context.core.setKeys(store.keyring.shared);
  store.findings.listen((finding) => wiring.messages.warning(textOfFinding(finding)));
  return store;
}

/** Progress on a terminal, problems and notices everywhere. */
export function monitorOf(wiring: Wiring): TerminalMonitor {
  const monitor = new TerminalMonitor(systemWorld, wiring.messages, stderrScreen());
  return monitor satisfies Monitor;
}

/** How many lanes: `--lanes`, or the cores, as far as 400 MiB of memory will do for them. */
export function laneCountOf(wiring: Wiring, words: Words): number {
  const text = words.text("lanes");
  const { kind } = chosenStore(wiring, words).location;
  if (text === undefined) return Math.min(LANE_COUNT_MAX[kind], availableParallelism());
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 64) {
    throw new BunkerError("invalid-argument", `--lanes: expected 1 to 64, found ${text}`, {
      hint: `without it: all cores, up to ${LANE_COUNT_MAX[kind]}`,
    });
  }
  return count;
}

export function hostOf(words: Words): { readonly host: string; readonly user: string } {
  const host = words.text("host") ?? hostname();
  if (host === "" || !host.isWellFormed() || Buffer.byteLength(host) > 255) {
    throw new BunkerError("invalid-argument", "a host's name has 1 to 255 bytes of UTF-8");
  }
  const userId = process.getuid?.();
  // The runtime knows only what the environment claims; scheduled runs have no such claim.
  const name = userId === undefined ? process.env["USERNAME"] : readAccounts().userName(userId);
  return { host, user: name ?? String(userId ?? "") };
}

const BREATH_MS = 50;
const COLLECT_MS = 500;

/**
 * Lets the event loop run (signals, messages, uploads) when the last time is long enough ago.
 * Given an interruption, it throws once the user wants to stop. Now and then it collects what is no
 * longer used: left alone, the collector lets a million files' leavings grow to hundreds of MiB.
 */
export function breather(interruption?: Interruption): () => Promise<void> | undefined {
  let last = performance.now();
  let collected = last;
  return () => {
    interruption?.throwIfRequested();
    const now = performance.now();
    if (now - last < BREATH_MS) return undefined;
    return new Promise((done) => {
      setImmediate(() => {
        if (now - collected >= COLLECT_MS) {
          Bun.gc(true);
          collected = performance.now();
        }
        last = performance.now();
        done();
      });
    });
  };
}
