// A store for tests: the owner secret is bytes 0 to 31, and all randomness is drawn from a seed, so
// that everything made here comes out the same again.

import { createBLAKE3 } from "hash-wasm";
import { type Bytes, concatBytes, storeU32, utf8 } from "../../src/base/bytes.ts";
import { BunkerError } from "../../src/base/errors.ts";
import type { Platform } from "../../src/base/platform.ts";
import { deriveOwnerKeys, deriveSigner, objectKey } from "../../src/crypto/derive.ts";
import { sealTo } from "../../src/crypto/seal.ts";
import { signedMessage } from "../../src/crypto/sign.ts";
import { type CborMap, encodeCbor } from "../../src/format/cbor-encoder.ts";
import type { Keyed, Signer, StoreKeys, WriteContext } from "../../src/format/context.ts";
import { encodeHeader, type ObjectKind } from "../../src/format/header.ts";
import {
  blobAssociated,
  blobNonce,
  type IdOf,
  type PackKind,
  sealPackKey,
  sealTrailer,
} from "../../src/format/pack.ts";
import {
  CODEC_PADDING,
  padme,
  TAG_BYTES,
  TRAILER_RECORD_BYTES,
  trailerPlainBytes,
  type TrailerBlob,
} from "../../src/format/trailer.ts";
import { nativePlatform } from "../../src/system/platform.ts";
import { seededRandom } from "../support/random.ts";

const hashers = new Map<string, Awaited<ReturnType<typeof createBLAKE3>>>();

async function addHasher(key: Bytes): Promise<void> {
  hashers.set(key.toString(), await createBLAKE3(256, key));
}

/** Keyed BLAKE3 with the keys of this store. */
export const keyed: Keyed = (key, bytes) => {
  const hasher = hashers.get(key.toString());
  if (hasher === undefined) throw new Error("no key of this store");
  return hasher.init().update(bytes).digest("binary");
};

/** Counts up from `first`: recognisable bytes. */
export function run(length: number, first = 0): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => first + i);
}

/** An id of one repeated byte. */
export function id(byte: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(32).fill(byte);
}

let random = seededRandom(1);

/** Begins the randomness anew, so that what is made next does not depend on what was made before. */
export function reseed(seed: number): void {
  random = seededRandom(seed);
}

export const platform: Platform = { ...nativePlatform, random: (count) => random.bytes(count) };

export const secret = run(32);
export const owner = await deriveOwnerKeys(platform, secret);
export const writer: Signer = await deriveSigner(platform, secret, "writer", "test writer");
export const keeper: Signer = await deriveSigner(platform, secret, "keeper", "test keeper");
export const keys: StoreKeys = {
  storeId: owner.storeId,
  agreementPublic: owner.agreementPublic,
  signingPublic: owner.signingPublic,
  indexKey: owner.indexKey,
  agreementPrivate: owner.agreementPrivate,
};
export const ownerSigner: Signer = { seed: owner.signingSeed, publicKey: owner.signingPublic };
for (const key of [owner.indexKey, owner.dataIdKey, owner.treeIdKey]) await addHasher(key);

export function contextOf(signer: Signer): WriteContext {
  return { platform, keys, keyed, signer };
}
export const asOwner = contextOf(ownerSigner);
export const asWriter = contextOf(writer);
export const asKeeper = contextOf(keeper);

export const idOf: IdOf = (space, bytes) =>
  keyed(space === "data" ? owner.dataIdKey : owner.treeIdKey, bytes);

/** How a section is put under lock and key, and what is wrong with it. */
export interface ForgedSection {
  readonly label: string;
  readonly content: Bytes;
  readonly how?: "index" | "owner" | { readonly key: Bytes };
  /** Zeros beside the right number. */
  readonly moreZeros?: number;
  /** What stands in place of zeros. */
  readonly filling?: number;
  /** What the length says, in place of the truth. */
  readonly claims?: number;
}

/** An object put together by hand from whatever parts, so that wrong ones can be made too. */
export interface Forged {
  readonly kind: ObjectKind;
  readonly public: CborMap | Bytes;
  readonly sections: readonly ForgedSection[];
  readonly signer?: Signer;
  readonly storeId?: Bytes;
  readonly salt?: Bytes;
  readonly stepBytes: number;
  readonly surplus?: Bytes;
}

/** Builds a signed object as docs/format.md §4 says, without the program's own encoder. */
export async function forge(forged: Forged): Promise<Uint8Array<ArrayBuffer>> {
  const storeId = forged.storeId ?? keys.storeId;
  const signer = forged.signer ?? ownerSigner;
  const salt = forged.salt ?? platform.random(32);
  const publicPart =
    forged.public instanceof Uint8Array ? forged.public : encodeCbor(forged.public);
  const head = concatBytes(
    encodeHeader({ kind: forged.kind, salt }),
    storeId,
    signer.publicKey,
    u32(publicPart.length),
    publicPart,
  );
  const plains = plainsOf(forged, head.length);
  const parts: Bytes[] = [head];
  for (const [i, section] of forged.sections.entries()) {
    const label = utf8(`bunker/1 ${section.label}`);
    const associated = concatBytes(label, storeId, head);
    const sealed = await sealForged(section, { label, salt, associated, plain: plains[i]! });
    parts.push(u32(sealed.length), sealed);
  }
  const unsigned = concatBytes(...parts, forged.surplus ?? new Uint8Array(0));
  return sign(unsigned, signer, storeId);
}

async function sealForged(
  { label, how = "index" }: ForgedSection,
  part: {
    readonly label: Bytes;
    readonly salt: Bytes;
    readonly associated: Bytes;
    readonly plain: Bytes;
  },
): Promise<Bytes> {
  if (how === "owner") {
    return sealTo(keys.agreementPublic, part.label, part.associated, part.plain);
  }
  const key =
    how === "index" ? await objectKey(platform, keys.indexKey, part.salt, label) : how.key;
  return platform.sealGcm(key, new Uint8Array(12), part.associated, part.plain);
}

function plainsOf(forged: Forged, headBytes: number): readonly Bytes[] {
  const overhead = forged.sections.map(({ how }) => 4 + (how === "owner" ? 48 : 16));
  const others = forged.sections.map((section, i) =>
    i === 0 ? new Uint8Array(0) : pad(section, 0, 256),
  );
  let fixed = headBytes + 64 + (forged.surplus?.length ?? 0);
  for (const [i, other] of others.entries()) fixed += overhead[i]! + other.length;
  return forged.sections.map((section, i) =>
    i === 0 ? pad(section, fixed, forged.stepBytes) : others[i]!,
  );
}

function pad(section: ForgedSection, fixed: number, step: number): Bytes {
  const { content } = section;
  const missing = (step - ((fixed + 4 + content.length) % step)) % step;
  const filling = new Uint8Array(missing + (section.moreZeros ?? 0)).fill(section.filling ?? 0);
  return concatBytes(u32(section.claims ?? content.length), content, filling);
}

export function u32(value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4);
  storeU32(bytes, 0, value);
  return bytes;
}

/** Puts a signature under the bytes of an object; its kind is that of its header. */
export async function sign(
  unsigned: Bytes,
  signer: Signer = ownerSigner,
  storeId: Bytes = keys.storeId,
): Promise<Uint8Array<ArrayBuffer>> {
  const message = signedMessage(unsigned[5]!, storeId, unsigned);
  return concatBytes(unsigned, await platform.sign(signer.seed, message));
}

export interface PlainBlob {
  readonly plain: Bytes;
  /** The frame, where it is stored compressed. */
  readonly frame?: Bytes;
  /** In place of the right one. */
  readonly id?: Bytes;
  readonly plainBytes?: number;
}

export interface ForgedPack {
  readonly kind: PackKind;
  readonly blobs: readonly PlainBlob[];
  /** Changes the trailer's plaintext before it is sealed. */
  readonly spoilTrailer?: (plain: Bytes) => void;
  /** Plain bytes of padding beside the right number. */
  readonly morePadding?: number;
  readonly trailerKey?: Bytes;
}

/** Builds a pack as docs/format.md §6 says, without the core. */
export async function buildPack(pack: ForgedPack): Promise<Uint8Array<ArrayBuffer>> {
  const key = platform.random(32);
  const sealed: Bytes[] = [];
  const blobs: TrailerBlob[] = [];
  for (const blob of pack.blobs) {
    const blobId = blob.id ?? idOf(pack.kind, blob.plain);
    const associated = blobAssociated(pack.kind, blobId);
    const stored = await platform.sealGcm(
      key,
      blobNonce(sealed.length),
      associated,
      blob.frame ?? blob.plain,
    );
    sealed.push(stored);
    blobs.push({
      id: blobId,
      storedBytes: stored.length,
      plainBytes: blob.plainBytes ?? blob.plain.length,
      codec: blob.frame === undefined ? 0 : 1,
    });
  }
  const blobBytes = blobs.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
  const trailerBytes = trailerPlainBytes(blobs.length + 1) + TAG_BYTES;
  const least = 128 + blobBytes + TAG_BYTES + trailerBytes + 4;
  const padding = padme(least) - least + (pack.morePadding ?? 0);
  const zeros = new Uint8Array(padding);
  sealed.push(
    await platform.sealGcm(key, blobNonce(sealed.length), blobAssociated(pack.kind, id(0)), zeros),
  );
  const trailer = trailerOf(blobs, padding);
  pack.spoilTrailer?.(trailer);
  const salt = keyed(keys.indexKey, concatBytes(platform.random(32), trailer));
  const header = encodeHeader({ kind: pack.kind, salt });
  const sealedKey = await sealPackKey(keys, header, key);
  const context = {
    platform,
    keys: pack.trailerKey === undefined ? keys : { ...keys, indexKey: pack.trailerKey },
  };
  const sealedTrailer = await sealTrailer(context, header, trailer);
  return concatBytes(header, sealedKey, ...sealed, sealedTrailer, u32(sealedTrailer.length));
}

function trailerOf(blobs: readonly TrailerBlob[], padding: number): Uint8Array<ArrayBuffer> {
  const plain = new Uint8Array(trailerPlainBytes(blobs.length + 1));
  storeU32(plain, 0, blobs.length + 1);
  const last = {
    id: id(0),
    storedBytes: padding + TAG_BYTES,
    plainBytes: padding,
    codec: CODEC_PADDING,
  };
  for (const [i, blob] of [...blobs, last].entries()) {
    const at = 4 + i * TRAILER_RECORD_BYTES;
    plain.set(blob.id, at);
    storeU32(plain, at + 32, blob.storedBytes);
    storeU32(plain, at + 36, blob.plainBytes);
    storeU32(plain, at + 40, blob.codec);
  }
  return plain;
}

/** The code with which a promise fails, or "ok". */
export async function outcomeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "ok";
  } catch (error) {
    if (error instanceof BunkerError) return error.code;
    throw error;
  }
}
