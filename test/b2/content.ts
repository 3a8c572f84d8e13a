// Content: the bytes of an object, where runs of zeros are kept as a count.
//
// So a test can store many gigabytes of zeros without memory for them. Bytes that aren't zeros are
// kept as they came. A block that is looked at is at most 64 KiB.

const BLOCK_BYTES = 65_536;
const ZEROS = Buffer.alloc(1_048_576);

/** A run of bytes, or the length of a run of zeros. */
type Segment = Uint8Array<ArrayBuffer> | number;

export class Content {
  readonly #segments: readonly Segment[];
  readonly bytes: number;

  constructor(segments: readonly Segment[]) {
    this.#segments = segments;
    this.bytes = segments.reduce<number>((sum, segment) => sum + lengthOf(segment), 0);
  }

  /** What it takes in memory. */
  get keptBytes(): number {
    return this.#segments.reduce<number>(
      (sum, segment) => sum + (typeof segment === "number" ? 0 : segment.length),
      0,
    );
  }

  static of(bytes: Uint8Array): Content {
    const writer = new ContentWriter();
    writer.add(bytes);
    return writer.finish();
  }

  static concat(contents: readonly Content[]): Content {
    return new Content(contents.flatMap((content) => content.#segments));
  }

  /** The bytes from `offset`, in pieces of at most one MiB; zeros come from one shared block. */
  *pieces(offset = 0, length = this.bytes): Generator<Uint8Array<ArrayBuffer>> {
    let skip = offset;
    let left = Math.min(length, this.bytes - offset);
    for (const segment of this.#segments) {
      const segmentBytes = lengthOf(segment);
      const taken = Math.min(Math.max(segmentBytes - skip, 0), left);
      if (taken > 0) yield* piecesOf(segment, skip, taken);
      skip = Math.max(skip - segmentBytes, 0);
      left -= taken;
      if (left === 0) return;
    }
  }

  /** A copy of the bytes; for what fits into memory. */
  copy(offset = 0, length = this.bytes): Uint8Array<ArrayBuffer> {
    const copy = new Uint8Array(Math.min(length, this.bytes - offset));
    let position = 0;
    for (const piece of this.pieces(offset, length)) {
      copy.set(piece, position);
      position += piece.length;
    }
    return copy;
  }

  slice(offset: number, length: number): Content {
    const writer = new ContentWriter();
    for (const piece of this.pieces(offset, length)) writer.add(piece);
    return writer.finish();
  }
}

function lengthOf(segment: Segment): number {
  return typeof segment === "number" ? segment : segment.length;
}

function* piecesOf(
  segment: Segment,
  offset: number,
  length: number,
): Generator<Uint8Array<ArrayBuffer>> {
  for (let done = 0; done < length; done += ZEROS.length) {
    const pieceBytes = Math.min(length - done, ZEROS.length);
    yield typeof segment === "number"
      ? ZEROS.subarray(0, pieceBytes)
      : segment.subarray(offset + done, offset + done + pieceBytes);
  }
}

export class ContentWriter {
  readonly #segments: Segment[] = [];

  add(chunk: Uint8Array): void {
    for (let offset = 0; offset < chunk.length; offset += BLOCK_BYTES) {
      this.#addBlock(chunk.subarray(offset, offset + BLOCK_BYTES));
    }
  }

  #addBlock(block: Uint8Array): void {
    if (!ZEROS.subarray(0, block.length).equals(block)) {
      this.#segments.push(new Uint8Array(block));
      return;
    }
    const last = this.#segments.at(-1);
    if (typeof last === "number") this.#segments[this.#segments.length - 1] = last + block.length;
    else this.#segments.push(block.length);
  }

  finish(): Content {
    return new Content(this.#segments);
  }
}
