// The pack under construction in the core's memory: this side checks what the core trusts.

import { assert } from "../base/assert.ts";
import type { Bytes } from "../base/bytes.ts";
import { ID_BYTES } from "../base/ids.ts";
import {
  CHUNK_BYTES_MAX,
  PACK_BLOB_COUNT_MAX,
  PACK_BYTES_MAX,
  PACK_BYTES_TARGET,
} from "../base/limits.ts";
import type { CoreExports } from "./loader.ts";

const HEADER_BYTES = 48;
const SEALED_KEY_BYTES = 80;
const TAG_BYTES = 16;
const CODEC_PADDING = 2;

/**
 * Builds one pack after another: `begin`, `append` for each blob and last for the padding,
 * `trailer`, `finish`. All views are into the core's memory and hold until the next `begin`.
 */
export interface PackBuilder {
  /** Blobs so far. */
  readonly count: number;
  /** Bytes so far, with header and sealed key. */
  readonly bytes: number;

  begin(header: Bytes, sealedKey: Bytes): void;

  /** True if a blob of so many bytes still fits, and the padding and the trailer behind it. */
  fits(storedBytes: number): boolean;

  /**
   * Records the next blob, whose ordinal is `count` before the call, and returns the place where
   * its ciphertext belongs.
   */
  append(id: Bytes, storedBytes: number, plainBytes: number, codec: number): Uint8Array;

  /**
   * How many zeros the padding blob holds. Its ordinal is `count`, its id zero, and it is appended
   * last, with codec 2.
   */
  paddingBytes(): number;

  /** The trailer's plaintext: the records and its own padding. */
  trailer(): Uint8Array;

  /** Puts the sealed trailer and its length; returns the whole pack. */
  finish(sealedTrailer: Bytes): Uint8Array;
}

export class CorePackBuilder implements PackBuilder {
  readonly #core: CoreExports;
  readonly #idPlace: Uint8Array;
  #begun = false;
  #trailerBytes = 0;

  constructor(core: CoreExports) {
    const bytes = core.PACK_BYTES.value;
    const least = PACK_BYTES_TARGET + CHUNK_BYTES_MAX + PACK_BLOB_COUNT_MAX * (ID_BYTES + 12);
    assert(bytes > least && bytes <= PACK_BYTES_MAX, "a pack fits its area");
    const prefixBytes = core.PACK_PREFIX_BYTES.value;
    assert(prefixBytes === HEADER_BYTES + SEALED_KEY_BYTES, "header and key fill the prefix");
    this.#core = core;
    this.#idPlace = this.#view(core.ID_PTR.value, ID_BYTES);
  }

  get count(): number {
    return this.#core.packCount();
  }

  get bytes(): number {
    return this.#core.packEnd();
  }

  begin(header: Bytes, sealedKey: Bytes): void {
    assert(header.length === HEADER_BYTES, `a pack's header has ${HEADER_BYTES} bytes`);
    assert(sealedKey.length === SEALED_KEY_BYTES, `a sealed key has ${SEALED_KEY_BYTES} bytes`);
    this.#core.packBegin();
    const prefix = this.#view(this.#core.PACK_PTR.value, HEADER_BYTES + SEALED_KEY_BYTES);
    prefix.set(header);
    prefix.set(sealedKey, HEADER_BYTES);
    this.#begun = true;
    this.#trailerBytes = 0;
  }

  fits(storedBytes: number): boolean {
    assert(Number.isInteger(storedBytes) && storedBytes >= 0, "a length is a whole number");
    return storedBytes <= this.#core.PACK_BYTES.value && this.#core.packFits(storedBytes) === 1;
  }

  append(id: Bytes, storedBytes: number, plainBytes: number, codec: number): Uint8Array {
    assert(this.#begun, "a pack is begun before a blob is appended");
    assert(id.length === ID_BYTES, `an id has ${ID_BYTES} bytes, not ${id.length}`);
    assert(Number.isInteger(plainBytes) && plainBytes >= 0, "a length is a whole number");
    const allowed =
      codec === CODEC_PADDING
        ? plainBytes === this.paddingBytes() && storedBytes === plainBytes + TAG_BYTES
        : this.fits(storedBytes);
    assert(allowed, `a blob of ${storedBytes} bytes and codec ${codec} fits behind ${this.bytes}`);
    this.#trailerBytes = 0;
    this.#idPlace.set(id);
    return this.#view(this.#core.packAppend(storedBytes, plainBytes, codec), storedBytes);
  }

  paddingBytes(): number {
    return this.#core.packPaddingBytes();
  }

  trailer(): Uint8Array {
    assert(this.#begun, "a pack is begun before its trailer is made");
    this.#trailerBytes = this.#core.packTrailer();
    return this.#view(this.#core.TABLE_PTR.value, this.#trailerBytes);
  }

  finish(sealedTrailer: Bytes): Uint8Array {
    const sealedBytes = this.#trailerBytes + TAG_BYTES;
    assert(this.#trailerBytes > 0, "the trailer is made after the last blob");
    assert(sealedTrailer.length === sealedBytes, `a sealed trailer has ${sealedBytes} bytes`);
    const end = this.#core.PACK_PTR.value + this.bytes;
    this.#view(end, sealedBytes).set(sealedTrailer);
    const packBytes = this.#core.packFinish();
    assert(this.#core.padme(packBytes) === packBytes, "the padding blob was appended last");
    this.#begun = false;
    this.#trailerBytes = 0;
    return this.#view(this.#core.PACK_PTR.value, packBytes);
  }

  #view(ptr: number, byteCount: number): Uint8Array {
    const view = new Uint8Array(this.#core.memory.buffer, ptr, byteCount);
    assert(view.length === byteCount, "a view of the core's memory has its length");
    return view;
  }
}
