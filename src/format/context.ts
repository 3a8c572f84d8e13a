// Context: the keys and primitives that reading and writing a store's objects need.

import type { Bytes } from "../base/bytes.ts";
import type { ObjectId, SignerId } from "../base/ids.ts";
import type { Platform } from "../base/platform.ts";

/** Keyed BLAKE3 with 32 bytes of output. */
export type Keyed = (key: Bytes, bytes: Bytes) => Bytes;

/** What binds a reader to one store. */
export interface StoreKeys {
  readonly storeId: Bytes;
  readonly agreementPublic: Bytes;
  readonly signingPublic: Bytes;
  readonly indexKey: Bytes;
  /** Only the owner has it: it opens packs' keys and snapshots. */
  readonly agreementPrivate?: Bytes;
}

export interface Signer {
  readonly seed: Bytes;
  readonly publicKey: SignerId;
}

export interface ReadContext {
  readonly platform: Platform;
  readonly keys: StoreKeys;
}

export interface WriteContext extends ReadContext {
  readonly keyed: Keyed;
  readonly signer: Signer;
}

/** An object ready to be stored. */
export interface EncodedObject {
  readonly name: string;
  readonly id: ObjectId;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A manifest, segment, heartbeat or record of one known signer. */
export interface Reference {
  readonly number: number;
  readonly id: ObjectId;
}

export interface SignerReference extends Reference {
  readonly signer: SignerId;
}
