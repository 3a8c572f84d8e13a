// Pack writer: fills the core's pack with compressed blobs, and seals it when it is full.
//
// Blobs lie compressed and not yet sealed in the core's memory, each with room for its tag, until
// the pack is finished. So the rest of one lane can be handed to another (`drain`), and a run with
// less than one pack of new data makes one pack, however many lanes it had.

import { assert } from "../base/assert.ts";
import { type Bytes, concatBytes, copyBytes, equalBytes } from "../base/bytes.ts";
import { type BlobId, ID_BYTES, type ObjectId } from "../base/ids.ts";
import type { NativePlatform } from "../base/platform.ts";
import type { Core } from "../core/core.ts";
import { CODEC_RAW, CODEC_ZSTD, type Codec } from "../crypto/compress.ts";
import type { StoreKeys } from "../format/context.ts";
import { encodeHeader, HEADER_BYTES } from "../format/header.ts";
import {
  blobAssociated,
  blobNonce,
  openTrailer,
  type PackKind,
  sealPackKey,
  sealTrailer,
  trailerSalt,
} from "../format/pack.ts";
import { writeBlob } from "../format/records.ts";
import {
  CODEC_PADDING,
  PACK_PREFIX_BYTES,
  padme,
  type PlacedBlob,
  TAG_BYTES,
  TRAILER_RECORD_BYTES,
  TRAILER_STEP_BYTES,
} from "../format/trailer.ts";
import { RECORD_BYTES } from "./run.ts";

/** A blob as it goes into a pack: compressed by `codec`, not sealed. */
export interface PackedBlob {
  readonly id: BlobId;
  readonly plainBytes: number;
  readonly codec: Codec;
  readonly bytes: Bytes;
}

export interface FinishedPack {
  readonly id: ObjectId;
  readonly kind: PackKind;
  readonly md5: Bytes;
  /** A view into the core's memory: valid until the next blob is added. */
  readonly bytes: Bytes;
  /** 56 bytes for each blob, in the order of the pack; the pack has number 0. */
  readonly records: Uint8Array<ArrayBuffer>;
}

/** What a lane had left: own memory, to be handed over. */
export interface DrainedBlobs {
  readonly records: Uint8Array<ArrayBuffer>;
  /** The pack's bytes from its first blob on. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface PackWriterParts {
  readonly core: Core;
  readonly platform: NativePlatform;
  readonly keys: StoreKeys;
  readonly kind: PackKind;
  /** The whole pack's bytes aimed at. */
  readonly targetBytes: number;
  /** Whether the storage checks a put by its MD5: a bucket does, and a folder needs none. */
  readonly withMd5: boolean;
}

/** In place of an MD5 that nobody asked for. */
const NO_MD5 = new Uint8Array(16);
const ZERO_ID = new Uint8Array(ID_BYTES);
const EMPTY_PREFIX = {
  header: new Uint8Array(HEADER_BYTES),
  sealedKey: new Uint8Array(PACK_PREFIX_BYTES - HEADER_BYTES),
};

export class PackWriter {
  readonly #parts: PackWriterParts;
  #records = new Uint8Array(256 * RECORD_BYTES);
  #count = 0;
  #bytes = 0;
  /** The core's memory from the pack's first byte on. */
  #area: Uint8Array<ArrayBufferLike> = new Uint8Array(0);

  constructor(parts: PackWriterParts) {
    this.#parts = parts;
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** Bytes of blobs under construction. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether a blob of so many compressed bytes goes into this pack, or the pack is full. */
  fits(compressedBytes: number): boolean {
    if (this.#count === 0) return true;
    const stored = compressedBytes + TAG_BYTES;
    const records = (this.#count + 2) * TRAILER_RECORD_BYTES;
    const whole = PACK_PREFIX_BYTES + this.#bytes + stored + records + TRAILER_STEP_BYTES;
    return padme(whole) <= this.#parts.targetBytes && this.#parts.core.pack.fits(stored);
  }

  add(blob: PackedBlob): void {
    const pack = this.#parts.core.pack;
    if (this.#count === 0) pack.begin(EMPTY_PREFIX.header, EMPTY_PREFIX.sealedKey);
    const storedBytes = blob.bytes.length + TAG_BYTES;
    assert(pack.fits(storedBytes), "the pack has room for the blob");
    const place = pack.append(blob.id, storedBytes, blob.plainBytes, blob.codec);
    if (this.#count === 0)
      this.#area = new Uint8Array(place.buffer, place.byteOffset - PACK_PREFIX_BYTES);
    place.set(blob.bytes);
    const { id, plainBytes, codec } = blob;
    const offset = PACK_PREFIX_BYTES + this.#bytes;
    this.#note({ id, ordinal: this.#count, offset, storedBytes, plainBytes, codec });
    this.#bytes += storedBytes;
    this.#count += 1;
  }

  #note(blob: PlacedBlob): void {
    const at = this.#count * RECORD_BYTES;
    if (at === this.#records.length) this.#records = concatBytes(this.#records, new Uint8Array(at));
    writeBlob(this.#records, at, blob, 0);
  }

  /** Hands over what is not in a finished pack yet, and begins anew. */
  drain(): DrainedBlobs {
    const end = PACK_PREFIX_BYTES + this.#bytes;
    const drained = {
      records: this.#records.slice(0, this.#count * RECORD_BYTES),
      bytes: copyBytes(this.#area.subarray(PACK_PREFIX_BYTES, end)),
    };
    this.#reset();
    return drained;
  }

  /** Seals the pack and begins anew. */
  async finish(): Promise<FinishedPack> {
    assert(this.#count > 0, "a pack holds at least one blob");
    const { core, platform, keys, kind } = this.#parts;
    const records = this.#records.slice(0, this.#count * RECORD_BYTES);
    // Over what goes in: a cloned machine that repeats its randomness repeats no key.
    const packKey = core.keyedBlake3(platform.random(32), records);
    this.#sealBlobs(packKey, records);
    this.#appendPadding(packKey);
    const trailer = copyBytes(core.pack.trailer());
    const keyed = (key: Bytes, bytes: Bytes) => core.keyedBlake3(key, bytes);
    const salt = trailerSalt(keyed, keys.indexKey, platform.random(32), trailer);
    const header = encodeHeader({ kind, salt });
    const sealedTrailer = await sealTrailer({ platform, keys }, header, trailer);
    const bytes = core.pack.finish(sealedTrailer);
    bytes.set(header, 0);
    bytes.set(await sealPackKey(keys, header, packKey), HEADER_BYTES);
    await this.#compareTrailer(header, sealedTrailer, bytes.length, records);
    this.#reset();
    const md5 = this.#parts.withMd5 ? platform.md5(bytes) : NO_MD5;
    return { id: platform.sha256(bytes), kind, md5, bytes, records };
  }

  #sealBlobs(packKey: Bytes, records: Bytes): void {
    const { platform, kind } = this.#parts;
    let offset = PACK_PREFIX_BYTES;
    const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
    for (let ordinal = 0; ordinal < this.#count; ordinal++) {
      const at = ordinal * RECORD_BYTES;
      const stored = view.getUint32(at + 44, true);
      const associated = blobAssociated(kind, records.subarray(at, at + ID_BYTES));
      const area = this.#area.subarray(offset, offset + stored);
      platform.sealGcmInPlace(packKey, blobNonce(ordinal), associated, area);
      offset += stored;
    }
  }

  #appendPadding(packKey: Bytes): void {
    const { core, platform, kind } = this.#parts;
    const plainBytes = core.pack.paddingBytes();
    const associated = blobAssociated(kind, ZERO_ID);
    const nonce = blobNonce(this.#count);
    const sealed = platform.sealGcm(packKey, nonce, associated, new Uint8Array(plainBytes));
    core.pack.append(ZERO_ID, sealed.length, plainBytes, CODEC_PADDING).set(sealed);
  }

  // What is written is decoded and compared before it is uploaded.
  async #compareTrailer(
    header: Bytes,
    sealed: Bytes,
    bytes: number,
    records: Bytes,
  ): Promise<void> {
    const { platform, keys } = this.#parts;
    const blobs = await openTrailer({ platform, keys }, header, sealed, bytes);
    assert(equalBytes(encodePlacedRecords(blobs), records), "the trailer says what the pack holds");
  }

  #reset(): void {
    this.#count = 0;
    this.#bytes = 0;
  }
}

/** The blobs that another writer handed over, as views into its bytes. */
export function* blobsOf(drained: DrainedBlobs): Generator<PackedBlob> {
  const { records, bytes } = drained;
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  for (let at = 0; at < records.length; at += RECORD_BYTES) {
    const offset = view.getUint32(at + 40, true) - PACK_PREFIX_BYTES;
    const compressed = view.getUint32(at + 44, true) - TAG_BYTES;
    yield {
      id: records.subarray(at, at + ID_BYTES),
      plainBytes: view.getUint32(at + 48, true),
      codec: view.getUint32(at + 52, true) === CODEC_RAW ? CODEC_RAW : CODEC_ZSTD,
      bytes: bytes.subarray(offset, offset + compressed),
    };
  }
}

/** The records of one pack's blobs, which has number 0. */
export function encodePlacedRecords(blobs: readonly PlacedBlob[]): Uint8Array<ArrayBuffer> {
  const records = new Uint8Array(blobs.length * RECORD_BYTES);
  blobs.forEach((blob, index) => writeBlob(records, index * RECORD_BYTES, blob, 0));
  return records;
}
