// What is there: looking at what a destination holds already, before something is made or replaced.

import { type Bytes, equalBytes, utf8 } from "../base/bytes.ts";
import type { Metadata } from "../base/entry.ts";
import { BunkerError, isBunkerError, systemCodeOf } from "../base/errors.ts";
import type { Subject } from "../system/attributes.ts";
import type { Descriptor, FileSystem, Place } from "../system/files.ts";
import type { FolderNames } from "../system/names.ts";
import type { RawStat } from "../system/stat.ts";
import type { AttributeSetter } from "./attributes.ts";
import type { FolderCache } from "./cache.ts";
import type { FolderPath } from "./destination.ts";
import { doing } from "./failures.ts";
import { checkName } from "./names.ts";
import { type Difference, differencesOf } from "./same.ts";
import { hasZeros } from "./zeros.ts";

/** An open file that was there before; whoever opened it closes it. */
export interface OldFile {
  readonly descriptor: Descriptor;
  readonly stat: RawStat;
}

/** What the owner needs to look into a folder and to make something in it. */
const OPEN_MODE = 0o700;

export class WhatIsThere {
  readonly #files: FileSystem;
  readonly #cache: FolderCache;
  readonly #attributes: AttributeSetter;

  constructor(files: FileSystem, cache: FolderCache, attributes: AttributeSetter) {
    this.#files = files;
    this.#cache = cache;
    this.#attributes = attributes;
  }

  /** What has this name, never through a link; `undefined` where nothing has. */
  look(folder: FolderPath, name: Bytes): RawStat | undefined {
    checkName(name);
    return doing("looking at what is there", [...folder, name], () =>
      this.#files.stat(this.#cache.open(folder), name),
    );
  }

  lookAtFolder(path: FolderPath): RawStat | undefined {
    return doing("looking at a folder", path, () =>
      this.#files.statDescriptor(this.#cache.open(path)),
    );
  }

  /** The same, and opens a folder of this user to them, as long as the restore works in it. */
  enterFolder(path: FolderPath): RawStat | undefined {
    return doing("entering a folder", path, () => {
      const descriptor = this.#cache.open(path);
      const stat = this.#files.statDescriptor(descriptor);
      const isOurs = stat.userId === process.geteuid?.() && stat.userId !== 0;
      if (isOurs && (stat.mode & OPEN_MODE) !== OPEN_MODE) {
        this.#files.setMode(descriptor, stat.mode | OPEN_MODE);
      }
      return stat;
    });
  }

  /** Where a link points. */
  targetOf(folder: FolderPath, name: Bytes): Bytes | undefined {
    return doing("reading a link", [...folder, name], () =>
      this.#files.readLink(this.#cache.open(folder), name),
    );
  }

  /** Opens a file for reading; `undefined` where it is no file, or may not be read. */
  openFile(folder: FolderPath, name: Bytes): OldFile | undefined {
    let descriptor: Descriptor;
    try {
      descriptor = this.#files.openFile(this.#cache.open(folder), name, { noAccessTime: true });
    } catch (error) {
      // What can't be read is replaced as a whole.
      if (isBunkerError(error) || systemCodeOf(error) !== undefined) return undefined;
      throw error;
    }
    const stat = this.#files.statDescriptor(descriptor);
    if (stat.type === "file") return { descriptor, stat };
    this.#files.close(descriptor);
    return undefined;
  }

  /** Whether an open file reads as zeros where the snapshot has holes. */
  hasZeros({ descriptor }: OldFile, { holes = [] }: Metadata): boolean {
    return hasZeros(this.#files, descriptor, holes);
  }

  close({ descriptor }: OldFile): void {
    this.#files.close(descriptor);
  }

  /** The names in a folder; `undefined` where there is no such folder. */
  names(path: FolderPath): FolderNames | undefined {
    try {
      return doing("listing a folder", path, () => this.#files.list(this.#cache.open(path)));
    } catch (error) {
      if (isBunkerError(error, "exists") || isBunkerError(error, "not-found")) return undefined;
      throw error;
    }
  }

  /**
   * Gives what is there the metadata of the snapshot, where it has another. What is right is not
   * touched: its time of change stays. A file with several names is never touched, since not all
   * of them may be the restore's, nor what `mayBeHeld`: then nothing is done, and the answer is
   * false, unless a new one would have nothing that this one has not.
   */
  correct(folder: FolderPath, stat: RawStat, metadata: Metadata): boolean {
    return doing("setting owner, mode and time", [...folder, metadata.name], () => {
      const place = { folder: this.#cache.open(folder), name: metadata.name };
      const isSame = this.#attributes.isSame({ ...place, type: stat.type }, stat, metadata);
      if (isSame) return true;
      if (stat.links > 1 || this.mayBeHeld(stat, metadata)) {
        return this.#attributes.isSettled({ ...place, type: stat.type }, stat, metadata);
      }
      complain(
        stat.type === "file"
          ? this.#correctFile(place, metadata)
          : this.#attributes.setNamed(place, metadata),
      );
      return true;
    });
  }

  /**
   * Whether someone may have a file open for writing who is to have no say in it: its owner of now,
   * or anyone where it is to give the rights of others. They could change it afterwards, through
   * what they have open or mapped, so that a new file has to take its place.
   */
  mayBeHeld(stat: RawStat, metadata: Metadata): boolean {
    if (stat.type !== "file") return false;
    const { userId } = this.#attributes.ownerOf(metadata);
    const isStrange = stat.userId !== userId && stat.userId !== process.geteuid?.();
    return isStrange || givesRights(metadata);
  }

  /** Whether all that this user may set is as the snapshot has it; what may not be set is told. */
  isSettled(folder: FolderPath, stat: RawStat, metadata: Metadata): boolean {
    return doing("looking at what is there", [...folder, metadata.name], () => {
      const place = { folder: this.#cache.open(folder), name: metadata.name, type: stat.type };
      return this.#attributes.isSettled(place, stat, metadata);
    });
  }

  #correctFile(place: Place, metadata: Metadata): string | undefined {
    const descriptor = this.#files.openFile(place.folder, place.name);
    try {
      return this.#attributes.setOpen(descriptor, metadata);
    } finally {
      this.#files.close(descriptor);
    }
  }

  /** The same for a folder that was there. */
  correctFolder(path: FolderPath, metadata: Metadata): void {
    doing("finishing a folder", path, () => {
      const descriptor = this.#cache.open(path);
      const stat = this.#files.statDescriptor(descriptor);
      if (this.#attributes.isSame(descriptor, stat, metadata)) return;
      complain(this.#attributes.setOpen(descriptor, metadata));
    });
  }

  /** What of owner, mode, time and attributes is not the snapshot's, as far as it can be set. */
  differences(folder: FolderPath, stat: RawStat, metadata: Metadata): Difference[] {
    return doing("looking at what is there", [...folder, metadata.name], () => {
      const place = { folder: this.#cache.open(folder), name: metadata.name, type: stat.type };
      return this.#differences(place, stat, metadata);
    });
  }

  folderDifferences(path: FolderPath, metadata: Metadata): Difference[] {
    return doing("looking at a folder", path, () => {
      const descriptor = this.#cache.open(path);
      return this.#differences(descriptor, this.#files.statDescriptor(descriptor), metadata);
    });
  }

  #differences(of: Subject, stat: RawStat, metadata: Metadata): Difference[] {
    const found = differencesOf(stat, metadata, this.#attributes.ownerOf(metadata));
    const isSame = found.length > 0 || this.#attributes.isSame(of, stat, metadata);
    return isSame ? found : ["attributes"];
  }

  /** A folder that stays as it was found: it may have been opened to its owner meanwhile. */
  leaveFolder(path: FolderPath, { mode }: RawStat): void {
    doing("finishing a folder", path, () => {
      const descriptor = this.#cache.open(path);
      if (this.#files.statDescriptor(descriptor).mode !== mode) {
        this.#files.setMode(descriptor, mode);
      }
    });
  }
}

const SET_ID_BITS = 0o6000;
const CAPABILITY = utf8("security.capability");

function givesRights({ mode, attributes = [] }: Metadata): boolean {
  if ((mode & SET_ID_BITS) !== 0) return true;
  return attributes.some(({ name }) => equalBytes(name, CAPABILITY));
}

function complain(complaint: string | undefined): void {
  if (complaint !== undefined) throw new BunkerError("incomplete", complaint);
}
