// The folder destination: a tree of files on this machine.
//
// Everything is reached from the root's descriptor, a component at a time, never through a link:
// whatever someone plants in the tree while we write, nothing is written outside of it.

import { ftruncateSync, writeSync } from "node:fs";
import { assert, present } from "../base/assert.ts";
import type { Bytes } from "../base/bytes.ts";
import type { Metadata } from "../base/entry.ts";
import { BunkerError, fromSystemError, systemCodeOf } from "../base/errors.ts";
import type { Descriptor, FileSystem, Node } from "../system/files.ts";
import { AttributeSetter } from "./attributes.ts";
import { FolderCache } from "./cache.ts";
import type {
  CreateOptions,
  Destination,
  FolderPath,
  NewFile,
  PlaceInTree,
} from "./destination.ts";
import { checkName, checkTarget, isPartName, newPartName, textOfPath } from "./names.ts";

/**
 * What happens where something has the name already: it is an error, or it is replaced. Only files,
 * links and nodes are replaced, and a folder stands for a folder; nothing else makes way for one.
 */
export type Existing = "refuse" | "replace";

/** What another thread needs to write into the same destination: plain data. */
export interface FolderDestinationShare {
  readonly root: Descriptor;
  readonly path: Bytes;
  readonly existing: Existing;
}

/** Until its owner and mode are set, what we make is ours alone. */
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

/** What a file system says that knows no second names of a file. */
const NO_LINKS: ReadonlySet<string> = new Set(["EPERM", "EOPNOTSUPP", "ENOTSUP", "ENOSYS"]);

export class FolderDestination implements Destination {
  readonly #files: FileSystem;
  readonly #share: FolderDestinationShare;
  readonly #root: Descriptor;
  readonly #ownsRoot: boolean;
  readonly #existing: Existing;
  readonly #cache: FolderCache;
  readonly #attributes: AttributeSetter;

  /** With `ownsRoot` the root's descriptor is closed by `close`. */
  constructor(files: FileSystem, share: FolderDestinationShare, ownsRoot: boolean) {
    this.#files = files;
    this.#share = share;
    this.#root = share.root;
    this.#ownsRoot = ownsRoot;
    this.#existing = share.existing;
    this.#cache = new FolderCache(files, share.root);
    this.#attributes = new AttributeSetter(files);
  }

  get limits(): readonly string[] {
    return [...this.#files.limits, ...this.#attributes.limits];
  }

  /** What another thread needs to join, while this destination is open. */
  share(): FolderDestinationShare {
    return this.#share;
  }

  isEmpty(): boolean {
    return this.#files.list(this.#root).count === 0;
  }

  makeFolder(path: FolderPath): void {
    const name = present(path.at(-1), "the root of a destination is there");
    checkName(name);
    doing("making a folder", path, () => {
      const above = this.#cache.open(path.slice(0, -1));
      try {
        this.#files.makeFolder(above, name, FOLDER_MODE);
      } catch (error) {
        if (systemCodeOf(error) !== "EEXIST" || this.#existing === "refuse") throw error;
        const found = this.#files.stat(above, name)?.type;
        if (found !== "folder")
          throw inTheWay(path, `expected a folder, found a ${found ?? "vanishing name"}`);
        this.removeParts(path);
      }
    });
  }

  /** Removes what a restore that was cut off has left in a folder. */
  removeParts(path: FolderPath): void {
    const names = doing("listing a folder", path, () => this.#files.list(this.#cache.open(path)));
    for (let i = 0; i < names.count; i++) {
      const name = names.nameAt(i);
      if (isPartName(name)) this.#removeQuietly(path, name);
    }
  }

  createFile(folder: FolderPath, name: Bytes, { atOnce = false }: CreateOptions = {}): NewFile {
    checkName(name);
    const path = [...folder, name];
    const refusing = this.#existing === "refuse";
    const writtenAs = atOnce && refusing ? name : newPartName();
    return doing("creating a file", path, () => {
      const above = this.#cache.open(folder);
      // Asked again when the part gets its name; here, before all of it is written in vain.
      if (refusing && !atOnce && this.#files.stat(above, name) !== undefined) throw taken(path);
      const descriptor = this.#files.createFile(above, writtenAs, FILE_MODE);
      return { descriptor, folder, name, writtenAs };
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

  finishFile(file: NewFile, metadata: Metadata): void {
    let open = true;
    try {
      doing("finishing a file", [...file.folder, file.name], () => {
        this.#attributes.setOpen(file.descriptor, metadata);
        open = false;
        this.#files.close(file.descriptor);
        if (file.writtenAs !== file.name) this.#giveName(file);
      });
    } catch (error) {
      if (open) this.#files.close(file.descriptor);
      this.#removeQuietly(file.folder, file.writtenAs);
      throw error;
    }
  }

  discardFile(file: NewFile): void {
    this.#files.close(file.descriptor);
    this.#removeQuietly(file.folder, file.writtenAs);
  }

  makeLink(folder: FolderPath, metadata: Metadata): void {
    const { target } = metadata;
    checkTarget(target);
    this.#make({ folder, name: metadata.name }, (descriptor, name) => {
      this.#files.makeLink(descriptor, name, target);
      this.#attributes.setNamed({ folder: descriptor, name }, metadata);
    });
  }

  makeNode(folder: FolderPath, metadata: Metadata): void {
    const node = nodeOf(metadata);
    this.#make({ folder, name: metadata.name }, (descriptor, name) => {
      this.#files.makeNode(descriptor, name, node);
      this.#attributes.setNamed({ folder: descriptor, name }, metadata);
    });
  }

  makeHardLink(existing: PlaceInTree, added: PlaceInTree): void {
    checkName(existing.name);
    const source = doing("opening a folder", existing.folder, () =>
      this.#cache.openOwn(existing.folder),
    );
    try {
      this.#make(added, (descriptor, name) => {
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
      this.#attributes.setOpen(this.#cache.open(path), metadata),
    );
  }

  sync(): void {
    doing("making files durable", [], () => this.#files.sync(this.#root));
  }

  close(): void {
    this.#cache.close();
    if (this.#ownsRoot) this.#files.close(this.#root);
  }

  // Makes something that is there at once, under another name first where it may replace something.
  #make(place: PlaceInTree, make: (folder: Descriptor, name: Bytes) => void): void {
    const { folder, name } = place;
    checkName(name);
    const replacing = this.#existing === "replace";
    doing("making", [...folder, name], () => {
      const descriptor = this.#cache.open(folder);
      const writtenAs = replacing ? newPartName() : name;
      try {
        make(descriptor, writtenAs);
        if (!replacing) return;
        this.#files.rename(this.#cache.open(folder), writtenAs, name);
        // Where both are names of one file, rename does nothing and leaves both (POSIX).
        this.#removeQuietly(folder, writtenAs);
      } catch (error) {
        // Without replacing, the name may be someone else's.
        if (replacing) this.#removeQuietly(folder, writtenAs);
        throw error;
      }
    });
  }

  // Gives a part its name; where nothing is replaced, the name must be free at that very moment.
  #giveName({ folder, name, writtenAs }: NewFile): void {
    const above = this.#cache.open(folder);
    if (this.#existing === "refuse") {
      const from = { folder: above, name: writtenAs };
      try {
        this.#files.makeHardLink(from, { folder: above, name });
        this.#removeQuietly(folder, writtenAs);
        return;
      } catch (error) {
        if (!NO_LINKS.has(systemCodeOf(error) ?? "")) throw error;
        if (this.#files.stat(above, name) !== undefined) throw taken([...folder, name]);
      }
    }
    this.#files.rename(above, writtenAs, name);
  }

  #removeQuietly(folder: FolderPath, name: Bytes): void {
    try {
      this.#files.remove(this.#cache.open(folder), name);
    } catch {
      // Gone already, which is as good, or out of reach: the error that led here says more.
    }
  }
}

function nodeOf(metadata: Metadata): Node {
  const { type, device } = metadata;
  assert(
    type === "fifo" || type === "socket" || type === "char" || type === "block",
    "a node is made",
  );
  const isDevice = type === "char" || type === "block";
  if (isDevice && device === undefined) throw new BunkerError("corrupt", "a device has no numbers");
  const { major, minor } = device ?? { major: 0, minor: 0 };
  return { type, mode: FILE_MODE, major: isDevice ? major : 0, minor: isDevice ? minor : 0 };
}

function taken(path: FolderPath): BunkerError {
  return inTheWay(path, "something has this name already");
}

function inTheWay(path: FolderPath, message: string): BunkerError {
  return new BunkerError("exists", message, { subject: textOfPath(path) });
}

/** Runs a step of the restore and says of its failure what was being done, and where. */
function doing<T>(what: string, path: FolderPath, step: () => T): T {
  try {
    return step();
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === "EISDIR") throw inTheWay(path, "expected no folder, found one in the way");
    if (code === "EEXIST") throw inTheWay(path, `${what}: something has this name already`);
    throw fromSystemError(error, what, textOfPath(path));
  }
}
