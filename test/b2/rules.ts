// Rules: what a request may carry. B2 refuses what it does not know, where others ignore it.

import type { Target } from "./exchange.ts";
import { type AppKey, demand } from "./keys.ts";
import { OPERATIONS, type Operation } from "./operations.ts";
import { S3Error, invalidArgument, invalidRequest, notImplemented } from "./refusal.ts";
import type { BucketState } from "./state.ts";

export interface Limits {
  /** docs/b2.md A9 */
  putBytesMax: number;
  partBytesMin: number;
  partBytesMax: number;
  partCountMax: number;
  objectBytesMax: number;
  copyBytesMax: number;
  pageMax: number;
  keyBytesMax: number;
  /** Name and metadata together: docs/b2.md A4 */
  metadataBytesMax: number;
  lockedMetadataBytesMax: number;
  /** Of a body that is XML. */
  xmlBytesMax: number;
}

export function limitsOfB2(): Limits {
  return {
    putBytesMax: 5_000_000_000,
    partBytesMin: 5_000_000,
    partBytesMax: 5_000_000_000,
    partCountMax: 10_000,
    objectBytesMax: 10_000_000_000_000,
    copyBytesMax: 5_000_000_000,
    pageMax: 1000,
    keyBytesMax: 1024,
    metadataBytesMax: 7000,
    lockedMetadataBytesMax: 2048,
    xmlBytesMax: 2 * 1_048_576,
  };
}

/** Headers of HTTP and of common clients, that mean nothing to the call. */
const HARMLESS = new Set([
  "host",
  "connection",
  "keep-alive",
  "user-agent",
  "accept",
  "accept-encoding",
  "accept-language",
  "authorization",
  "cache-control",
  "content-length",
  "content-md5",
  "content-type",
  "date",
  "expect",
  "origin",
  "pragma",
  "priority",
  "referer",
  "te",
  "amz-sdk-invocation-id",
  "amz-sdk-request",
  "x-amz-content-sha256",
  "x-amz-date",
  "x-amz-expected-bucket-owner",
  "x-amz-user-agent",
]);
/** In an address that carries its signature; `x-id` is what some clients say of themselves. */
const HARMLESS_QUERY =
  /^(?:X-Amz-(?:Algorithm|Credential|Date|Expires|SignedHeaders|Signature)|x-id)$/;
const KEEPS_METADATA = new Set(["PutObject", "CopyObject", "CreateMultipartUpload"]);

/** Throws for headers that B2 does not take. docs/b2.md A2, A5, A6 */
export function checkHeaders(target: Target): void {
  const { operation, headers } = target;
  const row = OPERATIONS[operation];
  for (const name of headers.keys()) {
    const known =
      HARMLESS.has(name) ||
      row.headers?.includes(name) === true ||
      (name.startsWith("x-amz-meta-") && KEEPS_METADATA.has(operation));
    if (!known && name !== "transfer-encoding") {
      throw invalidArgument(`Unsupported header '${name}' received for this API call.`);
    }
  }
  checkConditions(target);
  const encryption = headers.get("x-amz-server-side-encryption");
  if (encryption !== undefined && encryption !== "AES256") {
    throw invalidArgument(`Unsupported value '${encryption}' for x-amz-server-side-encryption.`);
  }
}

// docs/b2.md A5: no write has a condition.
function checkConditions({ operation, headers }: Target): void {
  const writes = operation !== "GetObject" && operation !== "HeadObject";
  if (writes && (headers.has("if-none-match") || headers.has("if-match"))) throw notImplemented();
}

/** Throws for an ACL that is not the bucket's, or that this key may not name. docs/b2.md A2 */
export function checkAcl({ operation, headers }: Target, by: AppKey): void {
  const acl = headers.get("x-amz-acl");
  if (acl === undefined || operation === "CreateBucket") return;
  if (acl !== "private") throw invalidArgument(`Unsupported value for canned acl '${acl}'`);
  demand(by, "writeBuckets");
}

/** Throws for names in the query that the call does not have. */
export function checkQuery({ operation, query }: Target): void {
  const row = OPERATIONS[operation];
  for (const name of query.keys()) {
    const known =
      name === row.sub || row.query?.includes(name) === true || HARMLESS_QUERY.test(name);
    if (!known) throw invalidArgument(`Unsupported query parameter '${name}'.`);
  }
}

/** Throws for a body of unknown length, or a longer one than the call takes. docs/b2.md A6, A9 */
export function checkLength({ operation, headers }: Target, limits: Limits): void {
  const { body } = OPERATIONS[operation];
  const length = headers.get("content-length");
  if (headers.has("transfer-encoding") || (body === "content" && length === undefined)) {
    throw new S3Error(
      411,
      "MissingContentLength",
      "You must provide the Content-Length HTTP header.",
    );
  }
  const bytes = Number(length ?? 0);
  if (body === undefined && bytes > 0) throw invalidRequest("Unexpected body");
  if (bytes > bodyBytesMax(operation, limits)) throw tooLarge();
}

function bodyBytesMax(operation: Operation, limits: Limits): number {
  if (operation === "PutObject") return limits.putBytesMax;
  return operation === "UploadPart" ? limits.partBytesMax : limits.xmlBytesMax;
}

export function tooLarge(): S3Error {
  return new S3Error(
    400,
    "EntityTooLarge",
    "Your proposed upload exceeds the maximum allowed object size.",
  );
}

/** Calls whose XML body must come with its sum, whatever the bucket. docs/b2.md A4 */
const MD5_ALWAYS = new Set([
  "DeleteObjects",
  "PutObjectRetention",
  "PutObjectLegalHold",
  "PutObjectLockConfiguration",
  "PutBucketLifecycle",
]);

/** Throws where Content-MD5 is missing and demanded. docs/b2.md A4 */
export function checkMd5({ operation, headers }: Target, bucket: BucketState | undefined): void {
  if (headers.has("content-md5")) return;
  if (MD5_ALWAYS.has(operation)) {
    throw invalidRequest("Missing required header for this request: Content-MD5");
  }
  const locks =
    bucket?.defaultRetention !== undefined ||
    [...headers.keys()].some((name) => name.startsWith("x-amz-object-lock-"));
  if (locks && (operation === "PutObject" || operation === "UploadPart")) {
    throw invalidRequest(
      "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters",
    );
  }
}

/** Throws for names that B2 does not take. docs/b2.md A9 */
export function checkName(key: string, limits: Limits): void {
  if (Buffer.byteLength(key) > limits.keyBytesMax) {
    throw new S3Error(400, "KeyTooLongError", "Your key is too long");
  }
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(key)) {
    throw invalidArgument("File names must not contain control characters");
  }
}

/** Throws where name and metadata are more than fits. docs/b2.md A4 */
export function checkMetadata(target: Target, bucket: BucketState, limits: Limits): void {
  const bytesMax = bucket.lockEnabled ? limits.lockedMetadataBytesMax : limits.metadataBytesMax;
  const metadata = Object.entries(storedHeaders(target)).map(([name, value]) => name + value);
  const bytes = Buffer.byteLength((target.key ?? "") + metadata.join(""));
  if (bytes > bytesMax) {
    throw new S3Error(
      400,
      "MetadataTooLarge",
      "Your metadata headers exceed the maximum allowed metadata size",
    );
  }
}

/** The headers that are kept with an object and come back with it. */
export function storedHeaders({ headers }: Target): Record<string, string> {
  const kept =
    /^(?:content-type|cache-control|content-disposition|content-encoding|content-language|expires|x-amz-meta-.+)$/;
  return Object.fromEntries([...headers].filter(([name]) => kept.test(name)));
}
