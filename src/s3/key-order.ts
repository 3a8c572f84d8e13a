// Key order: S3 services list keys by their UTF-8 bytes, which is not how strings compare.

import { BunkerError } from "../base/errors.ts";

/** So many version ids of one key are remembered, to notice one that comes again. */
const VERSIONS_KEPT_MAX = 100_000;

/** Orders two keys by the bytes of their UTF-8. */
export function compareKeys(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = rankOf(a.charCodeAt(i)) - rankOf(b.charCodeAt(i));
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

// UTF-8 sorts by code point; a surrogate stands for one above U+FFFF, so after U+E000 to U+FFFF.
function rankOf(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/** Checks that a listing is what was asked for: under its prefix, in order, nothing twice. */
export class KeyOrder {
  readonly #what: string;
  readonly #prefix: string;
  #last: string | undefined;
  readonly #versionIds = new Set<string>();

  /** Keys must come after `after`. */
  constructor(what: string, prefix: string, after: string | undefined) {
    this.#what = what;
    this.#prefix = prefix;
    this.#last = after;
  }

  /** Takes the next key; one that has more entries than one comes with what tells them apart. */
  add(key: string, versionId?: string): void {
    if (!key.startsWith(this.#prefix))
      throw this.#fault(`expected keys under ${JSON.stringify(this.#prefix)}`, key);
    const difference = this.#last === undefined ? 1 : compareKeys(key, this.#last);
    if (difference < 0) throw this.#fault(`expected a key after ${this.#last}`, key);
    if (difference > 0) this.#versionIds.clear();
    const isRepeated = versionId === undefined ? difference === 0 : this.#versionIds.has(versionId);
    if (isRepeated) throw this.#fault("expected each once", key);
    if (this.#versionIds.size >= VERSIONS_KEPT_MAX) this.#versionIds.clear();
    if (versionId !== undefined) this.#versionIds.add(versionId);
    this.#last = key;
  }

  #fault(expected: string, key: string): BunkerError {
    return new BunkerError("unavailable", `${this.#what}: ${expected}, found ${key}`, {
      subject: key,
    });
  }
}
