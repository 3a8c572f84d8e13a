// Key slots: a passphrase opens a bundle (docs/format.md §4).
//
// Argon2id over the passphrase and the header's salt gives 64 bytes: the key of the section with
// the bundle, and what the commitment in the public part is the hash of. Without the commitment, one
// slot could be made that opens under two passphrases.

import { assert } from "../base/assert.ts";
import { type Bytes, concatBytes, equalBytes, equalSecrets, utf8 } from "../base/bytes.ts";
import type { ObjectId } from "../base/ids.ts";
import {
  ARGON_LANES,
  ARGON_MEMORY_KIB,
  ARGON_MEMORY_KIB_MAX,
  ARGON_PASSES,
  ARGON_PASSES_MAX,
  SLOT_BYTES_MAX,
} from "../base/limits.ts";
import type { Platform } from "../base/platform.ts";
import { storeIdOf } from "../crypto/derive.ts";
import { stretchPassphrase } from "../crypto/passphrase.ts";
import { type Bundle, bundleStoreId, decodeBundle, encodeBundle } from "./bundle.ts";
import { decodeCbor } from "./cbor.ts";
import { encodeCbor } from "./cbor-encoder.ts";
import type { EncodedObject, WriteContext } from "./context.ts";
import { corrupt, Fields, fieldsOf, mapOf } from "./fields.ts";
import { slotName } from "./names.ts";
import { encodeSigned, newSalt, openSection, readSigned, type SignedObject } from "./signed.ts";

/** How Argon2id is run. */
export interface Stretching {
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
}

export interface Slot {
  readonly id: ObjectId;
  readonly storeId: Bytes;
  readonly agreementPublic: Bytes;
  readonly signingPublic: Bytes;
  readonly stretching: Stretching;
  readonly commitment: Bytes;
  readonly object: SignedObject;
}

export interface SlotNote {
  /** For people. */
  readonly label: string;
  /** Milliseconds since the epoch. */
  readonly created: number;
}

export interface NewSlot extends SlotNote {
  readonly passphrase: string;
  readonly bundle: Bundle;
  /** 64 MiB, 3 passes, 1 lane where absent. */
  readonly stretching?: Stretching;
}

const BUNDLE_SECTION = 0;
const NOTE_SECTION = 1;
const KEY_BYTES = 32;
const ARGON_MEMORY_KIB_MIN = 8;
const DEFAULT_STRETCHING: Stretching = {
  memoryKib: ARGON_MEMORY_KIB,
  passes: ARGON_PASSES,
  lanes: ARGON_LANES,
};

/** Makes a slot and reads it back; the context's signer is the owner's. */
export async function encodeSlot(context: WriteContext, slot: NewSlot): Promise<EncodedObject> {
  const { platform, keys } = context;
  assert(equalBytes(context.signer.publicKey, keys.signingPublic), "the owner signs slots");
  const bundleBytes = encodeBundle(slot.bundle);
  const note = encodeCbor(
    mapOf([
      [1, slot.label],
      [2, slot.created],
    ]),
  );
  const salt = newSalt(context, [bundleBytes, note]);
  const stretching = slot.stretching ?? DEFAULT_STRETCHING;
  const stretched = await stretch(platform, slot.passphrase, salt, stretching);
  const bytes = await encodeSigned(context, {
    kind: "slot",
    salt,
    public: mapOf([
      [1, stretching.memoryKib],
      [2, stretching.passes],
      [3, stretching.lanes],
      [4, stretched.commitment],
      [5, keys.agreementPublic],
      [6, keys.signingPublic],
    ]),
    sections: [bundleBytes, note],
    stretchedKey: stretched.key,
  });
  const id = await platform.sha256(bytes);
  const name = slotName(id);
  const read = await readSlot(platform, name, bytes);
  const bundle = await openBundle(platform, read, stretched);
  assert(
    bundle !== undefined && equalBytes(encodeBundle(bundle), bundleBytes),
    "a slot is read back",
  );
  return { name, id, bytes };
}

/** Checks name, signature and public part; needs no key. Throws `corrupt`. */
export async function readSlot(platform: Platform, name: string, bytes: Bytes): Promise<Slot> {
  const { object, name: parts } = await readSigned(platform, name, bytes, { kind: "slot" });
  const fields = new Fields(object.public, "slot");
  const slot: Slot = {
    id: parts.id,
    storeId: object.storeId,
    stretching: {
      memoryKib: fields.uint(1, "memory", ARGON_MEMORY_KIB_MAX, ARGON_MEMORY_KIB_MIN),
      passes: fields.uint(2, "passes", ARGON_PASSES_MAX, 1),
      lanes: fields.uint(3, "lanes", ARGON_LANES, 1),
    },
    commitment: fields.bytes(4, "commitment", KEY_BYTES),
    agreementPublic: fields.bytes(5, "agreement key", KEY_BYTES),
    signingPublic: fields.bytes(6, "signing key", KEY_BYTES),
    object,
  };
  const storeId = await storeIdOf(platform, slot.agreementPublic, slot.signingPublic);
  if (!equalBytes(storeId, slot.storeId)) throw corrupt("slot", "its keys are of another store");
  if (!equalBytes(object.signer, slot.signingPublic)) throw corrupt("slot", "no owner signed it");
  return slot;
}

/**
 * Runs Argon2id. Returns `undefined` where the passphrase is not this slot's.
 *
 * Throws `corrupt` where the slot holds no bundle of its store.
 */
export async function openSlot(
  platform: Platform,
  slot: Slot,
  passphrase: string,
): Promise<Bundle | undefined> {
  const { salt } = slot.object.header;
  return openBundle(platform, slot, await stretch(platform, passphrase, salt, slot.stretching));
}

export async function openSlotNote(
  platform: Platform,
  slot: Slot,
  indexKey: Bytes,
): Promise<SlotNote> {
  const section = await openSection(platform, slot.object, NOTE_SECTION, { indexKey });
  const value = decodeCbor(section, { what: "slot note", bytesMax: SLOT_BYTES_MAX });
  const fields = fieldsOf(value, "slot note");
  return { label: fields.text(1, "label"), created: fields.time(2, "time of creation") };
}

interface Stretched {
  readonly key: Bytes;
  readonly commitment: Bytes;
}

async function stretch(
  platform: Platform,
  passphrase: string,
  salt: Bytes,
  stretching: Stretching,
): Promise<Stretched> {
  const stretched = await stretchPassphrase(passphrase, salt, stretching, platform);
  const committed = concatBytes(utf8("bunker/1 commitment"), stretched.subarray(KEY_BYTES));
  return { key: stretched.subarray(0, KEY_BYTES), commitment: await platform.sha256(committed) };
}

async function openBundle(
  platform: Platform,
  slot: Slot,
  stretched: Stretched,
): Promise<Bundle | undefined> {
  if (!equalSecrets(stretched.commitment, slot.commitment)) return undefined;
  const key = { stretchedKey: stretched.key };
  const bundle = await decodeBundle(
    platform,
    await openSection(platform, slot.object, BUNDLE_SECTION, key),
  );
  if (!equalBytes(await bundleStoreId(platform, bundle), slot.storeId)) {
    throw corrupt("slot", "its bundle is of another store");
  }
  return bundle;
}
