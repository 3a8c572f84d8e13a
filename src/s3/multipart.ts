// Multipart: an object too long for one request, sent in parts that travel at once.
//
// Whoever has the key may list and abort uploads: one that is gone is started again. The answer to
// the last call can be lost after it took effect, or be an error that came with 200. (AWS and B2
// docs: CompleteMultipartUpload.) Parts that are left over are paid for, so a failed upload is aborted.

import { concatBytes, type Bytes, hexOf } from "../base/bytes.ts";
import { BunkerError, isBunkerError } from "../base/errors.ts";
import { TaskPool } from "../base/queue.ts";
import { ask, DOCUMENT_BYTES_MAX, documentIn, refusedWith, requiredText } from "./ask.ts";
import type { Answer, Call, Caller } from "./call.ts";
import { documentOf, DOCUMENT_HEADERS, element } from "./document.ts";
import { checkedEtag, etagOf, etagTellsMd5 } from "./etag.ts";
import { getRetention, type ObjectLock, putRetention } from "./lock.ts";
import { type NewObject, newObjectHeaders } from "./new-object.ts";
import { headObject, putObject, type PutResult, signalOf, versionIn } from "./objects.ts";

export const PART_COUNT_MAX = 10_000;
const PARALLEL_DEFAULT = 4;
const START_COUNT_MAX = 3;

/**
 * Gives the parts from the first one on, whenever it is called: again, where an upload has to start
 * again. All but the last have at least 5 MiB. A part is not touched after it was given.
 */
export type PartSource = () => AsyncIterable<Bytes>;

export interface LargeOptions extends NewObject {
  /** Parts that are sent at once; as many are held in memory, and one more. */
  readonly parallel?: number;
}

interface Upload {
  readonly caller: Caller;
  readonly key: string;
  readonly uploadId: string;
  readonly options: LargeOptions;
}

interface SentPart {
  readonly etag: string;
  readonly md5: Bytes;
}

/**
 * Stores an object from its parts. Throws `corrupt` where the service keeps other bytes. A lock that
 * is asked for is looked at in the end, since radosgw forgets it; a key that may not see locks must
 * believe.
 */
export async function putLarge(
  caller: Caller,
  key: string,
  parts: PartSource,
  options: LargeOptions = {},
): Promise<PutResult> {
  for (let starts = 1; ; starts++) {
    try {
      const result = await putOnce(caller, key, parts, options);
      await ensureLock(caller, key, result.versionId, options.lock);
      return result;
    } catch (error) {
      if (starts === START_COUNT_MAX || !isGone(error)) throw error;
    }
  }
}

async function ensureLock(
  caller: Caller,
  key: string,
  versionId: string | undefined,
  lock: ObjectLock | undefined,
): Promise<void> {
  if (lock === undefined) return;
  try {
    const kept = await getRetention(caller, key, versionId);
    if (kept !== undefined && kept.until >= lock.until) return;
  } catch (error) {
    if (isBunkerError(error, "denied")) return;
    throw error;
  }
  await putRetention(caller, key, versionId, lock);
}

function isGone(error: unknown): boolean {
  return refusedWith(error, "NoSuchUpload");
}

async function putOnce(
  caller: Caller,
  key: string,
  parts: PartSource,
  options: LargeOptions,
): Promise<PutResult> {
  const uploadId = await create(caller, key, options);
  const upload: Upload = { caller, key, uploadId, options };
  try {
    const sent = await sendParts(upload, parts);
    if (sent.length > 0) return await complete(upload, sent);
  } catch (error) {
    // One that is gone, too: a part that was on its way then may have stayed (versitygw).
    await abortUpload(caller, key, uploadId);
    throw error;
  }
  await abortUpload(caller, key, uploadId);
  return putObject(caller, key, new Uint8Array(0), options); // No upload can be of no parts.
}

async function create(caller: Caller, key: string, options: LargeOptions): Promise<string> {
  const call: Call = {
    operation: "CreateMultipartUpload",
    method: "POST",
    key,
    query: { uploads: "" },
    headers: newObjectHeaders(options),
    answerBytesMax: DOCUMENT_BYTES_MAX,
    ...signalOf(options),
  };
  const what = `the new upload of ${key}`;
  return ask(caller, call, (answer) => {
    const root = documentIn(answer, "InitiateMultipartUploadResult", what);
    return requiredText(root, "UploadId", what);
  });
}

async function sendParts(upload: Upload, parts: PartSource): Promise<SentPart[]> {
  const { key, options } = upload;
  const sent: SentPart[] = [];
  const stop = new AbortController();
  const signals = options.signal === undefined ? [] : [options.signal];
  const signal = AbortSignal.any([...signals, stop.signal]);
  const pool = new TaskPool(options.parallel ?? PARALLEL_DEFAULT);
  let partCount = 0;
  try {
    for await (const part of parts()) {
      const partNumber = ++partCount;
      if (partNumber > PART_COUNT_MAX)
        throw new BunkerError("invalid-argument", `${key}: more than ${PART_COUNT_MAX} parts`);
      await pool.add(async () => {
        try {
          sent[partNumber - 1] = await sendPart(upload, partNumber, part, signal);
        } catch (error) {
          stop.abort(); // The pool keeps this one; the others' only say that they were stopped.
          throw error;
        }
      });
    }
    await pool.finish();
  } catch (error) {
    stop.abort();
    await pool.settle(); // A part must not arrive after the upload was aborted.
    throw error;
  }
  return sent;
}

async function sendPart(
  upload: Upload,
  partNumber: number,
  part: Bytes,
  signal: AbortSignal,
): Promise<SentPart> {
  const { caller, key, uploadId } = upload;
  const md5 = caller.hash.md5(part);
  const call: Call = {
    operation: "UploadPart",
    method: "PUT",
    key,
    query: { partNumber: String(partNumber), uploadId },
    body: part,
    md5,
    answerBytesMax: DOCUMENT_BYTES_MAX,
    signal,
  };
  const what = `part ${partNumber} of ${key}`;
  const etag = await ask(caller, call, ({ headers }) => checkedEtag(headers, md5, what));
  return { etag, md5 };
}

async function complete(upload: Upload, sent: readonly SentPart[]): Promise<PutResult> {
  const { caller, key, uploadId, options } = upload;
  const content = sent.map(({ etag }, index) => {
    const named = element("PartNumber", String(index + 1)) + element("ETag", `"${etag}"`);
    return `<Part>${named}</Part>`;
  });
  const call: Call = {
    operation: "CompleteMultipartUpload",
    method: "POST",
    key,
    query: { uploadId },
    headers: DOCUMENT_HEADERS,
    body: documentOf("CompleteMultipartUpload", content.join("")),
    answerBytesMax: DOCUMENT_BYTES_MAX,
    ...signalOf(options),
  };
  const expected = etagOfParts(caller, sent);
  try {
    const { result, headers } = await ask(caller, call, (answer) => completedIn(answer, key));
    checkWhole(result.etag, expected, headers, key);
    return result;
  } catch (error) {
    if (!isGone(error)) throw error;
    const found = await headObject(caller, key, options); // It may be done, and its answer lost.
    if (found?.etag.toLowerCase() !== expected) throw error;
    return { etag: found.etag, ...versionIn(found.headers) };
  }
}

function completedIn(answer: Answer, key: string): { result: PutResult; headers: Headers } {
  const what = `the answer to the last part of ${key}`;
  const { headers, bytes } = answer;
  // Until the object is put together, services send spaces to keep the connection.
  const start = bytes.findIndex((byte) => byte > 0x20);
  const trimmed = { ...answer, bytes: bytes.subarray(Math.max(0, start)) };
  const root = documentIn(trimmed, "CompleteMultipartUploadResult", what);
  const etag = etagOf(requiredText(root, "ETag", what));
  return { result: { etag, ...versionIn(headers) }, headers };
}

/** What services call an object of parts: the MD5 of the parts' MD5s, and how many they are. */
function etagOfParts({ hash }: Caller, sent: readonly SentPart[]): string {
  const md5s = concatBytes(...sent.map(({ md5 }) => md5));
  return `${hexOf(hash.md5(md5s))}-${sent.length}`;
}

function checkWhole(etag: string, expected: string, headers: Headers, key: string): void {
  const comparable = /^[0-9a-f]{32}-\d+$/i.test(etag) && etagTellsMd5(headers);
  if (!comparable || etag.toLowerCase() === expected) return;
  throw new BunkerError(
    "corrupt",
    `${key}: the service put other parts together: expected ETag ${expected}, found ${etag}`,
    { subject: key },
  );
}

/** Aborts an upload, once and as well as it goes: what is left is aborted by a later run. */
export async function abortUpload(caller: Caller, key: string, uploadId: string): Promise<boolean> {
  const call: Call = {
    operation: "AbortMultipartUpload",
    method: "DELETE",
    key,
    query: { uploadId },
    answerBytesMax: DOCUMENT_BYTES_MAX,
    tries: 1, // Perhaps because of a failed network, for which was waited long enough.
  };
  try {
    await caller.call(call);
    return true;
  } catch (error) {
    if (isBunkerError(error)) return false;
    throw error;
  }
}
