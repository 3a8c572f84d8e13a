// Tree packer: stores tree blobs that are new, in packs of their own.

import { type Bytes, copyBytes } from "../base/bytes.ts";
import type { BlobId } from "../base/ids.ts";
import { release } from "../base/platform.ts";
import { CODEC_RAW, compressBlob } from "../crypto/compress.ts";
import type { Claims } from "../store/claims.ts";
import { PackWriter } from "../store/pack-writer.ts";
import type { Store } from "../store/store.ts";
import type { BackupParts } from "./backup.ts";
import type { PackSink } from "./sink.ts";

export class TreePacker {
  readonly #store: Store;
  readonly #writer: PackSink;
  readonly #claims: Claims;
  readonly #parts: BackupParts;
  readonly #pack: PackWriter;

  constructor(options: {
    readonly store: Store;
    readonly writer: PackSink;
    readonly claims: Claims;
    readonly parts: BackupParts;
  }) {
    this.#store = options.store;
    this.#writer = options.writer;
    this.#claims = options.claims;
    this.#parts = options.parts;
    const { platform, packBytes } = options.parts;
    const { core, keys, storage } = options.store;
    const { wantsMd5: withMd5 } = storage.abilities;
    const kind = "tree";
    this.#pack = new PackWriter({ core, platform, keys, kind, targetBytes: packBytes, withMd5 });
  }

  /** Stores a tree blob unless a usable pack has it; returns its id. */
  async put(plain: Bytes): Promise<BlobId> {
    const id = this.#store.core.idOf("tree", plain);
    if (this.#writer.needs.addKnown(id, 0)) return id;
    this.#writer.needs.add(id, 0);
    if (!this.#claims.claim(id)) return id;
    const { codec, bytes } = compressBlob(this.#parts.platform, plain, {
      level: this.#parts.levels.fast,
    });
    if (!this.#pack.fits(bytes.length)) await this.#finishPack();
    this.#pack.add({ id, plainBytes: plain.length, codec, bytes });
    if (codec !== CODEC_RAW) release(bytes);
    return id;
  }

  async finish(): Promise<void> {
    if (!this.#pack.isEmpty) await this.#finishPack();
  }

  async #finishPack(): Promise<void> {
    const pack = await this.#pack.finish();
    await this.#writer.putPack({ ...pack, bytes: copyBytes(pack.bytes) });
  }
}
