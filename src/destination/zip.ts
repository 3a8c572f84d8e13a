// Zip: an archive as Info-ZIP writes it on Unix, with zip64 where something is large.
//
// Each file: header, content, and for content that came in pieces a descriptor behind it. At the end
// the directory of all of them. Names stand as their raw bytes, marked as UTF-8 where they are that.

import { assert } from "../base/assert.ts";
import { type Bytes, concatBytes, utf8 } from "../base/bytes.ts";
import type { Metadata } from "../base/entry.ts";
import { BunkerError } from "../base/errors.ts";
import { release } from "../base/platform.ts";
import { joinPath } from "../system/paths.ts";
import { type Archive, checkMember, type Member, type Sink, withHoles } from "./archive.ts";
import { crc32, deflate, DEFLATE_END, packPiece, unpackPiece } from "./deflate.ts";
import {
  centralHeader,
  descriptor,
  endOfDirectory,
  isKeptTime,
  isLarge,
  localHeader,
  METHOD_DEFLATED,
  METHOD_STORED,
  type ZipEntry,
} from "./zip-headers.ts";

/** Pieces of one file that are compressed at once. */
const COMPRESSING_COUNT = 4;
/** The directory waits in packed pieces of so many bytes: a million names take some 70 MiB. */
const DIRECTORY_PIECE_BYTES = 256 * 1024;
const SLASH = utf8("/");
const NAME_BYTES_MAX = 0xffff;

const ATTRIBUTES = "zip keeps no extended attributes and no ACLs: they are left out";
const TIMES = "zip keeps times from 1980 to 2107, in whole seconds: others were moved there";
const HARD_LINKS = "zip keeps no hard links: each name has the content again";

export class ZipArchive implements Archive {
  readonly hasLinks = false;
  readonly #sink: Sink;
  readonly #limits = new Set<string>();
  #offset = 0;
  #count = 0;
  readonly #directory: Bytes[] = [];
  #recent: Bytes[] = [];
  #recentBytes = 0;
  #directoryBytes = 0;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  get limits(): readonly string[] {
    return [...this.#limits];
  }

  lacks({ type }: Metadata): string | undefined {
    const isKept = type === "file" || type === "folder" || type === "link" || type === "object";
    return isKept ? undefined : `zip has no place for what is a ${type}`;
  }

  async add(member: Member): Promise<void> {
    if (member.path.length === 0) return; // The root has no name.
    const { target } = member.metadata;
    await this.addFile(member, target === undefined ? [] : [target]);
  }

  addLink(): Promise<void> {
    assert(false, "zip has no second names");
  }

  async addFile(member: Member, pieces: readonly Bytes[]): Promise<void> {
    const { metadata } = member;
    const entry = this.#entryOf(member);
    let content: Bytes[] = [];
    for await (const piece of withHoles(metadata, pieces)) content.push(piece);
    for (const piece of content) {
      entry.crc = crc32(piece, entry.crc);
      entry.plainBytes += piece.length;
    }
    const packed = await Promise.all(content.map(deflate));
    const packedBytes = lengthOf(packed) + DEFLATE_END.length;
    if (packedBytes < entry.plainBytes && metadata.type !== "link") {
      entry.method = METHOD_DEFLATED;
      content = [...packed, DEFLATE_END];
    }
    entry.storedBytes = lengthOf(content);
    await this.#put(localHeader(entry));
    for (const piece of content) await this.#put(piece);
    this.#note(entry);
    for (const piece of [...(metadata.type === "link" ? [] : pieces), ...packed]) release(piece);
  }

  async addLargeFile(member: Member, pieces: AsyncIterable<Bytes>): Promise<void> {
    const { metadata } = member;
    const entry = this.#entryOf(member);
    entry.method = METHOD_DEFLATED;
    entry.hasDescriptor = true;
    entry.isLarge = isLarge(metadata.size);
    await this.#put(localHeader(entry));
    const compressing: Promise<Bytes>[] = [];
    const start = this.#offset;
    for await (const piece of withHoles(metadata, pieces)) {
      entry.crc = crc32(piece, entry.crc);
      entry.plainBytes += piece.length;
      const packed = deflate(piece).finally(() => {
        // With holes, pieces are parts of others, or zeros that are used again.
        if (metadata.holes === undefined) release(piece);
      });
      packed.catch(() => undefined); // It is awaited below, unless an earlier one fails.
      compressing.push(packed);
      if (compressing.length >= COMPRESSING_COUNT) await this.#putOwn(await compressing.shift()!);
    }
    for (const packed of compressing) await this.#putOwn(await packed);
    await this.#put(DEFLATE_END);
    assert(entry.plainBytes === metadata.size, "a file's content is as long as its entry says");
    entry.storedBytes = this.#offset - start;
    await this.#put(descriptor(entry));
    this.#note(entry);
  }

  async finish(): Promise<void> {
    this.#packRecent();
    const start = this.#offset;
    for (const piece of this.#directory) await this.#put(unpackPiece(piece));
    await this.#put(endOfDirectory({ count: this.#count, start, bytes: this.#directoryBytes }));
  }

  // Without a directory it is no zip.
  async abandon(): Promise<void> {}

  #entryOf(member: Member): ZipEntry {
    checkMember(member);
    const { path, metadata } = member;
    const { attributes, hardLink, type } = metadata;
    if (attributes !== undefined && attributes.length > 0) this.#limits.add(ATTRIBUTES);
    if (hardLink !== undefined && type === "file") this.#limits.add(HARD_LINKS);
    if (!isKeptTime(metadata.modified)) this.#limits.add(TIMES);
    const name = type === "folder" ? concatBytes(joinPath(path), SLASH) : joinPath(path);
    if (name.length > NAME_BYTES_MAX) {
      const message = `its path has ${name.length} bytes: zip has place for ${NAME_BYTES_MAX}`;
      throw new BunkerError("incomplete", message);
    }
    return {
      name,
      metadata,
      offset: this.#offset,
      method: METHOD_STORED,
      hasDescriptor: false,
      isLarge: false,
      crc: 0,
      plainBytes: 0,
      storedBytes: 0,
    };
  }

  async #put(bytes: Bytes): Promise<void> {
    this.#offset += bytes.length;
    await this.#sink(bytes);
  }

  async #putOwn(bytes: Bytes): Promise<void> {
    await this.#put(bytes);
    release(bytes);
  }

  #note(entry: ZipEntry): void {
    const header = centralHeader(entry);
    this.#count += 1;
    this.#recent.push(header);
    this.#recentBytes += header.length;
    this.#directoryBytes += header.length;
    if (this.#recentBytes >= DIRECTORY_PIECE_BYTES) this.#packRecent();
  }

  #packRecent(): void {
    if (this.#recentBytes === 0) return;
    this.#directory.push(packPiece(concatBytes(...this.#recent)));
    this.#recent = [];
    this.#recentBytes = 0;
  }
}

function lengthOf(pieces: readonly Bytes[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}
