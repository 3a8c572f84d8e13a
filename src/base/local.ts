// Local files: what a client keeps on its own machine, in its state and in its cache folder.
//
// Files are small or mapped, private (0600), written whole and replaced by rename only.

import type { Bytes } from "./bytes.ts";

export interface LocalFolder {
  /** The whole file, `undefined` if there is none. */
  read(name: string): Uint8Array<ArrayBuffer> | undefined;
  /**
   * The file as read-only mapped memory, `undefined` if there is none or it is empty. It stays
   * valid when the name is replaced or deleted.
   */
  map(name: string): Bytes | undefined;
  /** Writes a file whole under a temporary name and renames it; `durable` waits for the disk. */
  write(name: string, parts: readonly Bytes[], options?: { readonly durable?: boolean }): void;
  /** Opens a new file that takes the name when it is finished. */
  create(name: string): LocalWriter;
  delete(name: string): void;
  /** Names of plain files, in no order; a name never has a slash. */
  list(): string[];
  /**
   * Runs a short step that reads and writes the file of this name, while no other process does so.
   * Whoever is kept waiting for long runs it all the same.
   */
  exclusively<T>(name: string, step: () => T): T;
  /** Takes the folder's lock, or throws `busy`; the lock ends with the process. */
  lock(): { release(): void };
}

export interface LocalWriter {
  write(bytes: Bytes): void;
  /** Renames the file to its name. */
  finish(): void;
  /** Drops what was written. */
  abandon(): void;
}
