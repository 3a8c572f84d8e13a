// Forgetful: local folders whose files are read, and whose changes last as long as the run.
//
// For what must not be remembered, such as what a dry run saw. The cache is as it always is: what
// it holds is made from the store alone.

import { type Bytes, concatBytes, copyBytes } from "../base/bytes.ts";
import type { LocalFolder, LocalWriter } from "../base/local.ts";
import type { LocalRoot } from "./context.ts";

/** The same folders, of which only the cache is written. */
export function forgetfulRoot(inner: LocalRoot): LocalRoot {
  return {
    root: new ForgetfulFolder(inner.root),
    state: (storeId) => new ForgetfulFolder(inner.state(storeId)),
    cache: (storeId) => inner.cache(storeId),
  };
}

/** A folder whose changes are kept in memory; without an inner one, all of it. */
export class ForgetfulFolder implements LocalFolder {
  readonly #inner: LocalFolder | undefined;
  /** What was written, and `undefined` for what was deleted: the few small files of a state. */
  readonly #changes = new Map<string, Uint8Array<ArrayBuffer> | undefined>();

  constructor(inner?: LocalFolder) {
    this.#inner = inner;
  }

  read(name: string): Uint8Array<ArrayBuffer> | undefined {
    if (!this.#changes.has(name)) return this.#inner?.read(name);
    const bytes = this.#changes.get(name);
    return bytes === undefined ? undefined : copyBytes(bytes);
  }

  map(name: string): Bytes | undefined {
    if (!this.#changes.has(name)) return this.#inner?.map(name);
    const bytes = this.#changes.get(name);
    return bytes === undefined || bytes.length === 0 ? undefined : bytes;
  }

  write(name: string, parts: readonly Bytes[]): void {
    this.#changes.set(name, concatBytes(...parts));
  }

  create(name: string): LocalWriter {
    const parts: Bytes[] = [];
    return {
      write: (bytes) => void parts.push(copyBytes(bytes)),
      finish: () => this.write(name, parts),
      abandon: () => void parts.splice(0),
    };
  }

  delete(name: string): void {
    this.#changes.set(name, undefined);
  }

  list(): string[] {
    const inner = this.#inner?.list() ?? [];
    const kept = inner.filter((name) => !this.#changes.has(name));
    const written = [...this.#changes].filter(([, bytes]) => bytes !== undefined);
    return [...kept, ...written.map(([name]) => name)];
  }

  exclusively<T>(_name: string, step: () => T): T {
    return step();
  }

  lock(): { release(): void } {
    return { release: () => undefined };
  }
}
