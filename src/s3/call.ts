// Call: what one request to an S3 service is, and what comes back. Types only.
//
// An operation (objects.ts, list.ts, …) makes a `Call`; a `Bucket` (bucket.ts) sends it, as often
// as it takes, and gives the `Answer` or throws.

import type { Bytes } from "../base/bytes.ts";

export type Method = "GET" | "HEAD" | "PUT" | "POST" | "DELETE";

/** What a call is for: names it in the tally, and decides its price and which gate it waits at. */
export type Operation =
  | "PutObject"
  | "GetObject"
  | "HeadObject"
  | "DeleteObject"
  | "CopyObject"
  | "CreateMultipartUpload"
  | "UploadPart"
  | "CompleteMultipartUpload"
  | "AbortMultipartUpload"
  | "ListMultipartUploads"
  | "ListParts"
  | "ListObjects"
  | "ListObjectVersions"
  | "ListBuckets"
  | "HeadBucket"
  | "CreateBucket"
  | "GetBucketLocation"
  | "GetBucketVersioning"
  | "GetObjectLockConfiguration"
  | "GetBucketLifecycle"
  | "GetBucketCors"
  | "GetObjectRetention"
  | "PutObjectRetention"
  | "GetObjectLegalHold"
  | "PutObjectLegalHold"
  | "GetObjectTagging";

export interface Call {
  readonly operation: Operation;
  readonly method: Method;
  /** The object's key; absent where the call is about the bucket. */
  readonly key?: string;
  /** Values are encoded by whoever signs; a value of "" is sent as "name=". */
  readonly query?: Readonly<Record<string, string>>;
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Bytes;
  /** Of the body, where the caller knows them; else they are computed. */
  readonly sha256?: Bytes;
  readonly md5?: Bytes;
  /** The longest answer that is taken, in bytes; a longer one is an error. */
  readonly answerBytesMax: number;
  /** Statuses that are an answer and no error, beside 200 to 299. */
  readonly accept?: readonly number[];
  /** How often it is sent at most; absent: for as long as the patience lasts. */
  readonly tries?: number;
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The body as it was stored, never decompressed; the caller's own. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Who sends calls: a `Bucket`, or a test's stand-in. */
export interface Caller {
  /** For people and messages; holds no secret. */
  readonly location: string;
  readonly hash: { md5(bytes: Bytes): Bytes };

  /**
   * Sends the call as often as it takes. Throws a `BunkerError` whose cause is an `S3Failure` for
   * an answer that is neither 2xx nor accepted by the call.
   */
  call(call: Call): Promise<Answer>;
}
