// DESTINATION CONNECTOR: an archive, written from its beginning to its end, in one stream.
//
// Nothing that was written can be taken back: content that is there as a whole was verified before
// its header is written; content that comes in pieces stops the run where a piece is bad, and the
// archive then visibly lacks its end.

import type { Bytes } from "../base/bytes.ts";
import type { Metadata } from "../base/entry.ts";
import { checkName, checkTarget } from "./names.ts";

/** Takes what comes next; the bytes are the caller's again when it returns. */
export type Sink = (bytes: Bytes) => Promise<void>;

/** One name in an archive. */
export interface Member {
  /** From the archive's root down, the name itself last; empty for the root, a folder. */
  readonly path: readonly Bytes[];
  readonly metadata: Metadata;
}

/** Content without the file's holes, piece by piece. */
export type Pieces = Iterable<Bytes> | AsyncIterable<Bytes>;

export interface Archive {
  /** What this format can't keep of what was added, for people, each kind once. */
  readonly limits: readonly string[];

  /** Why the format has no place for this, for people; `undefined` where it has one. */
  lacks(metadata: Metadata): string | undefined;
  /** Whether another name of a file can be said; else its content must come again. */
  readonly hasLinks: boolean;

  /** Anything without content. */
  add(member: Member): Promise<void>;
  /** Another name of what was added before. */
  addLink(member: Member, first: readonly Bytes[]): Promise<void>;
  /** A file, all of whose content is there, verified. */
  addFile(member: Member, pieces: readonly Bytes[]): Promise<void>;
  /** A file whose content comes; what reading it throws leaves the archive unfinished. */
  addLargeFile(member: Member, pieces: AsyncIterable<Bytes>): Promise<void>;

  /** Ends the archive. Nothing comes afterwards. */
  finish(): Promise<void>;
  /** Ends it where it can't be finished, so that no reader takes it for whole. */
  abandon(): Promise<void>;
}

/** Refuses names that lead out of the archive's root, and links without a target. */
export function checkMember({ path, metadata }: Member): void {
  for (const name of path) checkName(name);
  if (metadata.type === "link") checkTarget(metadata.target);
}

/** The parts of a file that hold data, ascending: [offset, length]. */
export function dataRangesOf({ size, holes = [] }: Metadata): (readonly [number, number])[] {
  const ranges: (readonly [number, number])[] = [];
  let at = 0;
  for (const [offset, length] of holes) {
    if (offset > at) ranges.push([at, offset - at]);
    at = offset + length;
  }
  if (size > at) ranges.push([at, size - at]);
  return ranges;
}

const ZEROS = new Uint8Array(256 * 1024);

/** The content with zeros where the holes are. */
export async function* withHoles(metadata: Metadata, pieces: Pieces): AsyncGenerator<Bytes> {
  const holes = [...(metadata.holes ?? [])];
  let at = 0;
  for await (const piece of pieces) {
    for (let done = 0; done < piece.length;) {
      for (; holes[0]?.[0] === at; at += holes.shift()![1]) yield* zeros(holes[0][1]);
      const end = Math.min(piece.length, done + (holes[0]?.[0] ?? Number.POSITIVE_INFINITY) - at);
      yield piece.subarray(done, end);
      at += end - done;
      done = end;
    }
  }
  for (const [, length] of holes) yield* zeros(length);
}

function* zeros(length: number): Generator<Bytes> {
  for (let left = length; left > 0; left -= ZEROS.length) {
    yield ZEROS.subarray(0, Math.min(left, ZEROS.length));
  }
}
