// Bundles: what a holder of a store has (docs/format.md §3); a key file is one as text.

import { type Bytes, equalBytes, utf8 } from "../base/bytes.ts";
import { BunkerError } from "../base/errors.ts";
import type { Platform } from "../base/platform.ts";
import { deriveOwnerKeys, storeIdOf } from "../crypto/derive.ts";
import { decodeKeyText, encodeKeyText } from "../crypto/text.ts";
import { decodeCbor } from "./cbor.ts";
import { encodeCbor } from "./cbor-encoder.ts";
import { corrupt, type Fields, fieldsOf, mapOf } from "./fields.ts";

export interface OwnerBundle {
  readonly role: "owner";
  /** 32 bytes; the recovery phrase is exactly these. */
  readonly secret: Bytes;
  readonly agreementPublic: Bytes;
  readonly signingPublic: Bytes;
}

export interface WriterBundle {
  readonly role: "writer";
  readonly agreementPublic: Bytes;
  readonly signingPublic: Bytes;
  readonly dataIdKey: Bytes;
  readonly treeIdKey: Bytes;
  readonly cutKey: Bytes;
  readonly indexKey: Bytes;
  /** Ed25519. */
  readonly signerSeed: Bytes;
  readonly label: string;
}

export interface KeeperBundle {
  readonly role: "keeper";
  readonly agreementPublic: Bytes;
  readonly signingPublic: Bytes;
  readonly indexKey: Bytes;
  /** Ed25519. */
  readonly signerSeed: Bytes;
  readonly label: string;
}

export type Bundle = OwnerBundle | WriterBundle | KeeperBundle;

export const LABEL_BYTES_MAX = 255;
const BUNDLE_BYTES_MAX = 2048;
const KEY_BYTES = 32;
const ROLES = ["owner", "writer", "keeper"] as const;
const WHAT = "bundle";

export function encodeBundle(bundle: Bundle): Uint8Array<ArrayBuffer> {
  const isWriter = bundle.role === "writer";
  const isMachine = bundle.role !== "owner";
  return encodeCbor(
    mapOf([
      [1, ROLES.indexOf(bundle.role) + 1],
      [2, isMachine ? undefined : bundle.secret],
      [3, bundle.agreementPublic],
      [4, bundle.signingPublic],
      [5, isWriter ? bundle.dataIdKey : undefined],
      [6, isWriter ? bundle.treeIdKey : undefined],
      [7, isWriter ? bundle.cutKey : undefined],
      [8, isMachine ? bundle.indexKey : undefined],
      [9, isMachine ? bundle.signerSeed : undefined],
      [10, isMachine ? bundle.label : undefined],
    ]),
  );
}

/**
 * Reads a bundle; an owner's must derive the public keys that stand in it.
 *
 * Throws `corrupt` or `unsupported-version`.
 */
export async function decodeBundle(platform: Platform, bytes: Bytes): Promise<Bundle> {
  const value = decodeCbor(bytes, { what: WHAT, bytesMax: BUNDLE_BYTES_MAX });
  const fields = fieldsOf(value, WHAT);
  const role = ROLES[fields.uint(1, "role", ROLES.length, 1) - 1]!;
  const agreementPublic = keyOf(fields, 3, "agreement key");
  const signingPublic = keyOf(fields, 4, "signing key");
  if (role === "owner") {
    refuse(fields, [5, 6, 7, 8, 9, 10]);
    const secret = keyOf(fields, 2, "owner secret");
    const keys = await deriveOwnerKeys(platform, secret);
    if (
      !equalBytes(keys.agreementPublic, agreementPublic) ||
      !equalBytes(keys.signingPublic, signingPublic)
    ) {
      throw corrupt(WHAT, "the owner secret does not derive its public keys");
    }
    return { role, secret, agreementPublic, signingPublic };
  }
  return decodeMachine(fields, role, { agreementPublic, signingPublic });
}

/** One line of text, without a newline. */
export function formatKeyFile(bundle: Bundle): string {
  return encodeKeyText(bundle.role, encodeBundle(bundle));
}

/** Throws `wrong-key` for what is no key file; no message quotes the text. */
export async function parseKeyFile(platform: Platform, text: string): Promise<Bundle> {
  const { kind, bytes } = decodeKeyText(text);
  const bundle = await decodeBundle(platform, bytes);
  if (bundle.role === kind) return bundle;
  throw new BunkerError(
    "wrong-key",
    `expected the key of a ${bundle.role}, found that of a ${kind}`,
  );
}

/** The store that a bundle opens. */
export async function bundleStoreId(platform: Platform, bundle: Bundle): Promise<Bytes> {
  return storeIdOf(platform, bundle.agreementPublic, bundle.signingPublic);
}

function decodeMachine(
  fields: Fields,
  role: "writer" | "keeper",
  publicKeys: { readonly agreementPublic: Bytes; readonly signingPublic: Bytes },
): Bundle {
  refuse(fields, role === "writer" ? [2] : [2, 5, 6, 7]);
  const shared = {
    ...publicKeys,
    indexKey: keyOf(fields, 8, "index key"),
    signerSeed: keyOf(fields, 9, "signer's seed"),
    label: labelOf(fields, 10),
  };
  if (role === "keeper") return { role, ...shared };
  return {
    role,
    ...shared,
    dataIdKey: keyOf(fields, 5, "data id key"),
    treeIdKey: keyOf(fields, 6, "tree id key"),
    cutKey: keyOf(fields, 7, "cut key"),
  };
}

/** A machine's label. */
export function labelOf(fields: Fields, key: number): string {
  const label = fields.text(key, "label");
  if (label === "" || utf8(label).length > LABEL_BYTES_MAX) {
    throw fields.fault("label", `1 to ${LABEL_BYTES_MAX} bytes`);
  }
  return label;
}

function keyOf(fields: Fields, key: number, name: string): Bytes {
  return fields.bytes(key, name, KEY_BYTES);
}

/** What a role must not hold is no mere surplus. */
function refuse(fields: Fields, keys: readonly number[]): void {
  if (keys.some((key) => fields.has(key))) throw corrupt(WHAT, "holds keys that its role has not");
}
