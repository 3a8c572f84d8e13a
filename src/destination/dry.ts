// The dry destination: looks at a folder, and makes, changes and removes nothing.

import type { Bytes } from "../base/bytes.ts";
import { isBunkerError } from "../base/errors.ts";
import type { RawStat } from "../system/stat.ts";
import type { Complaint, Destination, FolderPath, NewFile, PresentThings } from "./destination.ts";
import { inTheWay } from "./failures.ts";
import type { FolderDestination } from "./folder.ts";
import type { Removal, RemovalRules } from "./removal.ts";

export interface DryOptions {
  /** Things of another kind would make way. */
  readonly clearing: boolean;
}

export class DryDestination implements Destination {
  readonly limits: readonly string[] = [];
  readonly there: PresentThings;
  readonly #real: FolderDestination | undefined;
  readonly #clearing: boolean;

  /** Without a folder, as where there is none yet, nothing is there. */
  constructor(real: FolderDestination | undefined, { clearing }: DryOptions) {
    this.#real = real;
    this.#clearing = clearing;
    this.there = presentIn(real);
  }

  takeComplaints(): readonly Complaint[] {
    return [];
  }

  isEmpty(): boolean {
    return this.#real?.isEmpty() ?? true;
  }

  makeFolder(path: FolderPath): RawStat | undefined {
    const found = this.there.look(path.slice(0, -1), path.at(-1)!);
    if (found === undefined || found.type === "folder") return found;
    if (this.#clearing) return undefined;
    throw inTheWay(path, `expected a folder, found a ${found.type}`);
  }

  createFile(folder: FolderPath, name: Bytes): NewFile {
    return { descriptor: -1, folder, name, writtenAs: name };
  }

  openInPlace(folder: FolderPath, name: Bytes): NewFile {
    return { ...this.createFile(folder, name), isInPlace: true };
  }

  removal(rules: RemovalRules): Pick<Removal, "remove"> {
    return this.#real?.removal({ ...rules, dry: true }) ?? { remove: () => true };
  }

  hasRoom(): boolean {
    return true;
  }

  writeAt(): void {}
  truncate(): void {}
  clear(): void {}
  finishFile(): void {}
  discardFile(): void {}
  makeLink(): void {}
  makeHardLink(): void {}
  makeNode(): boolean {
    return true;
  }

  finishFolder(): void {}
  sync(): void {}

  close(): void {
    this.#real?.close();
  }
}

// What lies in a folder that would be made is not there yet.
function presentIn(real: FolderDestination | undefined): PresentThings {
  const there = real?.there;
  return {
    look: (folder, name) => tolerant(() => there?.look(folder, name)),
    lookAtFolder: (path) => tolerant(() => there?.lookAtFolder(path)),
    enterFolder: (path) => tolerant(() => there?.lookAtFolder(path)),
    targetOf: (folder, name) => tolerant(() => there?.targetOf(folder, name)),
    openFile: (folder, name) => there?.openFile(folder, name),
    hasZeros: (old, metadata) => there?.hasZeros(old, metadata) ?? false,
    close: (old) => there?.close(old),
    names: (path) => there?.names(path),
    mayBeHeld: (stat, metadata) => there?.mayBeHeld(stat, metadata) ?? false,
    isSettled: (folder, stat, metadata) => there?.isSettled(folder, stat, metadata) ?? false,
    // One that has several names, or may be held, stays only if nothing is to be corrected.
    correct: (folder, stat, metadata) =>
      (stat.links === 1 && there?.mayBeHeld(stat, metadata) !== true) ||
      stat.type !== metadata.type ||
      (there?.differences(folder, stat, metadata) ?? []).length === 0 ||
      there?.isSettled(folder, stat, metadata) === true,
    correctFolder() {},
    leaveFolder() {},
    folderDifferences: (path, metadata) => there?.folderDifferences(path, metadata) ?? [],
    differences: (folder, stat, metadata) => there?.differences(folder, stat, metadata) ?? [],
  };
}

function tolerant<T>(look: () => T | undefined): T | undefined {
  try {
    return look();
  } catch (error) {
    if (isBunkerError(error, "not-found") || isBunkerError(error, "exists")) return undefined;
    throw error;
  }
}
