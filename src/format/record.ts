// Records of the owner log: their place, and the container (docs/format.md §9).

import { assert } from "../base/assert.ts";
import { type Bytes, equalBytes } from "../base/bytes.ts";
import type { ObjectId, SignerId } from "../base/ids.ts";
import type { BucketPlace } from "../base/place.ts";
import { decodeRecordSection, encodeRecordSection, recordKindNumber } from "./acts.ts";
import type {
  EncodedObject,
  ReadContext,
  Reference,
  SignerReference,
  WriteContext,
} from "./context.ts";
import { compareReferences, corrupt, encodeReference, Fields, mapOf } from "./fields.ts";
import { logName, NUMBER_MAX } from "./names.ts";
import { checkNumber, encodeSigned, newSalt, openSection, readSigned } from "./signed.ts";

/** Seconds each. */
export interface LockPolicy {
  readonly mode: "none" | "governance" | "compliance";
  readonly period: number;
  readonly floor: number;
  readonly grace: number;
}

export type LogRecord =
  | {
      readonly kind: "genesis";
      readonly time: number;
      readonly agreementPublic: Bytes;
      readonly signingPublic: Bytes;
      readonly chunkBytes: { readonly min: number; readonly average: number; readonly max: number };
      readonly packBytesTarget: number;
      readonly program: string;
    }
  | ({ readonly kind: "policy"; readonly time: number } & LockPolicy)
  | {
      readonly kind: "location";
      readonly time: number;
      /** 16 bytes. */
      readonly locationId: Bytes;
      /** Absent: a folder. */
      readonly bucket?: BucketPlace;
    }
  | {
      readonly kind: "certificate";
      readonly time: number;
      readonly role: "writer" | "keeper";
      readonly publicKey: SignerId;
      readonly label: string;
      /** Sorted; none: any. */
      readonly hosts: readonly string[];
      /** Seconds. */
      readonly lockCap?: number;
      readonly rhythm?: number;
    }
  | {
      readonly kind: "revocation";
      readonly time: number;
      readonly publicKey: SignerId;
      readonly accepted: readonly ObjectId[];
    }
  | {
      readonly kind: "removal";
      readonly time: number;
      readonly locationId: Bytes;
      readonly manifests: readonly SignerReference[];
      readonly reason?: string;
    }
  | {
      readonly kind: "undo";
      readonly time: number;
      readonly locationId: Bytes;
      readonly manifests: readonly SignerReference[];
    }
  | {
      readonly kind: "substitution";
      readonly time: number;
      readonly packs: readonly { readonly old: ObjectId; readonly new: readonly ObjectId[] }[];
    }
  | {
      readonly kind: "condemnation";
      readonly time: number;
      readonly locationId: Bytes;
      readonly packs: readonly ObjectId[];
      readonly others: readonly ObjectId[];
      /** Milliseconds since the epoch. */
      readonly notBefore: number;
    }
  | {
      readonly kind: "sweep";
      readonly time: number;
      readonly locationId: Bytes;
      readonly condemnation: ObjectId;
      readonly packs: readonly ObjectId[];
      readonly others: readonly ObjectId[];
      readonly manifestsSeen: readonly ObjectId[];
      readonly spared: readonly ObjectId[];
    }
  | {
      readonly kind: "setAside";
      readonly time: number;
      readonly ids: readonly ObjectId[];
      readonly reason?: string;
    }
  | {
      readonly kind: "checkpoint";
      readonly time: number;
      readonly covered: readonly Reference[];
      readonly inForce: readonly CheckpointRecord[];
    };

export interface CheckpointRecord extends Reference {
  readonly kindNumber: number;
  readonly section: Bytes;
}

export type RecordKind = LogRecord["kind"];

/** A record with its place in the log. */
export interface LogEntry {
  readonly number: number;
  readonly id: ObjectId;
  readonly heads: readonly Reference[];
  readonly record: LogRecord;
  /** The opened section as it stands, for checkpoints. */
  readonly section: Bytes;
}

/**
 * Makes a record and reads it back; the context's signer is the owner's. The number follows from
 * the heads, which may come in any order; without any it is the genesis.
 */
export async function encodeRecord(
  context: WriteContext,
  heads: readonly Reference[],
  record: LogRecord,
): Promise<EncodedObject & { readonly entry: LogEntry }> {
  assert(
    equalBytes(context.signer.publicKey, context.keys.signingPublic),
    "the owner signs records",
  );
  const section = encodeRecordSection(record);
  const sorted = [...heads].sort(compareReferences);
  const number = numberAfter(sorted);
  const bytes = await encodeSigned(context, {
    kind: "record",
    salt: newSalt(context, [section]),
    public: mapOf([
      [1, number],
      [2, sorted.map(encodeReference)],
      [3, recordKindNumber(record.kind)],
    ]),
    sections: [section],
  });
  const id = await context.platform.sha256(bytes);
  const name = logName(number, id);
  const entry = await readRecord(context, name, bytes);
  assert(equalBytes(encodeRecordSection(entry.record), section), "a record is read back");
  return { name, id, bytes, entry };
}

/** Checks name, store, the owner's signature and content. Throws `corrupt` or `unsupported-version`. */
export async function readRecord(
  context: ReadContext,
  name: string,
  bytes: Bytes,
): Promise<LogEntry> {
  const { storeId, indexKey } = context.keys;
  const expected = { kind: "record", storeId } as const;
  const { object, name: parts } = await readSigned(context.platform, name, bytes, expected);
  if (!equalBytes(object.signer, context.keys.signingPublic)) {
    throw corrupt("record", "it is not signed by the owner");
  }
  const fields = new Fields(object.public, "record");
  const number = fields.uint(1, "number", NUMBER_MAX, 1);
  checkNumber(parts, number);
  const heads = fields.references(2, "heads");
  if (number !== numberAfter(heads))
    throw fields.fault("number", "one more than that of its heads");
  const section = await openSection(context.platform, object, 0, { indexKey });
  const record = decodeRecordSection(fields.uint(3, "kind"), section);
  checkGenesis(context, heads, record);
  return { number, id: parts.id, heads, record, section };
}

/** The first record, and only the first, is the genesis, and it is that of this store. */
function checkGenesis({ keys }: ReadContext, heads: readonly Reference[], record: LogRecord): void {
  if ((record.kind === "genesis") !== (heads.length === 0)) {
    throw corrupt("record", "expected the genesis as the first record");
  }
  if (record.kind !== "genesis") return;
  if (
    !equalBytes(record.agreementPublic, keys.agreementPublic) ||
    !equalBytes(record.signingPublic, keys.signingPublic)
  ) {
    throw corrupt("record", "the genesis names other keys");
  }
}

function numberAfter(heads: readonly Reference[]): number {
  return 1 + heads.reduce((greatest, { number }) => Math.max(greatest, number), 0);
}
