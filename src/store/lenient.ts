// Lenient: local folders for runs that only read a store. Where they can't be made or written, as on a
// full disk or a read-only home, what they should hold lasts as long as the run, and the run goes on.
//
// What can be read there is still read: a machine that has seen a store misses what was taken away.

import { isBunkerError } from "../base/errors.ts";
import type { Bytes } from "../base/bytes.ts";
import type { LocalFolder, LocalWriter } from "../base/local.ts";
import type { LocalRoot } from "./context.ts";
import { ForgetfulFolder } from "./forgetful.ts";

/** Opens the folders when they are asked for. */
export interface LocalOpener {
  readonly root: () => LocalFolder;
  readonly state: (storeId: string) => LocalFolder;
  readonly cache: (storeId: string) => LocalFolder;
}

export interface LenientOptions {
  /** Whether a folder that did not open may be done without; else its error is thrown. */
  readonly mayMiss: (error: unknown) => boolean;
  /** Told why nothing more is remembered, for the first folder only. */
  readonly onLoss: (error: unknown) => void;
}

/** The same folders for runs that only read a store. */
export function lenientRoot(opener: LocalOpener, options: LenientOptions): LocalRoot {
  let isTold = false;
  const onLoss = (error: unknown): void => {
    if (!isTold) options.onLoss(error);
    isTold = true;
  };
  const open = (opening: () => LocalFolder): LocalFolder => {
    try {
      return new LenientFolder(opening(), onLoss);
    } catch (error) {
      if (!options.mayMiss(error)) throw error;
      onLoss(error);
      return new ForgetfulFolder();
    }
  };
  const opened = new Map<string, LocalFolder>();
  // One each: what one of two would write, the other would not see.
  const once = (key: string, opening: () => LocalFolder): LocalFolder => {
    const folder = opened.get(key) ?? open(opening);
    opened.set(key, folder);
    return folder;
  };
  return {
    root: open(() => opener.root()),
    state: (storeId) => once(`state ${storeId}`, () => opener.state(storeId)),
    cache: (storeId) => once(`cache ${storeId}`, () => opener.cache(storeId)),
  };
}

class LenientFolder implements LocalFolder {
  readonly #inner: LocalFolder;
  /** Reads the inner one, too: what was written before the first failure. */
  readonly #memory: ForgetfulFolder;
  readonly #onLoss: (error: unknown) => void;
  #isLost = false;

  constructor(inner: LocalFolder, onLoss: (error: unknown) => void) {
    this.#inner = inner;
    this.#memory = new ForgetfulFolder(inner);
    this.#onLoss = onLoss;
  }

  read(name: string): Uint8Array<ArrayBuffer> | undefined {
    return this.#memory.read(name);
  }

  map(name: string): Bytes | undefined {
    return this.#memory.map(name);
  }

  write(name: string, parts: readonly Bytes[], options?: { readonly durable?: boolean }): void {
    if (this.#tries(() => this.#inner.write(name, parts, options))) return;
    this.#memory.write(name, parts);
  }

  /** A writer that fails half way throws: what it had is gone with the file. */
  create(name: string): LocalWriter {
    let writer: LocalWriter | undefined;
    if (this.#tries(() => void (writer = this.#inner.create(name)))) return writer!;
    return this.#memory.create(name);
  }

  delete(name: string): void {
    if (this.#tries(() => this.#inner.delete(name))) return;
    this.#memory.delete(name);
  }

  list(): string[] {
    return this.#memory.list();
  }

  exclusively<T>(name: string, step: () => T): T {
    if (this.#isLost) return step();
    let hasBegun = false;
    try {
      return this.#inner.exclusively(name, () => {
        hasBegun = true;
        return step();
      });
    } catch (error) {
      if (hasBegun || !isBunkerError(error)) throw error;
      this.#lose(error);
      return step();
    }
  }

  lock(): { release(): void } {
    return this.#inner.lock();
  }

  // Whether the inner folder did it; once it has failed, it is not asked again.
  #tries(action: () => void): boolean {
    if (this.#isLost) return false;
    try {
      action();
      return true;
    } catch (error) {
      if (!isBunkerError(error)) throw error;
      this.#lose(error);
      return false;
    }
  }

  #lose(error: unknown): void {
    this.#isLost = true;
    this.#onLoss(error);
  }
}
