// Fields: reading a CBOR map key by key, and saying exactly which one is wrong.

import { type Bytes, compareBytes, utf8 } from "../base/bytes.ts";
import { BunkerError } from "../base/errors.ts";
import { ID_BYTES } from "../base/ids.ts";
import { TIME_MS_MAX } from "../base/limits.ts";
import type { Cbor, CborMap } from "./cbor-encoder.ts";
import type { Reference, SignerReference } from "./context.ts";
import { NUMBER_MAX } from "./names.ts";

/** The error of an object whose content this format does not allow. */
export function corrupt(what: string, why: string, cause?: unknown): BunkerError {
  return new BunkerError("corrupt", `${what}: ${why}`, { cause });
}

export function madeByNewer(what: string): BunkerError {
  const message = `${what}: made by a newer version of bunker, which is needed to read it, or forged`;
  return new BunkerError("unsupported-version", message, { hint: "update bunker" });
}

export function isBytes(value: Cbor | undefined): value is Bytes {
  return value instanceof Uint8Array;
}

export function isList(value: Cbor | undefined): value is readonly Cbor[] {
  return Array.isArray(value);
}

/** Reads the value as a map whose unknown keys may be ignored. */
export function fieldsOf(value: Cbor | undefined, what: string): Fields {
  if (!(value instanceof Map)) throw corrupt(what, "expected a map");
  return new Fields(value as CborMap, what);
}

/** Readers of a map's values. Each throws `corrupt`, naming the object and the field. */
export class Fields {
  readonly what: string;
  readonly #map: CborMap;

  constructor(map: CborMap, what: string) {
    for (const key of map.keys()) if (key < 0) throw madeByNewer(what);
    this.#map = map;
    this.what = what;
  }

  has(key: number): boolean {
    return this.#map.has(key);
  }

  value(key: number, name: string): Cbor {
    const value = this.optional(key);
    if (value === undefined) throw this.fault(name, "a value");
    return value;
  }

  optional(key: number): Cbor | undefined {
    return this.#map.get(key);
  }

  uint(key: number, name: string, max: number = Number.MAX_SAFE_INTEGER, min = 0): number {
    const value = this.value(key, name);
    if (typeof value !== "number" || value < min || value > max) {
      throw this.fault(name, `a number from ${min} to ${max}`);
    }
    return value;
  }

  optionalUint(key: number, name: string, max?: number, min = 0): number | undefined {
    return this.has(key) ? this.uint(key, name, max, min) : undefined;
  }

  /** Milliseconds since the epoch. */
  time(key: number, name: string): number {
    return this.uint(key, name, TIME_MS_MAX);
  }

  int(key: number, name: string): number {
    const value = this.value(key, name);
    if (typeof value !== "number") throw this.fault(name, "a number");
    return value;
  }

  bytes(key: number, name: string, min: number, max: number = min): Bytes {
    const value = this.value(key, name);
    if (!isBytes(value) || value.length < min || value.length > max) {
      throw this.fault(name, `a byte string of ${min === max ? min : `${min} to ${max}`} bytes`);
    }
    return value;
  }

  id(key: number, name: string): Bytes {
    return this.bytes(key, name, ID_BYTES);
  }

  text(key: number, name: string): string {
    const value = this.value(key, name);
    if (typeof value !== "string") throw this.fault(name, "a text");
    return value;
  }

  optionalText(key: number, name: string): string | undefined {
    return this.has(key) ? this.text(key, name) : undefined;
  }

  flag(key: number, name: string): boolean {
    const value = this.optional(key);
    if (value !== undefined && value !== true) throw this.fault(name, "true");
    return value === true;
  }

  list(key: number, name: string): readonly Cbor[] {
    const value = this.value(key, name);
    if (!isList(value)) throw this.fault(name, "an array");
    return value;
  }

  /** Texts, sorted, none twice. */
  sortedTexts(key: number, name: string): readonly string[] {
    const texts = this.texts(key, name);
    if (!areSorted(texts, compareTexts)) throw this.fault(name, "sorted texts");
    return texts;
  }

  texts(key: number, name: string): readonly string[] {
    return this.list(key, name).map((item) => {
      if (typeof item !== "string") throw this.fault(name, "texts");
      return item;
    });
  }

  /** Ids joined into one byte string: views, in the order in which they stand. */
  ids(key: number, name: string): readonly Bytes[] {
    const joined = this.value(key, name);
    if (!isBytes(joined) || joined.length % ID_BYTES !== 0) throw this.fault(name, "joined ids");
    return splitIds(joined);
  }

  /** The same, sorted and none twice. */
  sortedIds(key: number, name: string): readonly Bytes[] {
    const ids = this.ids(key, name);
    if (!areSorted(ids, compareBytes)) throw this.fault(name, "sorted ids");
    return ids;
  }

  /** [number, id] each, sorted by number, then id. */
  references(key: number, name: string): readonly Reference[] {
    const references = this.list(key, name).map((item) => this.#reference(item, name));
    if (!areSorted(references, compareReferences)) throw this.fault(name, "a sorted list");
    return references;
  }

  /** One [number, id]. */
  reference(key: number, name: string): Reference {
    return this.#reference(this.value(key, name), name);
  }

  /** [signer, number, id] each; the caller checks the order. */
  signerReferences(key: number, name: string): readonly SignerReference[] {
    return this.list(key, name).map((item) => {
      const [signer, ...rest] = isList(item) ? item : [];
      if (!isBytes(signer) || signer.length !== ID_BYTES) {
        throw this.fault(name, "signers, numbers and ids");
      }
      return { signer, ...this.#reference(rest, name) };
    });
  }

  fault(name: string, expected: string): BunkerError {
    return corrupt(this.what, `${name}: expected ${expected}`);
  }

  #reference(item: Cbor, name: string): Reference {
    const [number, id, more] = isList(item) ? item : [];
    if (typeof number !== "number" || number < 1 || number > NUMBER_MAX || more !== undefined) {
      throw this.fault(name, "a number and an id");
    }
    if (!isBytes(id) || id.length !== ID_BYTES) throw this.fault(name, "a number and an id");
    return { number, id };
  }
}

export function splitIds(joined: Bytes): readonly Bytes[] {
  const ids: Bytes[] = [];
  for (let at = 0; at < joined.length; at += ID_BYTES) ids.push(joined.subarray(at, at + ID_BYTES));
  return ids;
}

/** Joins ids into one byte string: that of a single id is the id itself. */
export function joinIds(ids: readonly Bytes[]): Bytes {
  const only = ids.length === 1 ? ids[0] : undefined;
  if (only !== undefined) return only;
  const joined = new Uint8Array(ID_BYTES * ids.length);
  ids.forEach((id, i) => joined.set(id, ID_BYTES * i));
  return joined;
}

/** Whether every item is before the next: none twice. */
export function areSorted<T>(items: readonly T[], compare: (a: T, b: T) => number): boolean {
  for (let i = 1; i < items.length; i++) if (compare(items[i - 1]!, items[i]!) >= 0) return false;
  return true;
}

export function compareReferences(a: Reference, b: Reference): number {
  return a.number - b.number || compareBytes(a.id, b.id);
}

export function compareSigners(a: SignerReference, b: SignerReference): number {
  return compareBytes(a.signer, b.signer);
}

/** Orders texts as the format does: by the bytes of their UTF-8, which `<` does not. */
export function compareTexts(a: string, b: string): number {
  return compareBytes(utf8(a), utf8(b));
}

export function encodeReference(reference: Reference): Cbor {
  return [reference.number, reference.id];
}

export function encodeSignerReference(reference: SignerReference): Cbor {
  return [reference.signer, reference.number, reference.id];
}

/** A map of what is there: keys whose value is `undefined` are left out. */
export function mapOf(pairs: readonly (readonly [number, Cbor | undefined])[]): CborMap {
  const map = new Map<number, Cbor>();
  for (const [key, value] of pairs) if (value !== undefined) map.set(key, value);
  return map;
}
