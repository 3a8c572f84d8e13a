// Numbers: those of a machine's own segments and manifests, which grow.

import { BunkerError, isDamage } from "../base/errors.ts";
import { hexId } from "../base/ids.ts";
import { readManifest } from "../format/manifest.ts";
import { afterNumber, NUMBER_MAX, parseName } from "../format/names.ts";
import { readSegment } from "../format/segment.ts";
import { changeMemory, loadMemory } from "./memory.ts";
import { loadFromStorage } from "./objects.ts";
import type { Store } from "./store.ts";
import { listObjects } from "./strangers.ts";

type Kind = "segmentNumber" | "manifestNumber";

/** So many listed names above the known number are looked at: anybody can plant a name. */
const LOOK_COUNT_MAX = 16;

export class OwnNumbers {
  readonly #store: Store;
  /** The listing of each kind, which every caller waits for. */
  readonly #listed = new Map<Kind, Promise<number>>();

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * The next number of a kind: over what is remembered, what is listed, and `verified`, the greatest
   * that this run has seen in an object of its own. It is written down before it is used.
   */
  async next(kind: Kind, prefix: string, verified: number): Promise<number> {
    const known = () => Math.max(rememberedNumber(this.#store, kind), verified);
    const listing = this.#listed.get(kind) ?? this.#lastListed(prefix, known());
    this.#listed.set(kind, listing);
    const listed = await listing;
    // From here on nothing is awaited, so that no number is given twice.
    const next = Math.max(listed, known()) + 1;
    if (next > NUMBER_MAX) throw new BunkerError("full", "this writer has used up its numbers");
    changeMemory(this.#store.state, { [kind]: next });
    return next;
  }

  // The last number above the known one whose object verifies: a name alone says nothing.
  async #lastListed(prefix: string, above: number): Promise<number> {
    for (const name of (await this.#lastNames(prefix, above)).toReversed()) {
      try {
        return await this.#verify(name);
      } catch (error) {
        if (!isDamage(error)) throw error;
        this.#store.findings.add(name, error);
      }
    }
    return 0;
  }

  async #lastNames(prefix: string, above: number): Promise<string[]> {
    const names: string[] = [];
    const signer = hexId(this.#store.keyring.signer.publicKey);
    const after = afterNumber(prefix, signer, above);
    for await (const { name } of listObjects(this.#store.storage, `${prefix}${signer}/`, after)) {
      const parsed = parseName(name);
      if (parsed?.kind !== "segment" && parsed?.kind !== "manifest") continue;
      if (parsed.number <= above) continue;
      names.push(name);
      if (names.length > LOOK_COUNT_MAX) names.shift();
    }
    return names;
  }

  async #verify(name: string): Promise<number> {
    const { platform, storage } = this.#store;
    const bytes = await loadFromStorage(platform, storage, name);
    const isSegment = parseName(name)?.kind === "segment";
    const read = isSegment ? readSegment : readManifest;
    return (await read(this.#store, name, bytes)).number;
  }
}

// A number that can't be counted on from is none: the objects in the store say more.
function rememberedNumber({ state }: Store, kind: Kind): number {
  const number = loadMemory(state)[kind];
  return number < NUMBER_MAX ? number : 0;
}
