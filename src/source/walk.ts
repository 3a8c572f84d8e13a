// Walk: one folder after another by descriptors, depth first, names in the order of their bytes.
//
// What vanishes meanwhile is a notice; what can't be read is a problem, and the walk goes on.

import { type Bytes, concatBytes, textOf, utf8 } from "../base/bytes.ts";
import { BunkerError, fromSystemError, systemCodeOf } from "../base/errors.ts";
import { TREE_DEPTH_MAX } from "../base/limits.ts";
import type { EntryType } from "../base/entry.ts";
import type { Monitor } from "../base/monitor.ts";
import type { Descriptor, FileSystem } from "../system/files.ts";
import { namesOf } from "../system/names.ts";
import type { RawStat } from "../system/stat.ts";
import type { Choice, Scope } from "./choice.ts";
import { mayHaveHoles } from "./holes.ts";
import { type Level, LevelStack, type Names, type Within } from "./levels.ts";
import type { ListedFolder } from "./listed-folder.ts";
import { type Listed, Marks } from "./marks.ts";
import type { MetadataMaker } from "./metadata.ts";
import { type FolderPool, type PathNode, type PooledFolder, pathOfNode } from "./pool.ts";
import { type Root, openRoot } from "./roots.ts";
import type { WalkEvent } from "./source.ts";

export interface WalkerOptions {
  readonly files: FileSystem;
  readonly pool: FolderPool;
  readonly metadata: MetadataMaker;
  readonly monitor: Monitor;
  readonly choice: Choice;
  readonly roots: readonly Root[];
  /** How many levels stay open; less than the pool has room for, so that a walk can't block itself. */
  readonly openLevelsMax: number;
}

const NO_NAME = new Uint8Array(0);
const SLASH = utf8("/");
const NO_NAMES = namesOf([]);
const VANISHED = "it is listed, and vanished before it was read";
const LEAVE: WalkEvent = { kind: "leave" };

export class Walker {
  readonly #options: WalkerOptions;
  readonly #files: FileSystem;
  readonly #asRoot = process.geteuid?.() === 0;
  readonly #levels: LevelStack;
  readonly #choice: Choice;
  readonly #marks: Marks;
  #rootIndex = 0;
  /** The root that was announced and is still to be opened. */
  #announced: Root | undefined;
  /** The folder of a root that is a single entry. */
  #entryFolder: PooledFolder | undefined;
  /** The file system of the root that is walked. */
  #rootDevice: number | undefined;

  constructor(options: WalkerOptions) {
    this.#options = options;
    this.#files = options.files;
    this.#choice = options.choice;
    this.#marks = new Marks(options.files, options.choice, options.monitor);
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
      const { path, statesAs } = this.#announced;
      if (statesAs === undefined) return { kind: "root", path, index };
      return { kind: "root", path, index, statesAs, isListed: true };
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
      const { listed } = root;
      return this.#push(
        descriptor,
        NO_NAME,
        { above: undefined, name: path },
        this.#source(listed),
      );
    }
    if (root.listed !== undefined) {
      this.#files.close(descriptor);
      throw noFolderAnyMore();
    }
    const path = root.path.subarray(0, Math.max(0, root.path.lastIndexOf(SLASH[0]!)));
    this.#entryFolder = this.#options.pool.share(descriptor, { above: undefined, name: path });
    return this.#entry(this.#entryFolder, opened.name, opened.stat);
  }

  // What is named leads on to what is listed in it, or is a source: nothing leaves it out.
  #source(listed: ListedFolder | undefined): Within {
    return listed === undefined ? { scope: this.#choice.top(), isSource: true } : { listed };
  }

  #nextIn(level: Level): WalkEvent | undefined {
    if (level.nextIndex >= level.names.count) return this.#leave();
    const index = level.nextIndex++;
    const name = level.names.nameAt(index);
    const type = level.names.typeAt(index);
    try {
      return type === "folder" ? this.#enter(level, name) : this.#visit(level, name, type);
    } catch (error) {
      if (systemCodeOf(error) === "ENOENT") return this.#vanished(level, name);
      this.#problem(this.#pathOf(level, name), error);
      return undefined;
    }
  }

  #visit(level: Level, name: Bytes, type: EntryType | undefined): WalkEvent | undefined {
    const folder = level.folder!;
    if (type !== undefined && this.#leavesOut(level, name, false)) return undefined;
    const stat = this.#files.stat(folder.descriptor, name);
    if (stat === undefined) return this.#vanished(level, name);
    if (stat.type === "folder") return this.#enter(level, name);
    if (type === undefined && this.#leavesOut(level, name, false)) return undefined;
    const { fileBytesMax } = this.#choice.options;
    const isLarge = fileBytesMax !== undefined && stat.size > fileBytesMax;
    const isLeft = isLarge && stat.type === "file" && level.listed === undefined;
    return isLeft ? undefined : this.#entry(folder, name, stat);
  }

  #entry(folder: PooledFolder, name: Bytes, stat: RawStat): WalkEvent {
    const target = stat.type === "link" ? this.#files.readLink(folder.descriptor, name) : undefined;
    const metadata = this.#options.metadata.make(name, stat, target);
    const { changed, inode, deviceId } = stat;
    const event = { kind: "entry", metadata, changed, inode, deviceId, folder } as const;
    return stat.type === "file" && mayHaveHoles(stat) ? { ...event, sparse: true } : event;
  }

  #enter(level: Level, name: Bytes): WalkEvent | undefined {
    if (this.#options.pool.full) {
      level.nextIndex--; // The same name again after the wait.
      return this.#wait();
    }
    if (this.#leavesOut(level, name, true)) return undefined;
    const below = level.listed?.below(level.nextIndex - 1);
    if (this.#levels.depth >= TREE_DEPTH_MAX) {
      throw new BunkerError("io", `expected at most ${TREE_DEPTH_MAX} folders in each other`);
    }
    const descriptor = this.#openFolder(level, name);
    if (descriptor !== undefined) {
      const scope = this.#choice.below(level.scope, name);
      const within = level.listed === undefined ? { scope } : this.#source(below);
      return this.#push(descriptor, name, { above: level.path, name }, within);
    }
    const stat = this.#files.stat(level.folder!.descriptor, name);
    if (stat === undefined) return this.#vanished(level, name);
    if (below !== undefined) throw noFolderAnyMore();
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

  #push(descriptor: Descriptor, name: Bytes, path: PathNode, within: Within): WalkEvent {
    const { listed } = within;
    const folder = this.#options.pool.share(descriptor, path);
    try {
      const stat = this.#files.statDescriptor(descriptor);
      const { names, scope } =
        listed === undefined
          ? this.#choose(folder, stat, within)
          : { names: listed, scope: undefined };
      const metadata = this.#options.metadata.make(name, stat);
      const { changed, deviceId, inode } = stat;
      this.#levels.push({ folder, path, names, listed, scope, deviceId, inode, nextIndex: 0 });
      return { kind: "enter", metadata, folder, seen: { changed, inode, deviceId } };
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

  #leavesOut(level: Level, name: Bytes, isFolder: boolean): boolean {
    if (level.listed !== undefined) return false;
    if (this.#choice.leavesOut(level.scope, name, isFolder)) return true;
    if (isFolder && this.#choice.isOwn(name, () => this.#pathOf(level, name))) return true;
    const { exclude } = this.#choice.options;
    return exclude !== undefined && exclude(this.#pathOf(level, name), isFolder);
  }

  // The names in a folder, without those that it says itself are not to be backed up.
  #choose(
    folder: PooledFolder,
    { deviceId }: RawStat,
    { scope, isSource }: Within,
  ): { readonly names: Names; readonly scope: Scope | undefined } {
    if (isSource === true) this.#rootDevice = deviceId;
    // Of folders alone: in overlays, each file may have a number of its own.
    if (this.#choice.options.oneFileSystem === true && deviceId !== this.#rootDevice) {
      return { names: NO_NAMES, scope };
    }
    const { descriptor } = folder;
    const listed: Listed = {
      descriptor,
      names: this.#files.list(descriptor),
      path: () => folder.path(),
    };
    const tags = this.#marks.tagsOf(listed);
    if (tags === undefined) {
      return { names: listed.names, scope: this.#marks.scopeIn(listed, scope) };
    }
    if (isSource === true) {
      const tag = textOf(tags.nameAt(0));
      this.#options.monitor.notice(`${textOf(folder.path())}: holds ${tag}: the rest is left out`);
    }
    return { names: tags, scope };
  }

  #pathOf(level: Level, name: Bytes): Bytes {
    return concatBytes(pathOfNode(level.path), SLASH, name);
  }

  #wait(): WalkEvent {
    return { kind: "wait", until: this.#options.pool.whenReleased() };
  }

  #vanished(level: Level, name: Bytes): undefined {
    if (level.listed !== undefined) {
      return this.#problem(this.#pathOf(level, name), new BunkerError("not-found", VANISHED));
    }
    this.#options.monitor.notice(
      `${textOf(this.#pathOf(level, name))}: vanished before it was read`,
    );
  }

  #problem(path: Bytes, error: unknown): undefined {
    const subject = path.length === 0 ? "/" : textOf(path);
    this.#options.monitor.problem(subject, fromSystemError(error, "reading", subject));
  }

  #releaseEntryFolder(): void {
    this.#entryFolder?.release();
    this.#entryFolder = undefined;
  }
}

function noFolderAnyMore(): BunkerError {
  return new BunkerError("io", "expected a folder that leads to what is listed: it was replaced");
}
