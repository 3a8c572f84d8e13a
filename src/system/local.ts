// Local folders on disk: the state and the cache of a client (base/local.ts).
//
// Files are 0600 in folders of 0700, written under a temporary name and renamed. A mapped file is
// whole before it has its name, and keeps its content when the name is replaced.

import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { Bytes } from "../base/bytes.ts";
import { BunkerError, fromSystemError, ofThisMachine, systemCodeOf } from "../base/errors.ts";
import type { LocalFolder, LocalWriter } from "../base/local.ts";
import { tryLock } from "./lock.ts";

const TEMPORARY_SUFFIX = ".new";
const LOCK_FILE = "lock";
/** How often, and how long each time, a step waits for that of another process. */
const STEP_TRY_COUNT = 400;
const STEP_WAIT_MS = 5;
/** Why a file that may be read is not mapped. */
const UNWRITABLE = ["EACCES", "EPERM", "EROFS"];
const WHERE = "XDG_STATE_HOME and XDG_CACHE_HOME may name other folders";
let temporaryCount = 0;

/** Opens a folder, making it where it is missing. */
export function openLocalFolder(path: string): LocalFolder {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw failure(error, `making ${path}`, path);
  }
  return new DiskFolder(path);
}

class DiskFolder implements LocalFolder {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  read(name: string): Uint8Array<ArrayBuffer> | undefined {
    try {
      return new Uint8Array(readFileSync(join(this.#path, name)));
    } catch (error) {
      if (systemCodeOf(error) === "ENOENT") return undefined;
      throw failure(error, `reading ${join(this.#path, name)}`);
    }
  }

  map(name: string): Bytes | undefined {
    return mapFile(join(this.#path, name));
  }

  write(name: string, parts: readonly Bytes[], options?: { readonly durable?: boolean }): void {
    const writer = new DiskWriter(this.#path, name, options?.durable === true);
    try {
      for (const part of parts) writer.write(part);
      writer.finish();
    } catch (error) {
      writer.abandon();
      throw error;
    }
  }

  create(name: string): LocalWriter {
    return new DiskWriter(this.#path, name, false);
  }

  delete(name: string): void {
    doing(`deleting ${join(this.#path, name)}`, () => {
      rmSync(join(this.#path, name), { force: true });
    });
  }

  list(): string[] {
    const entries = doing(`listing ${this.#path}`, () =>
      readdirSync(this.#path, { withFileTypes: true }),
    );
    return entries
      .filter((entry) => entry.isFile() && !entry.name.endsWith(TEMPORARY_SUFFIX))
      .map((entry) => entry.name);
  }

  exclusively<T>(name: string, step: () => T): T {
    const path = join(this.#path, `${name}.lock`);
    const descriptor = doing(`opening ${path}`, () => openSync(path, "a", 0o600));
    try {
      waitForLock(descriptor);
      return step();
    } finally {
      closeSync(descriptor);
    }
  }

  lock(): { release(): void } {
    const path = join(this.#path, LOCK_FILE);
    const descriptor = doing(`opening ${path}`, () => openSync(path, "a", 0o600));
    if (tryLock(descriptor) === false) {
      closeSync(descriptor);
      throw new BunkerError("busy", "another run of bunker is writing to this store from here", {
        subject: path,
        hint: "wait until it has ended",
      });
    }
    return { release: () => closeSync(descriptor) };
  }
}

// A lock that somebody never lets go of is waited for once, and no more.
let isWaitingInVain = false;

function waitForLock(descriptor: number): void {
  for (let tries = 0; tryLock(descriptor) === false; tries++) {
    isWaitingInVain ||= tries === STEP_TRY_COUNT;
    if (isWaitingInVain) return;
    Bun.sleepSync(STEP_WAIT_MS);
  }
}

class DiskWriter implements LocalWriter {
  readonly #folder: string;
  readonly #target: string;
  readonly #temporary: string;
  readonly #durable: boolean;
  #descriptor: number | undefined;

  constructor(folder: string, name: string, durable: boolean) {
    this.#folder = folder;
    this.#target = join(folder, name);
    this.#temporary = `${this.#target}.${process.pid}-${++temporaryCount}${TEMPORARY_SUFFIX}`;
    this.#durable = durable;
    try {
      this.#descriptor = openSync(this.#temporary, "wx", 0o600);
    } catch (error) {
      throw failure(error, `writing ${this.#target}`);
    }
  }

  write(bytes: Bytes): void {
    if (this.#descriptor === undefined) throw new Error("the file is finished");
    try {
      for (let at = 0; at < bytes.length;) {
        at += writeSync(this.#descriptor, bytes, at, bytes.length - at);
      }
    } catch (error) {
      throw failure(error, `writing ${this.#target}`);
    }
  }

  finish(): void {
    const descriptor = this.#descriptor;
    if (descriptor === undefined) return;
    doing(`writing ${this.#target}`, () => {
      if (this.#durable) fsyncSync(descriptor);
      this.#close();
      renameSync(this.#temporary, this.#target);
      if (this.#durable) syncFolder(this.#folder);
    });
  }

  abandon(): void {
    this.#close();
    rmSync(this.#temporary, { force: true });
  }

  #close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}

/**
 * Maps a whole file, privately, or reads it where that is refused; `undefined` where there is none,
 * or nothing in it.
 */
export function mapFile(path: string): Bytes | undefined {
  try {
    if (!existsSync(path) || statSync(path).size === 0) return undefined;
    // Private: a write to the memory never reaches the file.
    return Bun.mmap(path, { shared: false });
  } catch (error) {
    const code = systemCodeOf(error);
    // Another run may have merged it away in between.
    if (code === "ENOENT") return undefined;
    // The runtime opens for writing what it maps, also privately; reading it takes memory only.
    if (code !== undefined && UNWRITABLE.includes(code)) return readWhole(path);
    throw failure(error, `mapping ${path}`);
  }
}

function readWhole(path: string): Bytes {
  try {
    return readFileSync(path);
  } catch (error) {
    throw failure(error, `reading ${path}`);
  }
}

// These folders are this machine's: that they are full says nothing about the storage.
function failure(error: unknown, what: string, subject?: string): BunkerError {
  const { code, message } = ofThisMachine(fromSystemError(error, what));
  return new BunkerError(code, message, {
    cause: error,
    ...(subject === undefined ? {} : { subject }),
    hint: WHERE,
  });
}

function doing<T>(what: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    throw failure(error, what);
  }
}

function syncFolder(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
