// Receive: the body of an answer, whole or not at all, into one buffer of its length.

import { concatBytes } from "../base/bytes.ts";
import { BunkerError } from "../base/errors.ts";
import { release } from "../base/platform.ts";
import { NETWORK_CODES, S3Failure } from "./failure.ts";

type Owned = Uint8Array<ArrayBuffer>;

export interface Receiving {
  /** More than this is an error, or where `lenient` the end. */
  readonly bytesMax: number;
  /** Takes what comes: the body of an error, of which the beginning will do. */
  readonly lenient: boolean;
  /** Called with the length of each piece, before the next is asked for. */
  readonly moved: (byteCount: number) => Promise<void>;
}

/**
 * Reads the body. Throws an `S3Failure` ("Truncated") for one that ends before its end, and
 * `corrupt` for one longer than allowed, of which no more is read.
 */
export async function receive(response: Response, receiving: Receiving): Promise<Owned> {
  const { bytesMax, lenient } = receiving;
  const length = lengthOf(response);
  if (response.body === null) return new Uint8Array(0);
  const reader: ReadableStreamDefaultReader<Owned> = response.body.getReader();
  try {
    if (lenient) return await readBeginning(reader, receiving);
    if (length === undefined) return await readUnknown(reader, receiving);
    if (length > bytesMax) throw tooLong(bytesMax, length);
    return await readKnown(reader, length, receiving);
  } finally {
    // What is left would keep the connection busy; where nothing is left, nothing happens.
    await reader.cancel().catch(() => undefined);
  }
}

/** The length that an answer says its body has. */
export function lengthOf(response: Response): number | undefined {
  const text = response.headers.get("content-length");
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

type Reader = ReadableStreamDefaultReader<Owned>;

async function readKnown(reader: Reader, length: number, { moved }: Receiving): Promise<Owned> {
  const whole = new Uint8Array(length);
  let at = 0;
  for await (const piece of piecesOf(reader, () => `${at} of ${length} bytes came`)) {
    if (at + piece.length > length) throw tooLong(length, at + piece.length);
    whole.set(piece, at);
    at += piece.length;
    const { length: pieceBytes } = piece;
    release(piece);
    await moved(pieceBytes);
  }
  if (at < length) throw truncated(`${at} of ${length} bytes came`);
  return whole;
}

async function readUnknown(reader: Reader, { bytesMax, moved }: Receiving): Promise<Owned> {
  const pieces: Owned[] = [];
  let at = 0;
  for await (const piece of piecesOf(reader, () => `${at} bytes came`)) {
    at += piece.length;
    if (at > bytesMax) throw tooLong(bytesMax, at);
    pieces.push(piece);
    await moved(piece.length);
  }
  return concatBytes(...pieces);
}

async function readBeginning(reader: Reader, { bytesMax, moved }: Receiving): Promise<Owned> {
  const pieces: Owned[] = [];
  let at = 0;
  try {
    for await (const piece of piecesOf(reader, () => "")) {
      pieces.push(piece.slice(0, bytesMax - at));
      at += piece.length;
      if (at >= bytesMax) break;
      await moved(piece.length);
    }
  } catch (error) {
    // The status says enough; the rest of the words is lost.
    if (!(error instanceof S3Failure)) throw error;
  }
  return concatBytes(...pieces);
}

async function* piecesOf(reader: Reader, state: () => string): AsyncGenerator<Owned> {
  for (;;) {
    let result: Awaited<ReturnType<Reader["read"]>>;
    try {
      result = await reader.read();
    } catch {
      throw truncated(state()); // Or ended by us: whoever did it knows why.
    }
    if (result.done) return;
    yield result.value;
  }
}

function truncated(message: string): S3Failure {
  return new S3Failure({ status: 0, code: NETWORK_CODES.truncated, message });
}

function tooLong(bytesMax: number, found: number): BunkerError {
  return new BunkerError(
    "corrupt",
    `expected an answer of at most ${bytesMax} bytes, found ${found} or more`,
  );
}
