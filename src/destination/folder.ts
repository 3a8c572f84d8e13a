// The folder destination: a tree of files on this machine.
//
// Everything is reached from the root's descriptor, a component at a time, never through a link:
// whatever someone plants in the tree while we write, nothing is written outside of it.

import { ftruncateSync, writeSync } from "node:fs";
import { present } from "../base/assert.ts";
import { type Bytes, utf8 } from "../base/bytes.ts";
import type { Metadata } from "../base/entry.ts";
import { fromSystemError, isBunkerError, systemCodeOf } from "../base/errors.ts";
import type { Descriptor, FileSystem } from "../system/files.ts";
import type { RawStat } from "../system/stat.ts";
import { AttributeSetter } from "./attributes.ts";
import { FolderCache } from "./cache.ts";
import type {
  Complaint,
  CreateOptions,
  Destination,
  FolderPath,
  NewFile,
  PlaceInTree,
} from "./destination.ts";
import { doing, inTheWay, taken } from "./failures.ts";
import { checkName, checkTarget, textOfPath } from "./names.ts";
import { type Existing, type FolderDestinationShare, Naming } from "./naming.ts";
import { nodeOf, refusalOf } from "./nodes.ts";
import { createPart, leftoversIn } from "./parts.ts";
import { Removal, type RemovalRules } from "./removal.ts";
import { WhatIsThere } from "./there.ts";
import { writeZeros } from "./zeros.ts";

/** Until its owner and mode are set, what we make is ours alone. */
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

/** Where there is no room for so little, there is none. */
const ROOM_BYTES = 64 * 1024;
const ROOM_NAME = utf8(".bunker-room");
const NOT_ALONE = "expected a file with one name, found something else";

export class FolderDestination implements Destination {
  readonly #files: FileSystem;
  readonly #share: FolderDestinationShare;
  readonly #root: Descriptor;
  readonly #ownsRoot: boolean;
  readonly #existing: Existing;
  readonly #cache: FolderCache;
  readonly #attributes: AttributeSetter;
  readonly #complaints: Complaint[] = [];
  readonly #limits = new Set<string>();
  readonly #naming: Naming;
  readonly there: WhatIsThere;

  /** With `ownsRoot` the root's descriptor is closed by `close`. */
  constructor(files: FileSystem, share: FolderDestinationShare, ownsRoot: boolean) {
    this.#files = files;
    this.#share = share;
    this.#root = share.root;
    this.#ownsRoot = ownsRoot;
    this.#existing = share.existing;
    this.#cache = new FolderCache(files, share.root);
    this.#attributes = new AttributeSetter(files, { numericIds: share.numericIds === true });
    this.#naming = new Naming(files, this.#cache, share);
    this.there = new WhatIsThere(files, this.#cache, this.#attributes);
  }

  get limits(): readonly string[] {
    return [...this.#files.limits, ...this.#attributes.limits, ...this.#limits];
  }

  takeComplaints(): readonly Complaint[] {
    return this.#complaints.splice(0);
  }

  #note(path: FolderPath, message: string | undefined): void {
    if (message !== undefined) this.#complaints.push({ path, message });
  }

  /** What another thread needs to join, while this destination is open. */
  share(): FolderDestinationShare {
    return this.#share;
  }

  isEmpty(): boolean {
    return this.#files.list(this.#root).count === 0;
  }

  makeFolder(path: FolderPath): RawStat | undefined {
    const name = present(path.at(-1), "the root of a destination is there");
    checkName(name);
    return doing("making a folder", path, () => {
      const above = this.#cache.open(path.slice(0, -1));
      try {
        this.#files.makeFolder(above, name, FOLDER_MODE);
        return undefined;
      } catch (error) {
        if (systemCodeOf(error) !== "EEXIST" || this.#existing === "refuse") throw error;
      }
      const found = this.#files.stat(above, name);
      if (found?.type === "folder") return this.#enter(path, found);
      if (found === undefined || this.#share.clearing === undefined)
        throw inTheWay(path, `expected a folder, found a ${found?.type ?? "vanishing name"}`);
      this.#files.remove(above, name);
      this.#files.makeFolder(above, name, FOLDER_MODE);
      return undefined;
    });
  }

  // Takes a folder that is there, and opens it to its owner as long as the restore works in it.
  #enter(path: FolderPath, found: RawStat): RawStat {
    const isOurs = process.geteuid?.() === found.userId && found.userId !== 0;
    if (isOurs && (found.mode & FOLDER_MODE) !== FOLDER_MODE) {
      const place = { folder: this.#cache.open(path.slice(0, -1)), name: path.at(-1)! };
      this.#files.setModeOf(place, "folder", found.mode | FOLDER_MODE);
    }
    this.removeParts(path);
    return found;
  }

  /** Removes what a restore that was cut off has left in a folder. */
  removeParts(path: FolderPath): void {
    const found = doing("listing a folder", path, () =>
      leftoversIn(this.#files, this.#cache.open(path)),
    );
    for (const name of found) this.#naming.removeQuietly(path, name);
  }

  createFile(folder: FolderPath, name: Bytes, { atOnce = false }: CreateOptions = {}): NewFile {
    checkName(name);
    const path = [...folder, name];
    const refusing = this.#existing === "refuse";
    return doing("creating a file", path, () => {
      const above = this.#cache.open(folder);
      // Asked again when the part gets its name; here, before all of it is written in vain.
      if (refusing && !atOnce && this.#files.stat(above, name) !== undefined) throw taken(path);
      if (!atOnce || !refusing) {
        return { folder, name, ...createPart(this.#files, above, FILE_MODE) };
      }
      const descriptor = this.#files.createFile(above, name, FILE_MODE);
      return { descriptor, folder, name, writtenAs: name };
    });
  }

  openInPlace(folder: FolderPath, name: Bytes): NewFile {
    checkName(name);
    return doing("opening a file", [...folder, name], () => {
      const descriptor = this.#files.openFile(this.#cache.open(folder), name, { write: true });
      try {
        const { type, links } = this.#files.statDescriptor(descriptor);
        if (type !== "file" || links > 1) throw inTheWay([...folder, name], NOT_ALONE);
        // Ours alone until it is finished, as a new one; setuid bits would not be the content's.
        this.#files.setMode(descriptor, FILE_MODE);
        return { descriptor, folder, name, writtenAs: name, isInPlace: true };
      } catch (error) {
        this.#files.close(descriptor);
        throw error;
      }
    });
  }

  writeAt(file: NewFile, bytes: Bytes, offset: number): void {
    for (let done = 0; done < bytes.length;) {
      try {
        done += writeSync(file.descriptor, bytes, done, bytes.length - done, offset + done);
      } catch (error) {
        throw fromSystemError(error, "writing", textOfPath([...file.folder, file.name]));
      }
    }
  }

  truncate(file: NewFile, bytes: number): void {
    doing("setting a file's length", [...file.folder, file.name], () =>
      ftruncateSync(file.descriptor, bytes),
    );
  }

  clear(file: NewFile, holes: NonNullable<Metadata["holes"]>): void {
    doing("writing", [...file.folder, file.name], () =>
      writeZeros(this.#files, file.descriptor, holes),
    );
  }

  finishFile(file: NewFile, metadata: Metadata): void {
    let open = true;
    try {
      doing("finishing a file", [...file.folder, file.name], () => {
        const path = [...file.folder, file.name];
        const isBare = file.isInPlace !== true && !this.#cache.givesAttributes(file.folder);
        this.#note(path, this.#attributes.setOpen(file.descriptor, metadata, { isBare }));
        open = false;
        this.#files.close(file.descriptor);
        if (file.writtenAs !== file.name) this.#naming.giveName(file);
      });
    } catch (error) {
      if (open) this.#files.close(file.descriptor);
      if (file.isInPlace !== true) this.#naming.removeQuietly(file.folder, file.writtenAs);
      throw error;
    }
  }

  discardFile(file: NewFile): void {
    this.#files.close(file.descriptor);
    if (file.isInPlace !== true) this.#naming.removeQuietly(file.folder, file.writtenAs);
  }

  makeLink(folder: FolderPath, metadata: Metadata): void {
    const { target } = metadata;
    checkTarget(target);
    this.#naming.make({ folder, name: metadata.name }, (descriptor, name) => {
      this.#files.makeLink(descriptor, name, target);
      const complaint = this.#attributes.setNamed({ folder: descriptor, name }, metadata);
      this.#note([...folder, metadata.name], complaint);
    });
  }

  makeNode(folder: FolderPath, metadata: Metadata): boolean {
    const node = nodeOf(metadata, FILE_MODE);
    let refusal: string | undefined;
    try {
      this.#naming.make({ folder, name: metadata.name }, (descriptor, name) => {
        try {
          this.#files.makeNode(descriptor, name, node);
        } catch (error) {
          refusal = refusalOf(node, error);
          throw error;
        }
        const complaint = this.#attributes.setNamed({ folder: descriptor, name }, metadata);
        this.#note([...folder, metadata.name], complaint);
      });
      return true;
    } catch (error) {
      if (refusal === undefined) throw error;
      this.#limits.add(refusal);
      return false;
    }
  }

  makeHardLink(existing: PlaceInTree, added: PlaceInTree): void {
    checkName(existing.name);
    const source = doing("opening a folder", existing.folder, () =>
      this.#cache.openOwn(existing.folder),
    );
    try {
      this.#naming.make(added, (descriptor, name) => {
        this.#files.makeHardLink(
          { folder: source, name: existing.name },
          { folder: descriptor, name },
        );
      });
    } finally {
      this.#files.close(source);
    }
  }

  finishFolder(path: FolderPath, metadata: Metadata): void {
    doing("finishing a folder", path, () =>
      this.#note(path, this.#attributes.setOpen(this.#cache.open(path), metadata)),
    );
  }

  sync(): void {
    doing("making files durable", [], () => this.#files.sync(this.#root));
  }

  close(): void {
    this.#cache.close();
    if (this.#ownsRoot) this.#files.close(this.#root);
  }

  removal(rules: RemovalRules): Removal {
    return new Removal(this.#files, this.#cache, rules);
  }

  hasRoom(): boolean {
    try {
      const probe = this.createFile([], ROOM_NAME, {});
      try {
        this.writeAt(probe, new Uint8Array(ROOM_BYTES), 0);
      } finally {
        this.discardFile(probe);
      }
      return true;
    } catch (error) {
      return !isBunkerError(error, "full");
    }
  }
}
