// Facts of bucket objects: the keys 18 to 27 of an entry (docs/format.md §8.1).

import type { ObjectFacts } from "../base/entry.ts";
import { TIME_MS_MAX } from "../base/limits.ts";
import type { Cbor } from "./cbor-encoder.ts";
import { areSorted, compareTexts, type Fields, isBytes, isList } from "./fields.ts";

export const OBJECT_KEY_FIRST = 18;
const KEY_BYTES_MAX = 4096;
const LOCK_MODES = ["none", "governance", "compliance"] as const;

type Pairs = readonly (readonly [string, string])[];

/** Appends an object's keys and values to those of its entry. */
export function pushObjectFacts(flat: Cbor[], facts: ObjectFacts): void {
  flat.push(18, facts.key);
  if (facts.etag !== undefined) flat.push(19, facts.etag);
  if (facts.versionId !== undefined) flat.push(20, facts.versionId);
  if (facts.lastModified !== undefined) flat.push(21, facts.lastModified);
  pushPairs(flat, 22, facts.headers);
  pushPairs(flat, 23, facts.userMetadata);
  if (facts.storageClass !== undefined) flat.push(24, facts.storageClass);
  if (facts.checksums !== undefined && facts.checksums.length > 0) {
    flat.push(
      25,
      facts.checksums.map(({ algorithm, value }) => [algorithm, value]),
    );
  }
  if (facts.lock !== undefined) {
    const { mode, until, legalHold } = facts.lock;
    flat.push(26, [LOCK_MODES.indexOf(mode), until, legalHold ? 1 : 0]);
  }
  pushPairs(flat, 27, facts.tags);
}

/** Reads an object's facts from the map of its entry. Throws `corrupt`. */
export function decodeObjectFacts(fields: Fields): ObjectFacts {
  const etag = fields.optionalText(19, "ETag");
  const versionId = fields.optionalText(20, "version id");
  const storageClass = fields.optionalText(24, "storage class");
  const lastModified = fields.optionalUint(21, "last modified", TIME_MS_MAX);
  return {
    key: fields.bytes(18, "key", 1, KEY_BYTES_MAX),
    ...(etag === undefined ? {} : { etag }),
    ...(versionId === undefined ? {} : { versionId }),
    ...(lastModified === undefined ? {} : { lastModified }),
    ...(fields.has(22) ? { headers: decodePairs(fields, 22, "headers") } : {}),
    ...(fields.has(23) ? { userMetadata: decodePairs(fields, 23, "user metadata") } : {}),
    ...(storageClass === undefined ? {} : { storageClass }),
    ...(fields.has(25) ? { checksums: decodeChecksums(fields) } : {}),
    ...(fields.has(26) ? { lock: decodeLock(fields) } : {}),
    ...(fields.has(27) ? { tags: decodePairs(fields, 27, "tags") } : {}),
  };
}

function pushPairs(flat: Cbor[], key: number, pairs: Pairs | undefined): void {
  if (pairs !== undefined && pairs.length > 0) flat.push(key, pairs);
}

function decodePairs(fields: Fields, key: number, name: string): Pairs {
  const pairs = fields.list(key, name).map((item) => {
    const [first, second, more] = isList(item) ? item : [];
    if (typeof first !== "string" || typeof second !== "string" || more !== undefined) {
      throw fields.fault(name, "names and values");
    }
    return [first, second] as const;
  });
  if (pairs.length === 0 || !areSorted(pairs, ([a], [b]) => compareTexts(a, b))) {
    throw fields.fault(name, "sorted names, none twice");
  }
  return pairs;
}

function decodeChecksums(fields: Fields): NonNullable<ObjectFacts["checksums"]> {
  const checksums = fields.list(25, "checksums").map((item) => {
    const [algorithm, value, more] = isList(item) ? item : [];
    if (typeof algorithm !== "string" || !isBytes(value) || more !== undefined) {
      throw fields.fault("checksums", "algorithms and values");
    }
    return { algorithm, value };
  });
  if (
    checksums.length === 0 ||
    !areSorted(checksums, (a, b) => compareTexts(a.algorithm, b.algorithm))
  ) {
    throw fields.fault("checksums", "sorted algorithms, none twice");
  }
  return checksums;
}

function decodeLock(fields: Fields): NonNullable<ObjectFacts["lock"]> {
  const [modeNumber, until, hold, more] = fields.list(26, "lock");
  const mode = typeof modeNumber === "number" ? LOCK_MODES[modeNumber] : undefined;
  const isTime = typeof until === "number" && until >= 0 && until <= TIME_MS_MAX;
  if (mode === undefined || !isTime || (hold !== 0 && hold !== 1) || more !== undefined) {
    throw fields.fault("lock", "mode, time and hold");
  }
  return { mode, until, legalHold: hold === 1 };
}
