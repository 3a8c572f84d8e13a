// Objects: putting, getting, looking at and deleting one object of a bucket.
//
// An absent object is `undefined`; an absent bucket, or an answer that does not say that the object
// is absent, is an error: nobody takes a proxy's 404 for a lost pack.

import { assert } from "../base/assert.ts";
import type { Bytes } from "../base/bytes.ts";
import { BunkerError } from "../base/errors.ts";
import { ask, DOCUMENT_BYTES_MAX, failureOf, refusedWith } from "./ask.ts";
import type { Answer, Call, Caller } from "./call.ts";
import { checkedEtag, etagOf } from "./etag.ts";
import { lockInHeaders, type ObjectLock } from "./lock.ts";
import { type NewObject, newObjectHeaders } from "./new-object.ts";
import { type ByteRange, rangeHeader, rangeIn } from "./range.ts";
import { timeInHeader } from "./time.ts";

/** The longest object that is taken whole where the caller names no bound. */
export const WHOLE_BYTES_MAX = 512 * 1024 * 1024;

export interface PutOptions extends NewObject {
  /** Of the body, where they are known. */
  readonly md5?: Bytes;
  readonly sha256?: Bytes;
}

export interface PutResult {
  /** Absent where the bucket keeps no versions. */
  readonly versionId?: string;
  readonly etag: string;
}

/**
 * Stores an object by one request. The service checks the bytes by their MD5, and its ETag is
 * compared with that; bytes that arrived wrong are put again, twice, and then are `corrupt`.
 */
export async function putObject(
  caller: Caller,
  key: string,
  body: Bytes,
  options: PutOptions = {},
): Promise<PutResult> {
  const md5 = options.md5 ?? caller.hash.md5(body);
  const call: Call = {
    operation: "PutObject",
    method: "PUT",
    key,
    headers: newObjectHeaders(options),
    body,
    md5,
    ...(options.sha256 === undefined ? {} : { sha256: options.sha256 }),
    answerBytesMax: DOCUMENT_BYTES_MAX,
    ...signalOf(options),
  };
  return ask(caller, call, ({ headers }) => {
    const etag = checkedEtag(headers, md5, key);
    return { ...versionIn(headers), etag };
  });
}

export interface GetOptions {
  readonly range?: ByteRange;
  readonly versionId?: string;
  /** An ETag: the object must still have it, or the service refuses with 412. */
  readonly ifMatch?: string;
  /** The longest object that is taken where no range is asked for. */
  readonly bytesMax?: number;
  readonly signal?: AbortSignal;
}

export interface GotObject {
  /** As they are stored, never unpacked; the caller's own. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly headers: Headers;
  /** Of the whole object. */
  readonly totalBytes: number;
}

/**
 * Gets an object or a range of it, of which what is past the end has no bytes; `undefined` where
 * the object, or that version of it, is not there or is a delete marker.
 */
export async function getObject(
  caller: Caller,
  key: string,
  options: GetOptions = {},
): Promise<GotObject | undefined> {
  const { range } = options;
  if (range?.length === 0) return getNothing(caller, key, options);
  try {
    return await ask(caller, getCall(key, options), (answer) => rangeIn(answer, key, range));
  } catch (error) {
    if (saysAbsent(error, options.versionId)) return undefined;
    const isPastEnd = range !== undefined && failureOf(error)?.status === 416;
    if (isPastEnd) return getNothing(caller, key, options);
    throw error;
  }
}

function getCall(key: string, { range, ifMatch, ...options }: GetOptions): Call {
  const wanted = range?.length ?? options.bytesMax ?? WHOLE_BYTES_MAX;
  return {
    operation: "GetObject",
    method: "GET",
    key,
    ...versionQuery(options.versionId),
    headers: {
      ...(range === undefined ? {} : { range: rangeHeader(range) }),
      ...(ifMatch === undefined ? {} : { "if-match": `"${ifMatch}"` }),
    },
    answerBytesMax: Math.max(wanted, DOCUMENT_BYTES_MAX), // An error's document must fit, too.
    ...signalOf(options),
  };
}

async function getNothing(
  caller: Caller,
  key: string,
  options: GetOptions,
): Promise<GotObject | undefined> {
  const head = await headObject(caller, key, options);
  if (head === undefined) return undefined;
  return { bytes: new Uint8Array(0), headers: head.headers, totalBytes: head.bytes };
}

export interface ObjectHead {
  readonly bytes: number;
  readonly etag: string;
  readonly versionId?: string;
  readonly modified: number;
  /** Absent too where the key may not see locks. */
  readonly lock?: ObjectLock;
  readonly legalHold: boolean;
  readonly headers: Headers;
}

/**
 * What a service says about an object without its bytes; `undefined` where it has none, or where the
 * newest version, or the one that is named, is a delete marker. The answer has no body, so an absent
 * bucket looks the same.
 */
export async function headObject(
  caller: Caller,
  key: string,
  options: { readonly versionId?: string; readonly signal?: AbortSignal } = {},
): Promise<ObjectHead | undefined> {
  const call: Call = {
    operation: "HeadObject",
    method: "HEAD",
    key,
    ...versionQuery(options.versionId),
    answerBytesMax: DOCUMENT_BYTES_MAX,
    ...signalOf(options),
  };
  try {
    return await ask(caller, call, (answer) => headIn(answer, key));
  } catch (error) {
    if (saysAbsent(error, options.versionId)) return undefined;
    const failure = failureOf(error);
    if (failure?.status === 404 && !failure.foreign) return undefined;
    // It may be a proxy's: what a GET is told decides. (B2 docs: a HEAD's errors have no body.)
    if (failure?.status === 404 && (await isAbsent(caller, key, options))) return undefined;
    throw error;
  }
}

async function isAbsent(caller: Caller, key: string, options: GetOptions): Promise<boolean> {
  try {
    await caller.call(getCall(key, { ...options, range: { offset: 0, length: 1 } }));
    return false;
  } catch (error) {
    if (saysAbsent(error, options.versionId)) return true;
    throw error;
  }
}

function headIn({ headers }: Answer, key: string): ObjectHead {
  const length = headers.get("content-length") ?? "";
  const modified = timeInHeader(headers, "last-modified");
  if (!/^\d{1,16}$/.test(length) || modified === undefined)
    throw new BunkerError("unavailable", `${key}: the answer does not tell its length and time`);
  const lock = lockInHeaders(headers, key);
  return {
    bytes: Number(length),
    etag: etagOf(headers.get("etag") ?? ""),
    ...versionIn(headers),
    modified,
    ...(lock === undefined ? {} : { lock }),
    legalHold: headers.get("x-amz-object-lock-legal-hold") === "ON",
    headers,
  };
}

// A delete marker that is asked for by its version id is 405; an id that is none of the service's,
// or no longer (versitygw), is "Invalid version id specified".
function saysAbsent(error: unknown, versionId: string | undefined): boolean {
  if (refusedWith(error, "NoSuchKey", "NoSuchVersion")) return true;
  const failure = failureOf(error);
  if (versionId === undefined || failure === undefined) return false;
  const isInvalid = failure.code === "InvalidArgument" && /version ?id/i.test(failure.message);
  return failure.status === 405 || isInvalid;
}

/** Deletes one version for good; one that is not there is no error. A locked one is `denied`. */
export async function deleteVersion(caller: Caller, key: string, versionId: string): Promise<void> {
  assert(versionId !== "", "without a version id it would be hidden");
  await callDelete(caller, key, versionId);
}

/**
 * Hides an object of a bucket that keeps versions, and returns the id of the marker on top of it.
 * Where the bucket keeps none the object is gone, and there is no id.
 */
export async function hideObject(caller: Caller, key: string): Promise<string | undefined> {
  const headers = await callDelete(caller, key, undefined);
  const isMarkerMade = headers?.get("x-amz-delete-marker") === "true";
  return isMarkerMade ? versionIn(headers).versionId : undefined;
}

/** Deletes an object of a bucket that keeps no versions; one that is not there is no error. */
export async function deleteObject(caller: Caller, key: string): Promise<void> {
  await callDelete(caller, key, undefined);
}

async function callDelete(
  caller: Caller,
  key: string,
  versionId: string | undefined,
): Promise<Headers | undefined> {
  const call: Call = {
    operation: "DeleteObject",
    method: "DELETE",
    key,
    ...versionQuery(versionId),
    answerBytesMax: DOCUMENT_BYTES_MAX,
  };
  try {
    return (await caller.call(call)).headers;
  } catch (error) {
    if (failureOf(error)?.status !== 405 && saysAbsent(error, versionId)) return undefined;
    throw error;
  }
}

function versionQuery(versionId: string | undefined): Pick<Call, "query"> {
  assert(versionId !== "", "a version id is not empty");
  return versionId === undefined ? {} : { query: { versionId } };
}

/** The id of the version that an answer is about, where it tells one. */
export function versionIn(headers: Headers): { versionId?: string } {
  const versionId = headers.get("x-amz-version-id");
  return versionId === null || versionId === "" ? {} : { versionId };
}

/** The signal of some options as a part of a call. */
export function signalOf({ signal }: { signal?: AbortSignal }): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
