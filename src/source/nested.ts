// Nested: sources that lie in another one of those that are given.
//
// Each thing stands once in a snapshot, at its path: such a source is left to the one around it, as
// restic does it. Where that one leaves it out, or saves it as something else, both can't be had,
// and that is told before anything is read: saved and unreachable would be lost.

import { type Bytes, compareBytes, concatBytes, textOf, utf8 } from "../base/bytes.ts";
import { BunkerError, systemCodeOf } from "../base/errors.ts";
import { type Monitor, silentMonitor } from "../base/monitor.ts";
import type { Descriptor, FileSystem } from "../system/files.ts";
import { joinPath, openFolderPath, splitPath } from "../system/paths.ts";
import type { Choice, Scope } from "./choice.ts";
import { Marks } from "./marks.ts";
import { isIn, keyOf } from "./path-set.ts";
import { isFollowed, type Root } from "./roots.ts";

export interface NestedOptions {
  readonly files: FileSystem;
  readonly choice: Choice;
  readonly monitor: Monitor;
}

/**
 * The roots that lie in no other one; the others are told. Throws `invalid-argument` where one would
 * be missing in the snapshot.
 */
export function withoutNested(roots: readonly Root[], options: NestedOptions): Root[] {
  const around = outermostOf(roots);
  return roots.filter((root) => {
    const outer = around.get(root);
    if (outer === undefined) return true;
    if (!takes(outer, root, options)) throw leftOut(outer, root);
    options.monitor.notice(`${textOf(root.path)}: is saved as a part of ${textOf(outer.path)}`);
    return false;
  });
}

// For each root that lies in others: the outermost of them.
function outermostOf(roots: readonly Root[]): ReadonlyMap<Root, Root> {
  const around = new Map<Root, Root>();
  const inOrder = roots.map((root) => ({ root, key: keyOf(root.path) }));
  inOrder.sort((a, b) => compareBytes(a.key, b.key));
  let [outer] = inOrder;
  for (const one of inOrder.slice(1)) {
    if (outer !== undefined && isIn(one.key, outer.key)) around.set(one.root, outer.root);
    else outer = one;
  }
  return around;
}

function leftOut(outer: Root, inner: Root): BunkerError {
  const subject = textOf(inner.path);
  const message = `${subject}: lies in ${textOf(outer.path)}, which does not take it in as it is`;
  return new BunkerError("invalid-argument", message, {
    subject,
    hint: "make a snapshot of it alone, or let the other one take it in: see docs/selection.md",
  });
}

// Goes the way down as the walk will go it.
function takes(outer: Root, inner: Root, { files, choice }: NestedOptions): boolean {
  const names = splitPath(inner.path).slice(splitPath(outer.path).length);
  if (isFollowed(files, inner)) return false; // It would be saved as a link.
  const way = new Way(files, choice, outer);
  try {
    return names.every((name, i) => way.goDown(name, i === names.length - 1));
  } catch (error) {
    if (systemCodeOf(error) === undefined) throw error;
    return false; // What can't be looked at is not saved either.
  } finally {
    way.close();
  }
}

class Way {
  readonly #files: FileSystem;
  readonly #choice: Choice;
  readonly #marks: Marks;
  readonly #deviceId: number;
  #folder: Descriptor;
  readonly #path: Bytes[];
  #scope: Scope | undefined;

  constructor(files: FileSystem, choice: Choice, { given, path }: Root) {
    this.#files = files;
    this.#choice = choice;
    this.#marks = new Marks(files, choice, silentMonitor); // The walk will tell.
    this.#folder = openFolderPath(files, given);
    this.#deviceId = files.statDescriptor(this.#folder).deviceId;
    this.#path = splitPath(path);
    this.#scope = choice.top();
  }

  /** Whether the walk takes this name; the next one is looked for in it. */
  goDown(name: Bytes, isLast: boolean): boolean {
    const stat = this.#files.stat(this.#folder, name);
    if (stat === undefined) return false;
    const isFolder = stat.type === "folder";
    if (this.#leavesOut(name, isFolder)) return false;
    if (!isFolder) return isLast && (stat.type !== "file" || !this.#isTooLarge(stat.size));
    const below = this.#files.openFolder(this.#folder, name);
    this.#files.close(this.#folder);
    this.#folder = below;
    this.#path.push(name);
    this.#scope = this.#choice.below(this.#scope, name);
    const { oneFileSystem } = this.#choice.options;
    return oneFileSystem !== true || this.#files.statDescriptor(below).deviceId === this.#deviceId;
  }

  #leavesOut(name: Bytes, isFolder: boolean): boolean {
    const path = (): Bytes => wholePath(this.#path);
    const names = this.#files.list(this.#folder);
    const listed = { descriptor: this.#folder, names, path };
    const tags = this.#marks.tagsOf(listed);
    if (tags !== undefined && !tags.has(name)) return true;
    this.#scope = this.#marks.scopeIn(listed, this.#scope);
    if (this.#choice.leavesOut(this.#scope, name, isFolder)) return true;
    const whole = wholePath([...this.#path, name]);
    if (isFolder && this.#choice.isOwn(name, () => whole)) return true;
    return this.#choice.options.exclude?.(whole, isFolder) === true;
  }

  #isTooLarge(size: number): boolean {
    return size > (this.#choice.options.fileBytesMax ?? Number.POSITIVE_INFINITY);
  }

  close(): void {
    this.#files.close(this.#folder);
  }
}

function wholePath(names: readonly Bytes[]): Bytes {
  return concatBytes(utf8("/"), joinPath(names));
}
