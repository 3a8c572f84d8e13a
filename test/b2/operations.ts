// Operations: the calls that B2 has, what tells them apart (classify.ts does), and what each demands.
//
// docs/b2.md A2 (which there are), A7 (capabilities), A11 (classes).

import type { Capability } from "./keys.ts";

export type Level = "service" | "bucket" | "object";
export type OperationClass = "A" | "B" | "C";

export interface OperationRow {
  readonly method: string;
  readonly level: Level;
  /** The query's name that tells it from others of its method and level. */
  readonly sub?: string;
  /** Told apart by the header `x-amz-copy-source`. */
  readonly copy?: true;
  readonly class: OperationClass;
  readonly needs: readonly Capability[];
  /** More names that its query may have. */
  readonly query?: readonly string[];
  /** More headers that it may have; those in `rules.ts` go with all. */
  readonly headers?: readonly string[];
  /** Without one, a body is an error. */
  readonly body?: "content" | "xml";
}

const LOCKS = [
  "x-amz-object-lock-mode",
  "x-amz-object-lock-retain-until-date",
  "x-amz-object-lock-legal-hold",
];
const STORED = [
  "cache-control",
  "content-disposition",
  "content-encoding",
  "content-language",
  "expires",
  "x-amz-server-side-encryption",
  "x-amz-acl",
  ...LOCKS,
];
const CONDITIONS = ["if-match", "if-none-match", "if-modified-since", "if-unmodified-since"];
const COPY = [
  "x-amz-copy-source",
  "x-amz-copy-source-if-match",
  "x-amz-copy-source-if-none-match",
  "x-amz-copy-source-if-modified-since",
  "x-amz-copy-source-if-unmodified-since",
];
const OVERRIDES = [
  "response-cache-control",
  "response-content-disposition",
  "response-content-encoding",
  "response-content-language",
  "response-content-type",
  "response-expires",
];
const BYPASS = ["x-amz-bypass-governance-retention"];
const PAGE = ["prefix", "delimiter", "encoding-type"];

const rows = {
  ListBuckets: { method: "GET", level: "service", class: "C", needs: [] },

  HeadBucket: { method: "HEAD", level: "bucket", class: "C", needs: ["listBuckets"] },
  CreateBucket: {
    method: "PUT",
    level: "bucket",
    class: "C",
    needs: ["writeBuckets"],
    headers: ["x-amz-bucket-object-lock-enabled", "x-amz-acl"],
    body: "xml",
  },
  DeleteBucket: { method: "DELETE", level: "bucket", class: "A", needs: ["deleteBuckets"] },
  GetBucketLocation: bucketRead("location"),
  GetBucketVersioning: bucketRead("versioning"),
  GetBucketAcl: bucketRead("acl"),
  GetBucketCors: bucketRead("cors"),
  GetBucketEncryption: bucketRead("encryption", "readBucketEncryption"),
  GetBucketLifecycle: bucketRead("lifecycle"),
  GetObjectLockConfiguration: { ...bucketRead("object-lock", "readBucketRetentions"), class: "B" },
  PutBucketLifecycle: bucketWrite("lifecycle", "writeBuckets", ["x-amz-sdk-checksum-algorithm"]),
  DeleteBucketLifecycle: {
    method: "DELETE",
    level: "bucket",
    sub: "lifecycle",
    class: "A",
    needs: ["writeBuckets"],
  },
  PutObjectLockConfiguration: bucketWrite("object-lock", "writeBucketRetentions", [
    "x-amz-bucket-object-lock-token",
  ]),

  ListObjects: {
    method: "GET",
    level: "bucket",
    class: "C",
    needs: ["listFiles"],
    query: [
      ...PAGE,
      "list-type",
      "max-keys",
      "marker",
      "start-after",
      "continuation-token",
      "fetch-owner",
    ],
  },
  ListObjectVersions: {
    method: "GET",
    level: "bucket",
    sub: "versions",
    class: "C",
    needs: ["listFiles"],
    query: [...PAGE, "max-keys", "key-marker", "version-id-marker"],
  },
  ListMultipartUploads: {
    method: "GET",
    level: "bucket",
    sub: "uploads",
    class: "C",
    needs: ["listFiles"],
    query: [...PAGE, "max-uploads", "key-marker", "upload-id-marker"],
  },
  // What each entry needs is looked at one by one.
  DeleteObjects: {
    method: "POST",
    level: "bucket",
    sub: "delete",
    class: "A",
    needs: [],
    headers: BYPASS,
    body: "xml",
  },

  PutObject: {
    method: "PUT",
    level: "object",
    class: "A",
    needs: ["writeFiles"],
    headers: [...STORED, "if-match", "if-none-match"],
    body: "content",
  },
  CopyObject: {
    method: "PUT",
    level: "object",
    copy: true,
    class: "C",
    needs: ["writeFiles", "readFiles"],
    headers: [...STORED, ...COPY, "x-amz-metadata-directive"],
  },
  GetObject: objectRead("GET"),
  HeadObject: objectRead("HEAD"),
  // With a version id it deletes, without one it hides: looked at where it is done.
  DeleteObject: {
    method: "DELETE",
    level: "object",
    class: "A",
    needs: [],
    query: ["versionId"],
    headers: BYPASS,
  },
  GetObjectAcl: lockRead("acl", "readFiles"),
  GetObjectRetention: lockRead("retention", "readFileRetentions"),
  GetObjectLegalHold: lockRead("legal-hold", "readFileLegalHolds"),
  PutObjectRetention: lockWrite("retention", "writeFileRetentions"),
  PutObjectLegalHold: lockWrite("legal-hold", "writeFileLegalHolds"),

  CreateMultipartUpload: {
    method: "POST",
    level: "object",
    sub: "uploads",
    class: "A",
    needs: ["writeFiles"],
    headers: STORED,
  },
  UploadPart: {
    method: "PUT",
    level: "object",
    sub: "uploadId",
    class: "A",
    needs: ["writeFiles"],
    query: ["partNumber"],
    body: "content",
  },
  UploadPartCopy: {
    method: "PUT",
    level: "object",
    sub: "uploadId",
    copy: true,
    class: "C",
    needs: ["writeFiles", "readFiles"],
    query: ["partNumber"],
    headers: [...COPY, "x-amz-copy-source-range"],
  },
  CompleteMultipartUpload: {
    method: "POST",
    level: "object",
    sub: "uploadId",
    class: "A",
    needs: ["writeFiles"],
    headers: ["if-match", "if-none-match"],
    body: "xml",
  },
  AbortMultipartUpload: {
    method: "DELETE",
    level: "object",
    sub: "uploadId",
    class: "A",
    needs: ["writeFiles"],
  },
  ListParts: {
    method: "GET",
    level: "object",
    sub: "uploadId",
    class: "C",
    needs: ["listFiles"],
    query: ["max-parts", "part-number-marker", "encoding-type"],
  },
} as const satisfies Record<string, OperationRow>;

export type Operation = keyof typeof rows;

export const OPERATIONS: Readonly<Record<Operation, OperationRow>> = rows;

function bucketRead(sub: string, need: Capability = "readBuckets"): OperationRow {
  return { method: "GET", level: "bucket", sub, class: "C", needs: [need] };
}

function bucketWrite(sub: string, need: Capability, headers: readonly string[]): OperationRow {
  return { method: "PUT", level: "bucket", sub, class: "A", needs: [need], headers, body: "xml" };
}

function objectRead(method: "GET" | "HEAD"): OperationRow {
  return {
    method,
    level: "object",
    class: "B",
    needs: ["readFiles"],
    query: ["versionId", ...OVERRIDES],
    headers: ["range", ...CONDITIONS],
  };
}

function lockRead(sub: string, need: Capability): OperationRow {
  return {
    method: "GET",
    level: "object",
    sub,
    class: "B",
    needs: [need],
    query: ["versionId"],
  };
}

function lockWrite(sub: string, need: Capability): OperationRow {
  return {
    method: "PUT",
    level: "object",
    sub,
    class: "A",
    needs: [need],
    query: ["versionId"],
    headers: BYPASS,
    body: "xml",
  };
}
