// Verdicts: every row of the table has its examples, and decides each of them.

import { expect, test } from "bun:test";
import type { ErrorCode } from "../../src/base/errors.ts";
import { S3Failure } from "../../src/s3/failure.ts";
import { judge } from "../../src/s3/verdict.ts";
import { ANSWERED_ROWS, NETWORK_ROWS, type Retry, type Row } from "../../src/s3/verdict-rows.ts";

interface Example {
  readonly status: number;
  readonly code?: string;
  readonly message?: string;
  readonly foreign?: boolean;
  readonly region?: string;
  readonly is: ErrorCode;
  readonly retry: Retry;
  /** "s": fewer at once; "f": a fresh connection. */
  readonly marks?: "" | "s" | "f" | "sf";
  readonly says: string;
  readonly hints?: string;
}

const network = (code: string, is: ErrorCode, retry: Retry, says: string): Example => ({
  status: 0,
  code,
  is,
  retry,
  says,
});
const denied = { is: "denied", retry: "never" } as const;
const full = { is: "full", retry: "never" } as const;
const busy = { is: "unavailable", retry: "always" } as const;

const EXAMPLES: readonly Example[] = [
  network("DEPTH_ZERO_SELF_SIGNED_CERT", "denied", "never", "certificate is not trusted"),
  network("CERT_HAS_EXPIRED", "denied", "never", "certificate is not trusted"),
  network("ERR_TLS_CERT_ALTNAME_INVALID", "denied", "never", "certificate is not trusted"),
  network("UNABLE_TO_VERIFY_LEAF_SIGNATURE", "denied", "never", "certificate is not trusted"),
  network("UnexpectedRedirect", "denied", "never", "sends elsewhere"),
  { ...network("Timeout", "timeout", "always", "does not answer"), marks: "f" },
  { ...network("ETIMEDOUT", "timeout", "always", "does not answer"), marks: "f" },
  { ...network("Truncated", "unavailable", "always", "cut off"), marks: "f" },
  { ...network("ENOTFOUND", "unavailable", "always", "name is not known"), marks: "f" },
  { ...network("EAI_AGAIN", "unavailable", "always", "name is not known"), marks: "f" },
  { ...network("ECONNREFUSED", "unavailable", "always", "cannot be reached"), marks: "f" },
  { ...network("ENETUNREACH", "unavailable", "always", "cannot be reached"), marks: "f" },
  { ...network("Malformed_HTTP_Response", "unavailable", "few", "no HTTP"), marks: "f" },
  { ...network("InvalidContentLength", "unavailable", "few", "no HTTP"), marks: "f" },
  { ...network("ERR_SSL_WRONG_VERSION_NUMBER", "unavailable", "few", "no TLS"), marks: "f" },
  { ...network("ECONNRESET", "unavailable", "always", "connection broke"), marks: "f" },
  { ...network("EPIPE", "unavailable", "always", "connection broke"), marks: "f" },
  { ...network("", "unavailable", "always", "connection broke"), marks: "f" },

  {
    status: 403,
    code: "AccessDenied",
    message: "Cannot upload files, storage cap exceeded. See the Caps & Alerts page",
    ...full,
    says: "the account's storage cap is reached; it resets at 00:00 GMT",
  },
  {
    status: 403,
    code: "AccessDenied",
    message: "Cannot download file, download bandwidth or transaction (Class B) cap exceeded.",
    ...full,
    says: "the account's download or transaction cap is reached; it resets at 00:00 GMT",
  },
  {
    status: 403,
    code: "AccessDenied",
    message: "Transaction cap exceeded",
    ...full,
    says: "transaction cap is reached; it resets at 00:00 GMT",
    hints: "00:00 GMT",
  },
  { status: 403, code: "storage_cap_exceeded", ...full, says: "storage cap is reached" },
  { status: 403, code: "AccessDenied", message: "cap exceeded", ...full, says: "account's cap is" },
  { status: 400, code: "QuotaExceeded", ...full, says: "bucket or the account is full" },
  { status: 507, code: "XMinioStorageFull", ...full, says: "bucket or the account is full" },
  { status: 507, ...full, says: "no room" },

  { status: 403, code: "AccessDenied", message: "account_trouble", ...denied, says: "in trouble" },
  {
    status: 401,
    code: "Unauthorized",
    message: "Account trouble. Please log in",
    ...denied,
    says: "in trouble",
    hints: "unpaid",
  },
  {
    status: 403,
    code: "RequestTimeTooSkewed",
    ...denied,
    says: "this machine's clock says 1970-01-01T00:20:00Z, the service's says 1970-01-01T00:00:00Z",
    hints: "clock",
  },
  { status: 403, code: "RequestExpired", ...denied, says: "clock" },
  { status: 403, code: "SignatureDoesNotMatch", ...denied, says: "signature", hints: "secret" },
  { status: 403, code: "InvalidAccessKeyId", ...denied, says: "key id", hints: "master key" },
  { status: 400, code: "ExpiredToken", ...denied, says: "session token" },
  {
    status: 400,
    code: "AuthorizationHeaderMalformed",
    region: "eu-x",
    ...denied,
    says: "region is not the bucket's",
    hints: "the region eu-x",
  },
  { status: 301, code: "PermanentRedirect", ...denied, says: "region", hints: "endpoint" },
  { status: 400, code: "IllegalLocationConstraintException", ...denied, says: "region" },
  { status: 403, code: "InvalidObjectState", ...denied, says: "archive" },

  {
    status: 404,
    foreign: true,
    message: "Not Found",
    is: "unavailable",
    retry: "few",
    marks: "f",
    says: "something other than an S3 service answers",
  },
  { status: 404, code: "NoSuchBucket", is: "no-store", retry: "never", says: "no such bucket" },
  { status: 404, code: "NoSuchKey", is: "not-found", retry: "never", says: "no such object" },
  { status: 404, code: "NoSuchUpload", is: "not-found", retry: "never", says: "no such object" },
  { status: 404, is: "not-found", retry: "never", says: "no such object" },
  { status: 405, code: "MethodNotAllowed", is: "not-found", retry: "never", says: "hides" },
  { status: 412, code: "PreconditionFailed", is: "not-found", retry: "never", says: "expected" },
  { status: 416, code: "InvalidRange", is: "invalid-argument", retry: "never", says: "range" },

  { status: 503, code: "SlowDown", ...busy, marks: "sf", says: "slow down" },
  { status: 429, code: "TooManyRequests", ...busy, marks: "sf", says: "slow down" },
  { status: 400, code: "RequestLimitExceeded", ...busy, marks: "sf", says: "slow down" },
  { status: 429, foreign: true, ...busy, marks: "sf", says: "slow down" },
  {
    status: 503,
    code: "ServiceUnavailable",
    message: "no tomes available",
    ...busy,
    marks: "sf",
    says: "too busy (503 ServiceUnavailable: no tomes available)",
  },
  { status: 503, foreign: true, message: "Busy", ...busy, marks: "sf", says: "too busy" },
  { status: 400, code: "RequestTimeout", is: "timeout", retry: "always", marks: "f", says: "wait" },
  { status: 408, is: "timeout", retry: "always", marks: "f", says: "waited too long" },
  { status: 400, code: "BadDigest", is: "corrupt", retry: "few", marks: "f", says: "bytes" },
  {
    status: 400,
    code: "XAmzContentSHA256Mismatch",
    is: "corrupt",
    retry: "few",
    marks: "f",
    says: "bytes",
  },
  { status: 400, code: "IncompleteBody", ...busy, marks: "f", says: "not arrive whole" },
  {
    status: 400,
    code: "InvalidRequest",
    message: "The request body was too small",
    is: "unavailable",
    retry: "few",
    marks: "f",
    says: "not arrive whole",
  },
  {
    status: 409,
    code: "OperationAborted",
    is: "unavailable",
    retry: "few",
    marks: "f",
    says: "another request",
  },

  { status: 501, code: "NotImplemented", is: "io", retry: "never", says: "how", hints: "report" },
  {
    status: 400,
    code: "InvalidArgument",
    message: "Unsupported header 'x-amz-acl' received for this API call.",
    is: "io",
    retry: "never",
    says: "header",
    hints: "report",
  },
  { status: 409, code: "BucketAlreadyExists", is: "exists", retry: "never", says: "exists" },
  { status: 407, foreign: true, ...denied, says: "proxy" },
  { status: 403, foreign: true, ...denied, says: "other than an S3 service refuses" },
  { status: 403, code: "AccessDenied", ...denied, says: "the service refuses", hints: "lock" },
  { status: 403, ...denied, says: "the service refuses (403)" },
  { status: 401, code: "Unauthorized", ...denied, says: "the service refuses" },
  {
    status: 400,
    code: "InvalidArgument",
    is: "invalid-argument",
    retry: "never",
    says: "not accept this",
  },
  { status: 307, ...denied, says: "sends elsewhere" },
  {
    status: 500,
    code: "InternalError",
    message: "Please retry your upload",
    ...busy,
    marks: "f",
    says: "the service failed (500 InternalError: Please retry your upload)",
  },
  { status: 502, foreign: true, ...busy, marks: "f", says: "the service failed" },
  { status: 504, foreign: true, ...busy, marks: "f", says: "the service failed" },
  {
    status: 400,
    foreign: true,
    is: "unavailable",
    retry: "few",
    marks: "f",
    says: "other than an S3 service",
  },
  { status: 400, code: "MalformedXML", is: "io", retry: "never", says: "not accept the request" },
];

function failureFrom({ status, code = "", message, foreign, region }: Example): S3Failure {
  const clocks = { serverMs: 0, localMs: 1_200_000 };
  return new S3Failure({ status, code, message: message ?? code, foreign, region, ...clocks });
}

test.each(EXAMPLES.map((example) => [nameOf(example), example] as const))("%s", (_, example) => {
  const { code, retry, slowDown, freshConnection, message, hint } = judge(failureFrom(example));
  expect(message).toContain(example.says);
  expect({ code, retry, marks: `${slowDown ? "s" : ""}${freshConnection ? "f" : ""}` }).toEqual({
    code: example.is,
    retry: example.retry,
    marks: example.marks ?? "",
  });
  if (example.hints !== undefined) expect(hint).toContain(example.hints);
});

function nameOf({ status, code = "", message = "", foreign }: Example): string {
  return `${status} ${code} ${message}${foreign === true ? " (foreign)" : ""}`;
}

// "says" is unique enough to know a row by, together with what it does.
test("each row decides an example", () => {
  const decided = new Set<string>();
  for (const example of EXAMPLES) {
    const failure = failureFrom(example);
    decided.add(signOf(judge(failure)));
  }
  const left = [...NETWORK_ROWS, ...ANSWERED_ROWS].filter(
    (row) => typeof row.says === "string" && !decided.has(signOf(row)),
  );
  expect(left).toEqual([]);
});

function signOf(thing: Row | ReturnType<typeof judge>): string {
  const says = "says" in thing ? String(thing.says) : thing.message.replace(/ \([^)]*\)$/, "");
  return `${thing.code} ${thing.retry ?? "never"} ${says}`;
}

test("a code from the network says nothing twice", () => {
  const failure = new S3Failure({ status: 0, code: "EPIPE", message: "EPIPE" });
  expect(judge(failure).message).toBe("the connection broke (EPIPE)");
});
