// Derive: the tree of keys under the owner secret, all by HKDF-SHA-256 with an empty salt.
//
//   owner secret (32 random bytes; the recovery phrase is exactly these)
//     agreement (X25519: who has its private half reads)    signature (Ed25519: the owner's)
//     data id, tree id (keyed BLAKE3)    cut (chunk borders)    index (structure)
//     writer LABEL, keeper LABEL (Ed25519: a machine's own)

import { assert } from "../base/assert.ts";
import { type Bytes, concatBytes, utf8 } from "../base/bytes.ts";
import type { Platform } from "../base/platform.ts";

/** The info texts. They are part of the format: a changed one is another key. */
export const labels = {
  agreement: "bunker/1 agreement",
  signature: "bunker/1 signature",
  dataId: "bunker/1 data id",
  treeId: "bunker/1 tree id",
  cut: "bunker/1 cut",
  index: "bunker/1 index",
  writer: (label: string) => `bunker/1 writer ${label}`,
  keeper: (label: string) => `bunker/1 keeper ${label}`,
  store: "bunker/1 store",
} as const;

const SECRET_BYTES = 32;
const KEY_BYTES = 32;
const SALT_BYTES_MIN = 16;
const NO_SALT = new Uint8Array(0);

/** What every writer of the store has: with it, equal content has equal ids. */
export interface SharedKeys {
  readonly dataIdKey: Bytes;
  readonly treeIdKey: Bytes;
  readonly cutKey: Bytes;
  readonly indexKey: Bytes;
}

export interface OwnerKeys extends SharedKeys {
  readonly secret: Bytes;
  readonly agreementPrivate: Bytes;
  readonly agreementPublic: Bytes;
  readonly signingSeed: Bytes;
  readonly signingPublic: Bytes;
  readonly storeId: Bytes;
}

export interface Signer {
  readonly seed: Bytes;
  readonly publicKey: Bytes;
}

/** Derives all of the owner's keys from the 32-byte owner secret. */
export async function deriveOwnerKeys(platform: Platform, secret: Bytes): Promise<OwnerKeys> {
  const agreementPrivate = await derive(platform, secret, labels.agreement);
  const agreementPublic = await platform.agreementPublicKey(agreementPrivate);
  const signingSeed = await derive(platform, secret, labels.signature);
  const signingPublic = await platform.signingPublicKey(signingSeed);
  return {
    secret,
    agreementPrivate,
    agreementPublic,
    signingSeed,
    signingPublic,
    storeId: await storeIdOf(platform, agreementPublic, signingPublic),
    dataIdKey: await derive(platform, secret, labels.dataId),
    treeIdKey: await derive(platform, secret, labels.treeId),
    cutKey: await derive(platform, secret, labels.cut),
    indexKey: await derive(platform, secret, labels.index),
  };
}

/** The store id: it authenticates the owner's two public keys. */
export async function storeIdOf(
  platform: Platform,
  agreementPublic: Bytes,
  signingPublic: Bytes,
): Promise<Uint8Array<ArrayBuffer>> {
  assert(agreementPublic.length === KEY_BYTES, "an agreement key has 32 bytes");
  assert(signingPublic.length === KEY_BYTES, "a signing key has 32 bytes");
  return platform.sha256(concatBytes(utf8(labels.store), agreementPublic, signingPublic));
}

/**
 * Derives the signing key of a machine that holds the owner secret.
 *
 * `label` is the machine's, well-formed and not empty; its UTF-8 bytes count, without normalisation.
 */
export async function deriveSigner(
  platform: Platform,
  secret: Bytes,
  role: "writer" | "keeper",
  label: string,
): Promise<Signer> {
  assert(label !== "" && label.isWellFormed(), "a label is well-formed text, and not empty");
  const seed = await derive(platform, secret, labels[role](label));
  return { seed, publicKey: await platform.signingPublicKey(seed) };
}

/**
 * The key of one object under indexKey. `salt` is the object's own and never used twice, so that the
 * nonce may be 0; `label` names the object's kind and version.
 */
export async function objectKey(
  platform: Platform,
  indexKey: Bytes,
  salt: Bytes,
  label: string,
): Promise<Uint8Array<ArrayBuffer>> {
  assert(indexKey.length === KEY_BYTES, "an index key has 32 bytes");
  assert(salt.length >= SALT_BYTES_MIN, `a salt has ${SALT_BYTES_MIN} bytes or more`);
  return platform.hkdf(indexKey, salt, utf8(`bunker/1 ${label}`), KEY_BYTES);
}

async function derive(platform: Platform, secret: Bytes, info: string): Promise<Bytes> {
  assert(secret.length === SECRET_BYTES, `an owner secret has ${SECRET_BYTES} bytes`);
  return platform.hkdf(secret, NO_SALT, utf8(info), KEY_BYTES);
}
