// Heartbeats: what a keeper saw and did (docs/format.md §10).

import { assert } from "../base/assert.ts";
import { type Bytes, equalBytes } from "../base/bytes.ts";
import type { ObjectId, SignerId } from "../base/ids.ts";
import { HEARTBEAT_BYTES_MAX, TIME_MS_MAX } from "../base/limits.ts";
import { decodeCbor } from "./cbor.ts";
import { encodeCbor } from "./cbor-encoder.ts";
import { type Claims, decodeClaims, encodeClaims } from "./claims.ts";
import type { EncodedObject, ReadContext, WriteContext } from "./context.ts";
import { fieldsOf, mapOf } from "./fields.ts";
import { heartbeatName } from "./names.ts";
import { checkNumber, encodeSigned, newSalt, openSection, readSigned } from "./signed.ts";

export interface NewHeartbeat extends Claims {
  readonly checked: number;
  readonly renewed: number;
  /** The earliest lock date seen: milliseconds since the epoch. */
  readonly earliestLock?: number;
  readonly problems: readonly string[];
}

export interface Heartbeat extends NewHeartbeat {
  readonly id: ObjectId;
  readonly signer: SignerId;
}

/** Encodes, seals and signs a heartbeat, and reads it back. */
export async function encodeHeartbeat(
  context: WriteContext,
  heartbeat: NewHeartbeat,
): Promise<EncodedObject> {
  const section = encodeSection(heartbeat);
  const bytes = await encodeSigned(context, {
    kind: "heartbeat",
    salt: newSalt(context, [section]),
    public: encodeClaims(heartbeat),
    sections: [section],
  });
  const id = await context.platform.sha256(bytes);
  const name = heartbeatName(context.signer.publicKey, heartbeat.number, id);
  const read = await readHeartbeat(context, name, bytes);
  assert(equalBytes(encodeSection(read), section), "a heartbeat is read back");
  return { name, id, bytes };
}

/** Checks name, store, signature and content. Whether the signer is accepted is not asked here. */
export async function readHeartbeat(
  context: ReadContext,
  name: string,
  bytes: Bytes,
): Promise<Heartbeat> {
  const { storeId, indexKey } = context.keys;
  const expected = { kind: "heartbeat", storeId } as const;
  const { object, name: parts } = await readSigned(context.platform, name, bytes, expected);
  const claims = decodeClaims(object.public, "heartbeat");
  checkNumber(parts, claims.number);
  const section = await openSection(context.platform, object, 0, { indexKey });
  const value = decodeCbor(section, { what: "heartbeat", bytesMax: HEARTBEAT_BYTES_MAX });
  const fields = fieldsOf(value, "heartbeat");
  const earliestLock = fields.optionalUint(3, "earliest lock", TIME_MS_MAX);
  return {
    ...claims,
    id: parts.id,
    signer: object.signer,
    checked: fields.uint(1, "checked objects"),
    renewed: fields.uint(2, "renewed objects"),
    ...(earliestLock === undefined ? {} : { earliestLock }),
    problems: fields.texts(4, "problems"),
  };
}

function encodeSection({ checked, renewed, earliestLock, problems }: NewHeartbeat): Bytes {
  return encodeCbor(
    mapOf([
      [1, checked],
      [2, renewed],
      [3, earliestLock],
      [4, problems],
    ]),
  );
}
