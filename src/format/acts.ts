// Acts: what each kind of log record says, as the CBOR map of its section (docs/format.md §9.1).

import { compareBytes } from "../base/bytes.ts";
import { hexId, ID_BYTES } from "../base/ids.ts";
import { LOG_RECORD_BYTES_MAX } from "../base/limits.ts";
import { labelOf } from "./bundle.ts";
import { decodeCbor } from "./cbor.ts";
import { type Cbor, encodeCbor } from "./cbor-encoder.ts";
import type { SignerReference } from "./context.ts";
import {
  areSorted,
  compareReferences,
  encodeReference,
  encodeSignerReference,
  type Fields,
  fieldsOf,
  isBytes,
  isList,
  joinIds,
  madeByNewer,
  mapOf,
  splitIds,
} from "./fields.ts";
import { NUMBER_MAX } from "./names.ts";
import type { CheckpointRecord, LogRecord, RecordKind } from "./record.ts";

export const LOCATION_ID_BYTES = 16;
const LOCK_MODES = ["none", "governance", "compliance"] as const;
const ROLES = ["writer", "keeper"] as const;
const ROLE_FIRST = 2;
const SECONDS_MAX = 2 ** 40;

type RecordOf<K extends RecordKind> = LogRecord & { readonly kind: K };
type Pairs = readonly (readonly [number, Cbor | undefined])[];

interface Act<K extends RecordKind> {
  readonly number: number;
  /** All keys but 0, the time. */
  encode(record: RecordOf<K>): Pairs;
  decode(fields: Fields): Omit<RecordOf<K>, "kind" | "time">;
}

const ACTS: { readonly [K in RecordKind]: Act<K> } = {
  genesis: {
    number: 1,
    encode: ({ agreementPublic, signingPublic, chunkBytes, packBytesTarget, program }) => [
      [1, agreementPublic],
      [2, signingPublic],
      [3, [chunkBytes.min, chunkBytes.average, chunkBytes.max]],
      [4, packBytesTarget],
      [5, program],
    ],
    decode: (fields) => ({
      agreementPublic: fields.id(1, "agreement key"),
      signingPublic: fields.id(2, "signing key"),
      chunkBytes: decodeChunkBytes(fields),
      packBytesTarget: fields.uint(4, "pack target", 2 ** 32, 1),
      program: fields.text(5, "program"),
    }),
  },
  policy: {
    number: 2,
    encode: ({ mode, period, floor, grace }) => [
      [1, LOCK_MODES.indexOf(mode)],
      [2, period],
      [3, floor],
      [4, grace],
    ],
    decode: (fields) => ({
      mode: LOCK_MODES[fields.uint(1, "lock mode", LOCK_MODES.length - 1)]!,
      period: fields.uint(2, "period", SECONDS_MAX),
      floor: fields.uint(3, "floor", SECONDS_MAX),
      grace: fields.uint(4, "grace", SECONDS_MAX),
    }),
  },
  location: {
    number: 3,
    encode: ({ locationId, bucket }) => [
      [1, locationId],
      [2, bucket === undefined ? "folder" : "s3"],
      [3, bucket?.endpoint],
      [4, bucket?.bucket],
      [5, bucket?.prefix],
    ],
    decode: (fields) => ({ locationId: locationOf(fields), ...decodePlace(fields) }),
  },
  certificate: {
    number: 4,
    encode: ({ role, publicKey, label, hosts, lockCap, rhythm }) => [
      [1, ROLES.indexOf(role) + ROLE_FIRST],
      [2, publicKey],
      [3, label],
      [4, hosts],
      [5, lockCap],
      [6, rhythm],
    ],
    decode: decodeCertificate,
  },
  revocation: {
    number: 5,
    encode: ({ publicKey, accepted }) => [
      [1, publicKey],
      [2, joinIds(accepted)],
    ],
    decode: (fields) => ({
      publicKey: fields.id(1, "public key"),
      accepted: fields.sortedIds(2, "accepted objects"),
    }),
  },
  removal: {
    number: 6,
    encode: ({ locationId, manifests, reason }) => [
      [1, locationId],
      [2, manifests.map(encodeSignerReference)],
      [3, reason],
    ],
    decode: (fields) => ({
      locationId: locationOf(fields),
      manifests: manifestsOf(fields),
      ...reasonOf(fields, 3),
    }),
  },
  undo: {
    number: 7,
    encode: ({ locationId, manifests }) => [
      [1, locationId],
      [2, manifests.map(encodeSignerReference)],
    ],
    decode: (fields) => ({ locationId: locationOf(fields), manifests: manifestsOf(fields) }),
  },
  substitution: {
    number: 8,
    encode: ({ packs }) => [[1, packs.map((pack) => [pack.old, joinIds(pack.new)])]],
    decode: (fields) => ({ packs: decodeSubstitutes(fields) }),
  },
  condemnation: {
    number: 9,
    encode: ({ locationId, packs, others, notBefore }) => [
      [1, locationId],
      [2, joinIds(packs)],
      [3, joinIds(others)],
      [4, notBefore],
    ],
    decode: (fields) => ({
      locationId: locationOf(fields),
      packs: fields.sortedIds(2, "packs"),
      others: fields.sortedIds(3, "other objects"),
      notBefore: fields.time(4, "not before"),
    }),
  },
  sweep: {
    number: 10,
    encode: ({ locationId, condemnation, packs, others, manifestsSeen, spared }) => [
      [1, locationId],
      [2, condemnation],
      [3, joinIds(packs)],
      [4, joinIds(others)],
      [5, joinIds(manifestsSeen)],
      [6, joinIds(spared)],
    ],
    decode: (fields) => ({
      locationId: locationOf(fields),
      condemnation: fields.id(2, "condemnation"),
      packs: fields.sortedIds(3, "packs"),
      others: fields.sortedIds(4, "other objects"),
      manifestsSeen: fields.sortedIds(5, "manifests seen"),
      spared: fields.sortedIds(6, "spared packs"),
    }),
  },
  setAside: {
    number: 11,
    encode: ({ ids, reason }) => [
      [1, joinIds(ids)],
      [2, reason],
    ],
    decode: (fields) => ({ ids: fields.sortedIds(1, "ids"), ...reasonOf(fields, 2) }),
  },
  checkpoint: {
    number: 12,
    encode: ({ covered, inForce }) => [
      [1, covered.map(encodeReference)],
      [2, inForce.map((record) => [record.number, record.id, record.kindNumber, record.section])],
    ],
    decode: decodeCheckpoint,
  },
};

export function recordKindNumber(kind: RecordKind): number {
  return ACTS[kind].number;
}

export function encodeRecordSection(record: LogRecord): Uint8Array<ArrayBuffer> {
  const act = ACTS[record.kind] as Act<RecordKind>;
  return encodeCbor(mapOf([[0, record.time], ...act.encode(record)]));
}

/** Throws `corrupt`, and `unsupported-version` for a kind that this version does not know. */
export function decodeRecordSection(kindNumber: number, section: Uint8Array): LogRecord {
  const kind = (Object.keys(ACTS) as RecordKind[]).find((name) => ACTS[name].number === kindNumber);
  if (kind === undefined) throw madeByNewer("record");
  const value = decodeCbor(section, { what: kind, bytesMax: LOG_RECORD_BYTES_MAX });
  const fields = fieldsOf(value, kind);
  return { kind, time: fields.time(0, "time"), ...ACTS[kind].decode(fields) } as LogRecord;
}

function locationOf(fields: Fields) {
  return fields.bytes(1, "location id", LOCATION_ID_BYTES);
}

function reasonOf(fields: Fields, key: number): { readonly reason?: string } {
  const reason = fields.optionalText(key, "reason");
  return reason === undefined ? {} : { reason };
}

function decodeChunkBytes(fields: Fields): RecordOf<"genesis">["chunkBytes"] {
  const [min, average, max, more] = fields.list(3, "chunk sizes");
  const isOrdered =
    typeof min === "number" &&
    typeof average === "number" &&
    typeof max === "number" &&
    0 < min &&
    min <= average &&
    average <= max;
  if (!isOrdered || more !== undefined)
    throw fields.fault("chunk sizes", "three ascending numbers");
  return { min, average, max };
}

function decodePlace(fields: Fields): Pick<RecordOf<"location">, "bucket"> {
  const type = fields.text(2, "type");
  if (type === "folder") {
    if ([3, 4, 5].some((key) => fields.has(key))) throw fields.fault("type", "s3");
    return {};
  }
  if (type !== "s3") throw madeByNewer("location");
  const endpoint = fields.text(3, "endpoint");
  return {
    bucket: { endpoint, bucket: fields.text(4, "bucket"), prefix: fields.text(5, "prefix") },
  };
}

function decodeCertificate(fields: Fields): Omit<RecordOf<"certificate">, "kind" | "time"> {
  const lockCap = fields.optionalUint(5, "lock cap", SECONDS_MAX);
  const rhythm = fields.optionalUint(6, "rhythm", SECONDS_MAX);
  return {
    role: ROLES[fields.uint(1, "role", ROLE_FIRST + 1, ROLE_FIRST) - ROLE_FIRST]!,
    publicKey: fields.id(2, "public key"),
    label: labelOf(fields, 3),
    hosts: fields.sortedTexts(4, "hosts"),
    ...(lockCap === undefined ? {} : { lockCap }),
    ...(rhythm === undefined ? {} : { rhythm }),
  };
}

function manifestsOf(fields: Fields): readonly SignerReference[] {
  const manifests = fields.signerReferences(2, "manifests");
  if (areSorted(manifests, (a, b) => compareBytes(a.id, b.id))) return manifests;
  throw fields.fault("manifests", "sorted ids, none twice");
}

function decodeSubstitutes(fields: Fields): RecordOf<"substitution">["packs"] {
  const packs = fields.list(1, "packs").map((item) => {
    const [old, joined, more] = isList(item) ? item : [];
    const isPair = isBytes(old) && old.length === ID_BYTES && isBytes(joined) && more === undefined;
    if (!isPair || joined.length % ID_BYTES !== 0) throw fields.fault("packs", "old and new ids");
    const substitutes = splitIds(joined);
    if (!areSorted(substitutes, compareBytes)) throw fields.fault("packs", "sorted new ids");
    return { old, new: substitutes };
  });
  if (areSorted(packs, (a, b) => compareBytes(a.old, b.old))) return packs;
  throw fields.fault("packs", "sorted old ids, none twice");
}

function decodeCheckpoint(fields: Fields): Omit<RecordOf<"checkpoint">, "kind" | "time"> {
  const covered = fields.references(1, "covered records");
  const inForce = decodeInForce(fields);
  const known = new Set(covered.map(({ id }) => hexId(id)));
  if (inForce.some(({ id }) => !known.has(hexId(id)))) {
    throw fields.fault("records in force", "records that are covered");
  }
  return { covered, inForce };
}

function decodeInForce(fields: Fields): readonly CheckpointRecord[] {
  const records = fields.list(2, "records in force").map((item) => {
    const [number, id, kindNumber, section, more] = isList(item) ? item : [];
    const isPlace =
      typeof number === "number" && number >= 1 && number <= NUMBER_MAX && isBytes(id);
    const isRecord = typeof kindNumber === "number" && isBytes(section) && more === undefined;
    if (!isPlace || id.length !== ID_BYTES || !isRecord) {
      throw fields.fault("records in force", "numbers, ids, kinds and sections");
    }
    return { number, id, kindNumber, section };
  });
  if (areSorted(records, compareReferences)) return records;
  throw fields.fault("records in force", "a sorted list");
}
