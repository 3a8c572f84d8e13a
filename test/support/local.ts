// Local folders in memory: what a client keeps, without a disk. Names can be looked at and spoilt.

import { type Bytes, concatBytes, copyBytes } from "../../src/base/bytes.ts";
import { BunkerError } from "../../src/base/errors.ts";
import type { LocalFolder, LocalWriter } from "../../src/base/local.ts";
import type { LocalRoot } from "../../src/store/context.ts";

export class MemoryFolder implements LocalFolder {
  readonly files = new Map<string, Uint8Array<ArrayBuffer>>();
  #locked = false;

  read(name: string): Uint8Array<ArrayBuffer> | undefined {
    const bytes = this.files.get(name);
    return bytes === undefined ? undefined : copyBytes(bytes);
  }

  /** A file is replaced, never changed, so that its bytes may be handed out as they are. */
  map(name: string): Bytes | undefined {
    const bytes = this.files.get(name);
    return bytes === undefined || bytes.length === 0 ? undefined : bytes;
  }

  write(name: string, parts: readonly Bytes[]): void {
    this.files.set(name, concatBytes(...parts));
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
    this.files.delete(name);
  }

  list(): string[] {
    return [...this.files.keys()];
  }

  exclusively<T>(_name: string, step: () => T): T {
    return step();
  }

  lock(): { release(): void } {
    if (this.#locked) throw new BunkerError("busy", "the folder is locked");
    this.#locked = true;
    return { release: () => void (this.#locked = false) };
  }
}

export interface MemoryRoot extends LocalRoot {
  readonly root: MemoryFolder;
  state(storeId: string): MemoryFolder;
  cache(storeId: string): MemoryFolder;
  /** Another user's folders with the same files in them. */
  copy(): MemoryRoot;
}

/** The folders of a user; the same id gives the same folder again. */
export function memoryRoot(folders = new Map<string, MemoryFolder>()): MemoryRoot {
  const folder = (name: string): MemoryFolder => {
    const found = folders.get(name) ?? new MemoryFolder();
    folders.set(name, found);
    return found;
  };
  return {
    root: folder("root"),
    state: (storeId) => folder(`state ${storeId}`),
    cache: (storeId) => folder(`cache ${storeId}`),
    copy: () => memoryRoot(new Map([...folders].map(([name, { files }]) => [name, copyOf(files)]))),
  };
}

// Files are replaced, never changed, so that both may hold the same bytes.
function copyOf(files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>): MemoryFolder {
  const folder = new MemoryFolder();
  for (const [name, bytes] of files) folder.files.set(name, bytes);
  return folder;
}
