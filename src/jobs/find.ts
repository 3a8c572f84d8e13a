// Find: what matches in one snapshot after another, each tree read and judged once.
//
// Of folders in which nothing matches, a fingerprint is kept; of others, what matches in them, so
// that the next snapshot that has the same folder is answered from there. Both are bounded: what
// is beyond is read again.

import { type Bytes, concatBytes, textOf, utf8 } from "../base/bytes.ts";
import type { Entry } from "../base/entry.ts";
import { isDamage, messageOf } from "../base/errors.ts";
import { IdSet } from "../base/id-set.ts";
import { type HexId, hexId, ID_BYTES } from "../base/ids.ts";
import type { PathPatterns, PatternState } from "../base/path-patterns.ts";
import type { BlobReader } from "../store/blobs.ts";
import { childrenOf, isFolder, nameOfNode, type Node, rootNamesOf, topOf } from "../store/paths.ts";
import type { FoundSnapshot } from "../store/snapshots.ts";
import type { Store } from "../store/store.ts";
import { treeOf } from "../store/trees.ts";

export interface FindOptions {
  readonly patterns: PathPatterns;
  /** Whether what matches by its name is wanted: by nothing but what the node says. */
  readonly accepts: (node: Node) => boolean;
  readonly breathe: () => Promise<void> | undefined;
}

export interface Match {
  readonly found: FoundSnapshot;
  /** Below the top of the snapshot. */
  readonly path: Bytes;
  readonly node: Node;
}

export type TakeMatch = (match: Match) => Promise<void>;

/** Folders without a match: 16 bytes of a fingerprint each, 48 MiB. */
const BARREN_COUNT_MAX = 2 ** 21;
/** For what matches in the other folders, by a rough count. */
const KEPT_BYTES_MAX = 32 * 1024 * 1024;
const KEPT_NODE_BYTES = 800;
const SLASH = utf8("/");

/** What matches in a folder, or leads to it. */
interface Kept {
  readonly node: Node;
  readonly isMatch: boolean;
  readonly below: readonly Kept[];
}

interface Place {
  readonly found: FoundSnapshot;
  readonly path: Bytes;
  readonly state: PatternState;
}

export class Find {
  readonly #store: Store;
  readonly #reader: BlobReader;
  readonly #options: FindOptions;
  /** Random: the key of this run's fingerprints. */
  readonly #key: Bytes;
  readonly #barren = new IdSet({ idBytes: ID_BYTES / 2, countMax: BARREN_COUNT_MAX });
  readonly #kept = new Map<HexId, readonly Kept[]>();
  #keptBytes = 0;
  #treeCount = 0;

  constructor(store: Store, reader: BlobReader, options: FindOptions) {
    this.#store = store;
    this.#reader = reader;
    this.#options = options;
    this.#key = store.platform.random(ID_BYTES);
  }

  /** How many folders were read so far. */
  get treeCount(): number {
    return this.#treeCount;
  }

  /** Hands over the matches of a snapshot in the order of their paths; damage becomes findings. */
  async search(found: FoundSnapshot, take: TakeMatch): Promise<void> {
    const state = this.#options.patterns.start(rootNamesOf(found.snapshot));
    await this.#folder(topOf(found.snapshot), { found, path: new Uint8Array(0), state }, take);
  }

  // Returns what is worth keeping, `undefined` where that is too much, or not all could be read.
  async #folder(node: Node, place: Place, take: TakeMatch): Promise<readonly Kept[] | undefined> {
    await this.#options.breathe();
    if (!place.state.isAlive) return [];
    const print = node.kind === "entry" ? this.#printOf(node.entry, place.state) : undefined;
    if (print !== undefined && this.#barren.has(print)) return [];
    const known = print === undefined ? undefined : this.#kept.get(hexId(print));
    if (known !== undefined) {
      await this.#repeat(known, place, take);
      return known;
    }
    const kept = await this.#read(node, place, take);
    if (print !== undefined && kept !== undefined) this.#keep(print, kept);
    return kept;
  }

  async #read(node: Node, place: Place, take: TakeMatch): Promise<readonly Kept[] | undefined> {
    let kept: Kept[] | undefined = [];
    let room = KEPT_BYTES_MAX - this.#keptBytes;
    this.#treeCount += 1;
    try {
      for await (const child of childrenOf(this.#reader, node)) {
        const one = await this.#child(child, place, take);
        if (one === "none") continue;
        room -= one === undefined ? 0 : bytesOf(one);
        if (one === undefined || room < 0) kept = undefined;
        else kept?.push(one);
      }
    } catch (error) {
      if (!isDamage(error)) throw error;
      const id = hexId(place.found.manifest.id).slice(0, 10);
      const subject = `${id}:/${textOf(place.path)}`;
      this.#store.findings.add(subject, `this folder can't be read: ${messageOf(error)}`);
      return undefined;
    }
    return kept;
  }

  async #child(child: Node, place: Place, take: TakeMatch): Promise<Kept | "none" | undefined> {
    const { found } = place;
    const name = nameOfNode(child);
    const { isMatch, state } = this.#options.patterns.step(place.state, name, isFolder(child));
    const isWanted = isMatch && this.#options.accepts(child);
    if (!isWanted && !(isFolder(child) && state.isAlive)) return "none";
    const path = pathBelow(place.path, name);
    if (isWanted) await take({ found, path, node: child });
    const below = isFolder(child) ? await this.#folder(child, { found, path, state }, take) : [];
    if (below === undefined) return undefined;
    return isWanted || below.length > 0 ? { node: child, isMatch: isWanted, below } : "none";
  }

  async #repeat(kept: readonly Kept[], place: Place, take: TakeMatch): Promise<void> {
    await this.#options.breathe();
    for (const { node, isMatch, below } of kept) {
      const path = pathBelow(place.path, nameOfNode(node));
      if (isMatch) await take({ found: place.found, path, node });
      await this.#repeat(below, { ...place, path }, take);
    }
  }

  #keep(print: Bytes, kept: readonly Kept[]): void {
    if (kept.length === 0) {
      this.#barren.add(print);
      return;
    }
    const bytes = kept.reduce((sum, one) => sum + bytesOf(one), 0);
    if (this.#keptBytes + bytes > KEPT_BYTES_MAX) return;
    this.#keptBytes += bytes;
    this.#kept.set(hexId(print), kept);
  }

  // The same tree in the same state of the patterns gives the same matches.
  #printOf(entry: Entry, state: PatternState): Bytes {
    const facts = concatBytes(treeOf(entry), utf8(state.key));
    return this.#store.core.keyedBlake3(this.#key, facts);
  }
}

function pathBelow(path: Bytes, name: Bytes): Bytes {
  return path.length === 0 ? name : concatBytes(path, SLASH, name);
}

// Roughly: what is below it is counted where it is kept itself.
function bytesOf({ node }: Kept): number {
  if (node.kind === "way") return KEPT_NODE_BYTES;
  const { content, contentLists, attributes, target } = node.entry;
  const ids = content.length + (contentLists?.length ?? 0);
  const attributeBytes = attributes?.reduce((sum, { value }) => sum + value.length + 200, 0) ?? 0;
  return KEPT_NODE_BYTES + ids * 160 + attributeBytes + (target?.length ?? 0);
}
