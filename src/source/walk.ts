// Walk: one folder after another by descriptors, depth first, names in the order of their bytes.
//
// What vanishes meanwhile is a notice; what can't be read is a problem, and the walk goes on.

import { type Bytes, concatBytes, textOf, utf8 } from "../base/bytes.ts";
import { BunkerError, fromSystemError, systemCodeOf } from "../base/errors.ts";
import { TREE_DEPTH_MAX } from "../base/limits.ts";
import type { Monitor } from "../base/monitor.ts";
import type { Descriptor, FileSystem } from "../system/files.ts";
import type { RawStat } from "../system/stat.ts";
import { type Level, LevelStack } from "./levels.ts";
import type { MetadataMaker } from "./metadata.ts";
import { type FolderPool, type PathNode, type PooledFolder, pathOfNode } from "./pool.ts";
import { type Root, openRoot } from "./roots.ts";
import type { WalkEvent } from "./source.ts";

/** Tells what is left out; `path` is the whole path, and the caller's only for the call. */
export type Exclude = (path: Bytes, isFolder: boolean) => boolean;

export interface WalkerOptions {
  readonly files: FileSystem;
  readonly pool: FolderPool;
  readonly metadata: MetadataMaker;
  readonly monitor: Monitor;
  readonly exclude: Exclude | undefined;
  readonly roots: readonly Root[];
  /** How many levels stay open; less than the pool has room for, so that a walk can't block itself. */
  readonly openLevelsMax: number;
}

const NO_NAME = new Uint8Array(0);
const SLASH = utf8("/");
const LEAVE: WalkEvent = { kind: "leave" };

export class Walker {
  readonly #options: WalkerOptions;
  readonly #files: FileSystem;
  readonly #asRoot = process.geteuid?.() === 0;
  readonly #levels: LevelStack;
  #rootIndex = 0;
  /** The root that was announced and is still to be opened. */
  #announced: Root | undefined;
  /** The folder of a root that is a single entry. */
  #entryFolder: PooledFolder | undefined;
  #excludePath: { readonly node: PathNode; readonly path: Bytes } | undefined;

  constructor(options: WalkerOptions) {
    this.#options = options;
    this.#files = options.files;
    this.#levels = new LevelStack(options.files, options.pool, options.openLevelsMax);
  }

  /** The next event; `undefined` at the end. */
  next(): WalkEvent | undefined {
    for (;;) {
      const level = this.#levels.lowest;
      if (level === undefined && this.#atEnd()) return undefined;
      const event = level === undefined ? this.#nextOfRoots() : this.#nextIn(level);
      if (event !== undefined) return event;
    }
  }

  /** Lets go of all folders; nothing comes afterwards. */
  close(): void {
    this.#releaseEntryFolder();
    this.#levels.close();
    this.#announced = undefined;
    this.#rootIndex = this.#options.roots.length;
  }

  #atEnd(): boolean {
    if (this.#announced !== undefined || this.#rootIndex < this.#options.roots.length) return false;
    this.#releaseEntryFolder();
    return true;
  }

  #nextOfRoots(): WalkEvent | undefined {
    this.#releaseEntryFolder();
    const root = this.#announced;
    if (root === undefined) {
      const index = this.#rootIndex++;
      this.#announced = this.#options.roots[index]!;
      return { kind: "root", path: this.#announced.path, index };
    }
    if (this.#options.pool.full) return this.#wait();
    this.#announced = undefined;
    try {
      return this.#openRoot(root);
    } catch (error) {
      this.#problem(root.path, error);
      return undefined;
    }
  }

  #openRoot(root: Root): WalkEvent {
    const opened = openRoot(this.#files, root);
    const { descriptor } = opened;
    if (opened.kind === "folder") {
      const path = root.path.length === 1 ? NO_NAME : root.path;
      return this.#push(descriptor, NO_NAME, { above: undefined, name: path });
    }
    const path = root.path.subarray(0, Math.max(0, root.path.lastIndexOf(SLASH[0]!)));
    this.#entryFolder = this.#options.pool.share(descriptor, { above: undefined, name: path });
    return this.#entry(this.#entryFolder, opened.name, opened.stat);
  }

  #nextIn(level: Level): WalkEvent | undefined {
    if (level.nextIndex >= level.names.count) return this.#leave();
    const index = level.nextIndex++;
    const name = level.names.nameAt(index);
    try {
      if (level.names.typeAt(index) === "folder") return this.#enter(level, name);
      return this.#visit(level, name);
    } catch (error) {
      if (systemCodeOf(error) === "ENOENT") return this.#vanished(level, name);
      this.#problem(this.#pathOf(level, name), error);
      return undefined;
    }
  }

  #visit(level: Level, name: Bytes): WalkEvent | undefined {
    const folder = level.folder!;
    const stat = this.#files.stat(folder.descriptor, name);
    if (stat === undefined) return this.#vanished(level, name);
    if (stat.type === "folder") return this.#enter(level, name);
    if (this.#isExcluded(level, name, false)) return undefined;
    return this.#entry(folder, name, stat);
  }

  #entry(folder: PooledFolder, name: Bytes, stat: RawStat): WalkEvent {
    const target = stat.type === "link" ? this.#files.readLink(folder.descriptor, name) : undefined;
    const metadata = this.#options.metadata.make(name, stat, target);
    const { changed, inode, deviceId } = stat;
    return { kind: "entry", metadata, changed, inode, deviceId, folder };
  }

  #enter(level: Level, name: Bytes): WalkEvent | undefined {
    if (this.#options.pool.full) {
      level.nextIndex--; // The same name again after the wait.
      return this.#wait();
    }
    if (this.#isExcluded(level, name, true)) return undefined;
    if (this.#levels.depth >= TREE_DEPTH_MAX) {
      throw new BunkerError("io", `expected at most ${TREE_DEPTH_MAX} folders in each other`);
    }
    const descriptor = this.#openFolder(level, name);
    if (descriptor !== undefined) return this.#push(descriptor, name, { above: level.path, name });
    const stat = this.#files.stat(level.folder!.descriptor, name);
    if (stat === undefined) return this.#vanished(level, name);
    if (stat.type !== "folder") return this.#entry(level.folder!, name, stat);
    throw new BunkerError("io", "the folder changed while it was opened");
  }

  // Gives `undefined` where the name is gone or is no folder any more.
  #openFolder(level: Level, name: Bytes): Descriptor | undefined {
    try {
      return this.#files.openFolder(level.folder!.descriptor, name, { noAccessTime: this.#asRoot });
    } catch (error) {
      if (["ENOENT", "ENOTDIR", "ELOOP"].includes(systemCodeOf(error) ?? "")) return undefined;
      throw error;
    }
  }

  #push(descriptor: Descriptor, name: Bytes, path: PathNode): WalkEvent {
    const folder = this.#options.pool.share(descriptor, path);
    try {
      const stat = this.#files.statDescriptor(descriptor);
      const names = this.#files.list(descriptor);
      const metadata = this.#options.metadata.make(name, stat);
      const { deviceId, inode } = stat;
      this.#levels.push({ folder, path, names, deviceId, inode, nextIndex: 0 });
      return { kind: "enter", metadata, folder };
    } catch (error) {
      folder.release();
      throw error;
    }
  }

  #leave(): WalkEvent {
    this.#levels.pop();
    const above = this.#levels.lowest;
    if (above !== undefined && above.folder === undefined && above.nextIndex < above.names.count) {
      const moved = "the folder was moved while it was read: some of it is left out";
      this.#problem(pathOfNode(above.path), new BunkerError("io", moved));
      above.nextIndex = above.names.count;
    }
    return LEAVE;
  }

  #isExcluded(level: Level, name: Bytes, isFolder: boolean): boolean {
    const { exclude } = this.#options;
    return exclude !== undefined && exclude(this.#pathOf(level, name), isFolder);
  }

  #pathOf(level: Level, name: Bytes): Bytes {
    if (this.#excludePath?.node !== level.path) {
      this.#excludePath = { node: level.path, path: pathOfNode(level.path) };
    }
    return concatBytes(this.#excludePath.path, SLASH, name);
  }

  #wait(): WalkEvent {
    return { kind: "wait", until: this.#options.pool.whenReleased() };
  }

  #vanished(level: Level, name: Bytes): undefined {
    this.#options.monitor.notice(
      `${textOf(this.#pathOf(level, name))}: vanished before it was read`,
    );
  }

  #problem(path: Bytes, error: unknown): void {
    const subject = path.length === 0 ? "/" : textOf(path);
    this.#options.monitor.problem(subject, fromSystemError(error, "reading", subject));
  }

  #releaseEntryFolder(): void {
    this.#entryFolder?.release();
    this.#entryFolder = undefined;
  }
}
