// Manifests: one a snapshot (docs/format.md §8). Everybody reads the public part, who has indexKey
// the closure, and the owner alone what is in the snapshot.

import { assert } from "../base/assert.ts";
import { type Bytes, equalBytes } from "../base/bytes.ts";
import type { ObjectId, SignerId } from "../base/ids.ts";
import { CLOSURE_DEPTH_MAX, MANIFEST_BYTES_MAX } from "../base/limits.ts";
import { decodeCbor } from "./cbor.ts";
import { encodeCbor } from "./cbor-encoder.ts";
import type {
  EncodedObject,
  ReadContext,
  Reference,
  SignerReference,
  WriteContext,
} from "./context.ts";
import { decodeClaims, encodeClaims } from "./claims.ts";
import { encodeReference, type Fields, fieldsOf, joinIds, mapOf } from "./fields.ts";
import { manifestName } from "./names.ts";
import {
  checkNumber,
  encodeSigned,
  newSalt,
  openOwnerSection,
  openSection,
  readSigned,
  type SignedObject,
} from "./signed.ts";
import { decodeSnapshot, encodeSnapshot, type Snapshot } from "./snapshot.ts";

export interface ManifestPublic {
  readonly number: number;
  /** Milliseconds since the epoch, by the writer's clock: a claim. */
  readonly time: number;
  readonly heads: readonly SignerReference[];
  readonly logHeads: readonly Reference[];
}

/** The packs of a snapshot, as a difference from an earlier manifest of the same signer. */
export interface Closure {
  readonly base?: Reference;
  readonly depth: number;
  /** Ids of packs, sorted. */
  readonly added: readonly ObjectId[];
  readonly dropped: readonly ObjectId[];
  /** Every manifest on which this one stands, by number; empty without a base. */
  readonly basis: readonly Reference[];
}

export interface Manifest extends ManifestPublic {
  readonly id: ObjectId;
  readonly signer: SignerId;
  readonly closure: Closure;
  readonly object: SignedObject;
}

export interface NewManifest extends ManifestPublic {
  readonly closure: Closure;
  readonly snapshot: Snapshot;
}

const CLOSURE_SECTION = 0;
const SNAPSHOT_SECTION = 1;

/** Encodes, seals and signs a manifest; what everybody else reads of it is read back. */
export async function encodeManifest(
  context: WriteContext,
  manifest: NewManifest,
): Promise<EncodedObject> {
  const closure = encodeClosure(manifest.closure);
  const snapshot = encodeSnapshot(manifest.snapshot);
  assert(equalBytes(encodeSnapshot(decodeSnapshot(snapshot)), snapshot), "a snapshot is read back");
  const bytes = await encodeSigned(context, {
    kind: "manifest",
    salt: newSalt(context, [closure, snapshot]),
    public: encodeClaims(manifest),
    sections: [closure, snapshot],
  });
  const id = await context.platform.sha256(bytes);
  const name = manifestName(context.signer.publicKey, manifest.number, id);
  const read = await readManifest(context, name, bytes);
  assert(equalBytes(encodeClosure(read.closure), closure), "a closure is read back");
  return { name, id, bytes };
}

/**
 * Checks name, store, signature, public part and closure. Whether the signer is accepted is not
 * asked here. Throws `corrupt` or `unsupported-version`.
 */
export async function readManifest(
  context: ReadContext,
  name: string,
  bytes: Bytes,
): Promise<Manifest> {
  const { storeId, indexKey } = context.keys;
  const expected = { kind: "manifest", storeId } as const;
  const { object, name: parts } = await readSigned(context.platform, name, bytes, expected);
  const claims = decodeClaims(object.public, "manifest");
  checkNumber(parts, claims.number);
  const section = await openSection(context.platform, object, CLOSURE_SECTION, { indexKey });
  const closure = decodeClosure(section, claims.number);
  return { ...claims, id: parts.id, signer: object.signer, closure, object };
}

/** Owner only. Throws `wrong-key` without the private key, and `corrupt`. */
export async function openSnapshot(context: ReadContext, manifest: Manifest): Promise<Snapshot> {
  return decodeSnapshot(await openOwnerSection(context, manifest.object, SNAPSHOT_SECTION));
}

function encodeClosure(closure: Closure): Bytes {
  const { base, depth, added, dropped, basis } = closure;
  return encodeCbor(
    mapOf([
      [1, base === undefined ? undefined : encodeReference(base)],
      [2, depth],
      [3, added.length === 0 ? undefined : joinIds(added)],
      [4, dropped.length === 0 ? undefined : joinIds(dropped)],
      [5, basis.length === 0 ? undefined : basis.map(encodeReference)],
    ]),
  );
}

function decodeClosure(section: Bytes, number: number): Closure {
  const value = decodeCbor(section, { what: "closure", bytesMax: MANIFEST_BYTES_MAX });
  const fields = fieldsOf(value, "closure");
  const base = fields.has(1) ? fields.reference(1, "base") : undefined;
  const closure: Closure = {
    ...(base === undefined ? {} : { base }),
    depth: fields.uint(2, "depth", CLOSURE_DEPTH_MAX),
    added: optionalIds(fields, 3, "added packs"),
    dropped: optionalIds(fields, 4, "dropped packs"),
    basis: fields.has(5) ? fields.references(5, "basis") : [],
  };
  checkBasis(fields, closure, number);
  return closure;
}

/** The base is the last of the manifests it stands on, and there are as many as it is deep. */
function checkBasis(
  fields: Fields,
  { base, depth, dropped, basis }: Closure,
  number: number,
): void {
  const last = basis.at(-1);
  if (basis.length !== depth) throw fields.fault("basis", `${depth} manifests`);
  if (base === undefined) {
    if (depth > 0 || dropped.length > 0) throw fields.fault("base", "one, where it has a depth");
    return;
  }
  const stands = last !== undefined && last.number === base.number && equalBytes(last.id, base.id);
  if (!stands || base.number >= number) throw fields.fault("base", "the last earlier manifest");
}

function optionalIds(fields: Fields, key: number, name: string): readonly ObjectId[] {
  if (!fields.has(key)) return [];
  const ids = fields.sortedIds(key, name);
  if (ids.length === 0) throw fields.fault(name, "at least one");
  return ids;
}
