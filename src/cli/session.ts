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
import { unchangingStorage } from "../storage/unchanging.ts";
import type { LocalRoot, StoreContext } from "../store/context.ts";
import { forgetfulRoot } from "../store/forgetful.ts";
import { lenientRoot, type LocalOpener } from "../store/lenient.ts";
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
import { couldNotBeMade, ensurePrivateFolder, locationsOf } from "./locations.ts";
import { textOfError, textOfFinding } from "./messages.ts";
import { stderrScreen, TerminalMonitor } from "./progress.ts";
import type { OwnFolders } from "./own-folders.ts";
import { findSecret, SECRET_VARIABLES } from "./secrets.ts";
import type { Wiring } from "./wiring.ts";

const LANE_COUNT_MAX = 8;
const PASSPHRASE_TRY_COUNT = 3;

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

/** Everything that a store is opened with, for whoever writes to it and must remember that. */
export function contextOf(wiring: Wiring, storage: Storage): StoreContext {
  const { root, state, cache } = openerOf(wiring);
  return contextWith(wiring, storage, { root: root(), state, cache });
}

/** The same for whoever only reads it: without folders of its own, too. */
function readingContextOf(wiring: Wiring, storage: Storage): StoreContext {
  const onLoss = (error: unknown): void => {
    const text = `nothing can be remembered on this machine: ${textOfError(error)}`;
    wiring.messages.notice(text);
  };
  const local = lenientRoot(openerOf(wiring), { mayMiss: couldNotBeMade, onLoss });
  return contextWith(wiring, storage, local);
}

function contextWith(wiring: Wiring, storage: Storage, local: LocalRoot): StoreContext {
  return {
    platform: nativePlatform,
    world: systemWorld,
    core: newCore(),
    storage,
    local,
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

/** What the environment or the person gives to open the store with. */
export async function secretOf(wiring: Wiring): Promise<Secret> {
  const { environment } = wiring;
  // A passphrase is asked for only when it is known that there is a store.
  if (!SECRET_VARIABLES.some((name) => environment[name] !== undefined)) {
    return askedSecret(wiring);
  }
  const found = await findSecret(environment, { warn: warningOf(wiring) });
  if (found.kind === "phrase") return { kind: "phrase", secret: parsePhrase(found.text) };
  if (found.kind === "key") {
    return { kind: "bundle", bundle: await parseKeyFile(nativePlatform, found.text) };
  }
  return { kind: "passphrase", passphrase: () => Promise.resolve(found.text) };
}

// A person mistypes what a script has right or wrong for good.
function askedSecret(wiring: Wiring): Secret {
  const ask = async () => (await findSecret(wiring.environment, { warn: warningOf(wiring) })).text;
  let tryCount = 1;
  const another = async (): Promise<string | undefined> => {
    tryCount += 1;
    if (tryCount > PASSPHRASE_TRY_COUNT) return undefined;
    wiring.messages.notice("this passphrase opens no key slot of the store: please try again");
    return ask();
  };
  return { kind: "passphrase", passphrase: ask, another };
}

function warningOf({ messages }: Wiring): (message: string) => void {
  return (message) => messages.warning(message);
}

export interface SessionOptions {
  /** Nothing is stored, and nothing remembered but in the cache. */
  readonly isDry?: boolean;
  /** It must be possible to remember what is done; else what can't be remembered is told. */
  readonly isWriting?: boolean;
}

/** Opens the store, hands it to `use`, and says what was found wrong with it. */
export async function withStore(
  wiring: Wiring,
  words: Words,
  use: (store: Store) => Promise<ExitStatus>,
  options: SessionOptions = {},
): Promise<ExitStatus> {
  const opened = await openStorage(wiring, words, { create: false });
  const storage = options.isDry === true ? unchangingStorage(opened) : opened;
  const statuses: ExitStatus[] = [];
  let store: Store | undefined;
  try {
    store = await openStore(wiring, words, contextFor(wiring, storage, options));
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

function contextFor(
  wiring: Wiring,
  storage: Storage,
  { isDry = false, isWriting = false }: SessionOptions,
): StoreContext {
  const whole = isWriting ? contextOf(wiring, storage) : readingContextOf(wiring, storage);
  return isDry ? { ...whole, local: forgetfulRoot(whole.local) } : whole;
}

async function openStore(wiring: Wiring, words: Words, context: StoreContext): Promise<Store> {
  const label = labelOf(wiring, words);
  const trust = words.texts("trust");
  const store = await Store.open(context, await secretOf(wiring), { label, trust });
  if (store.keyring.shared !== undefined) context.core.setKeys(store.keyring.shared);
  store.findings.listen((finding) => wiring.messages.warning(textOfFinding(finding)));
  return store;
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
    throw new BunkerError("invalid-argument", `--lanes: expected 1 to 64, found ${text}`, {
      hint: "without it: all cores, up to 8",
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
