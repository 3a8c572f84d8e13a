// Strangers: listed objects that this machine does not know yet, and what they may cost a run.
//
// Whoever may write to the storage can plant any number of names. Known objects are never asked
// about again; of the others so many are held, so many are told of, and after so many that are not
// what they say nobody looks at the rest: that is one finding. Each folder (a signer's) has bounds of
// its own, so that what is planted among one writer's objects hides no other's.

import { strictTextOf, utf8 } from "../base/bytes.ts";
import { isBunkerError, isDamage } from "../base/errors.ts";
import type { LocalFolder } from "../base/local.ts";
import type { Storage, StoredObject, StoredVersion } from "../storage/storage.ts";
import type { Findings } from "./findings.ts";

/** So many unknown names of a folder are held: half of them the first ones, half the last. */
const HELD_COUNT_MAX = 16_384;
/** After so many refused objects of a folder, the run looks at no more of it. */
const REFUSED_COUNT_MAX = 256;
/** So many get a finding of their own. */
const TOLD_COUNT_MAX = 100;
/** Refused objects are remembered from so many on, so that a few are judged anew by each run. */
const REMEMBER_COUNT_MIN = 64;
const REMEMBERED_COUNT_MAX = 32_768;
/** So many remembered ones of a folder are looked at again: a store may have been mended. */
const AGAIN_COUNT_MAX = 8;

export class Strangers {
  readonly #cache: LocalFolder;
  readonly #findings: Findings;
  readonly #prefix: string;
  readonly #held = new Map<string, Held>();
  /** Those that were refused before. */
  readonly #again = new Map<string, Held>();
  readonly #remembered: ReadonlySet<string>;
  /** Lines of the refused objects that are still there. */
  readonly #refused: string[] = [];
  #toldCount = 0;
  /** Not looked at, or not told of by name. */
  #omittedCount = 0;

  /** `prefix` is where the objects are listed, such as `index/`. */
  constructor(parts: { cache: LocalFolder; findings: Findings }, prefix: string) {
    this.#cache = parts.cache;
    this.#findings = parts.findings;
    this.#prefix = prefix;
    this.#remembered = recall(parts.cache, fileOf(prefix));
  }

  /** Tells of an object that nobody will look at. */
  note(name: string, error: unknown): void {
    if (this.#toldCount < TOLD_COUNT_MAX) this.#findings.add(name, error);
    else this.#omittedCount += 1;
    this.#toldCount += 1;
  }

  /** Takes an object that is to be looked at; in a folder, in the order of names. */
  add(folder: string, object: StoredObject): void {
    const all = this.#remembered.has(lineOf(object)) ? this.#again : this.#held;
    const held = all.get(folder) ?? new Held();
    all.set(folder, held);
    held.add(object);
  }

  /**
   * Hands the objects to `read`, the last ones first. What it throws of damage is a finding. Says
   * how many were good, and whether more were listed than could be held: then another listing, which
   * passes over what is known by now, goes further. It is whole where all that was listed was good.
   */
  async judge(read: (object: StoredObject) => Promise<void>): Promise<{
    readonly goodCount: number;
    readonly hasMore: boolean;
    readonly isWhole: boolean;
  }> {
    let goodCount = 0;
    let hasMore = false;
    const folders = [...this.#held.values(), ...this.#again.values()];
    const listedCount = folders.reduce((sum, { count }) => sum + count, 0);
    for (const held of this.#held.values()) {
      goodCount += await this.#judgeFolder(held, read, REFUSED_COUNT_MAX);
      hasMore ||= held.droppedCount > 0;
    }
    for (const held of this.#again.values()) {
      goodCount += await this.#judgeFolder(held, read, AGAIN_COUNT_MAX);
    }
    this.#remember();
    return { goodCount, hasMore, isWhole: goodCount === listedCount };
  }

  /** Makes one finding of all that was left out. */
  tellOmitted(): void {
    if (this.#omittedCount === 0) return;
    this.#findings.add(
      this.#prefix,
      `${this.#omittedCount} more objects are unknown or not what they say, and were left aside: ` +
        `the store is flooded, or badly damaged`,
    );
  }

  // After a refusal from the other end: names planted at one end don't hide what is at the other.
  async #judgeFolder(
    held: Held,
    read: (object: StoredObject) => Promise<void>,
    refusedCountMax: number,
  ): Promise<number> {
    const { objects, droppedCount } = held;
    let [low, high] = [0, objects.length - 1];
    let [goodCount, refusedCount] = [0, 0];
    while (low <= high && refusedCount < refusedCountMax) {
      const object = objects[refusedCount % 2 === 0 ? high-- : low++]!;
      if (await this.#isGood(object, read)) goodCount += 1;
      else refusedCount += 1;
    }
    const left = objects.slice(low, high + 1);
    this.#omittedCount += droppedCount + left.length;
    for (const line of left.map(lineOf)) if (this.#remembered.has(line)) this.#keepRefused(line);
    return goodCount;
  }

  async #isGood(
    object: StoredObject,
    read: (object: StoredObject) => Promise<void>,
  ): Promise<boolean> {
    try {
      await read(object);
      return true;
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.note(object.name, error);
      if (isLasting(error)) this.#keepRefused(lineOf(object));
      return false;
    }
  }

  #keepRefused(line: string): void {
    if (this.#refused.length < REMEMBERED_COUNT_MAX) this.#refused.push(line);
  }

  #remember(): void {
    const lines = this.#refused.length < REMEMBER_COUNT_MIN ? [] : this.#refused;
    const isSame = lines.length === this.#remembered.size;
    if (isSame && lines.every((line) => this.#remembered.has(line))) return;
    this.#cache.write(fileOf(this.#prefix), [utf8(lines.join("\n"))]);
  }
}

/** The first and the last ones of a list of any length. */
class Held {
  readonly #first: StoredObject[] = [];
  #last: StoredObject[] = [];
  droppedCount = 0;

  add(object: StoredObject): void {
    const half = HELD_COUNT_MAX / 2;
    if (this.#first.length < half) {
      this.#first.push(object);
      return;
    }
    this.#last.push(object);
    if (this.#last.length < 2 * half) return;
    this.#last = this.#last.slice(half); // Seldom, so that most additions cost nothing.
    this.droppedCount += half;
  }

  get objects(): StoredObject[] {
    return [...this.#first, ...this.#last];
  }

  /** Those that are no longer held, too. */
  get count(): number {
    return this.#first.length + this.#last.length + this.droppedCount;
  }
}

/** Each object under a prefix once, from versions where there are any: hidden is not absent. */
export async function* listObjects(
  storage: Storage,
  prefix: string,
  options?: { readonly after?: string },
): AsyncGenerator<StoredObject, void, undefined> {
  if (!storage.abilities.versions) {
    yield* storage.list(prefix, options);
    return;
  }
  let newest: StoredVersion | undefined;
  for await (const version of storage.listVersions(prefix, options)) {
    const isNext = newest !== undefined && newest.name !== version.name;
    if (isNext) yield newest!;
    if (isNext || newest === undefined || newest.hidden) newest = version;
  }
  if (newest !== undefined) yield newest;
}

// What can't be read now, or by this version, may be good another day.
function isLasting(error: unknown): boolean {
  if (!isBunkerError(error, "corrupt")) return false;
  return !isBunkerError(error.cause, "denied") && !isBunkerError(error.cause, "io");
}

// With length and time: bytes that are put there later are judged anew.
function lineOf({ name, bytes, modified }: StoredObject): string {
  return `${name} ${bytes} ${modified}`;
}

function fileOf(prefix: string): string {
  return `refused-${prefix.replaceAll("/", "")}.list`;
}

function recall(cache: LocalFolder, file: string): ReadonlySet<string> {
  const bytes = cache.read(file);
  const text = bytes === undefined ? "" : (strictTextOf(bytes) ?? "");
  return new Set(text.split("\n").filter((line) => line !== ""));
}
