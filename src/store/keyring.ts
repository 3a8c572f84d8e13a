// Keyring: the keys that one holder has in hand while a store is open.

import { equalBytes } from "../base/bytes.ts";
import { BunkerError } from "../base/errors.ts";
import type { Platform } from "../base/platform.ts";
import {
  deriveOwnerKeys,
  deriveSigner,
  type OwnerKeys,
  type SharedKeys,
} from "../crypto/derive.ts";
import { type Bundle, bundleStoreId, type OwnerBundle } from "../format/bundle.ts";
import type { Signer, StoreKeys } from "../format/context.ts";

export interface Keyring {
  readonly role: "owner" | "writer" | "keeper";
  /** The label of this machine's signer. */
  readonly label: string;
  readonly keys: StoreKeys;
  /** The identity under which this machine writes. */
  readonly signer: Signer;
  /** Owner and writers: what gives equal content equal ids. */
  readonly shared?: SharedKeys;
  readonly owner?: OwnerKeys;
  /** The name of the key slot that it came from. */
  readonly slotName?: string;
}

export async function keyringOfSecret(
  platform: Platform,
  secret: Uint8Array,
  label: string,
): Promise<Keyring> {
  const owner = await deriveOwnerKeys(platform, secret);
  return {
    role: "owner",
    label,
    owner,
    shared: owner,
    keys: {
      storeId: owner.storeId,
      agreementPublic: owner.agreementPublic,
      signingPublic: owner.signingPublic,
      indexKey: owner.indexKey,
      agreementPrivate: owner.agreementPrivate,
    },
    signer: await deriveSigner(platform, secret, "writer", label),
  };
}

/** `label` names this machine where the bundle is the owner's; other bundles carry their own. */
export async function keyringOfBundle(
  platform: Platform,
  bundle: Bundle,
  label: string,
): Promise<Keyring> {
  if (bundle.role === "owner") return keyringOfSecret(platform, bundle.secret as Uint8Array, label);
  return {
    role: bundle.role,
    label: bundle.label,
    keys: {
      storeId: await bundleStoreId(platform, bundle),
      agreementPublic: bundle.agreementPublic,
      signingPublic: bundle.signingPublic,
      indexKey: bundle.indexKey,
    },
    signer: {
      seed: bundle.signerSeed,
      publicKey: await platform.signingPublicKey(bundle.signerSeed),
    },
    ...(bundle.role === "writer" ? { shared: bundle } : {}),
  };
}

export function ownerBundle(owner: OwnerKeys): OwnerBundle {
  return {
    role: "owner",
    secret: owner.secret,
    agreementPublic: owner.agreementPublic,
    signingPublic: owner.signingPublic,
  };
}

/** The owner's keys, or an error that says who is needed. */
export function requireOwner(keyring: Keyring, what: string): OwnerKeys {
  if (keyring.owner !== undefined) return keyring.owner;
  throw new BunkerError(
    "wrong-key",
    `${what} needs the owner's key, this one is a ${keyring.role}'s`,
  );
}

/** Whether this signer is a machine that holds the owner secret. Only the owner can tell. */
export async function isOwnersMachine(
  platform: Platform,
  keyring: Keyring,
  signer: { readonly publicKey: Uint8Array; readonly label: string },
): Promise<boolean> {
  if (keyring.owner === undefined || signer.label === "") return false;
  const derived = await deriveSigner(platform, keyring.owner.secret, "writer", signer.label);
  return equalBytes(derived.publicKey, signer.publicKey);
}
