// Verdict rows: the table of what failures mean, from B2's documents and from what it was seen to
// answer, and from those of other S3 services.
//
// The order counts: a word of the message may decide before the code does, the code before the
// status. An answer that is not the service's own (`foreign`: a proxy's page) never means that an
// object is missing.

import type { ErrorCode } from "../base/errors.ts";
import { CLOCK_HINT, clocksText } from "./clock.ts";
import { NETWORK_CODES, type S3Failure } from "./failure.ts";

/** "few": three attempts in all; "always": for as long as the patience lasts. */
export type Retry = "never" | "few" | "always";

export interface Row {
  /** All that are given must fit. */
  readonly statuses?: readonly number[];
  readonly codes?: readonly string[];
  /** Stand in "STATUS CODE MESSAGE". */
  readonly words?: RegExp;
  readonly foreign?: boolean;

  readonly code: ErrorCode;
  /** Absent: never. */
  readonly retry?: Retry;
  readonly slowDown?: boolean;
  readonly freshConnection?: boolean;
  readonly says: string | ((failure: S3Failure) => string);
  readonly hint?: string | ((failure: S3Failure) => string);
}

const REPORT = "this is a fault of bunker or a gap of the service, please report it";
const CHECK_ENDPOINT = "check the endpoint and this machine's connection";
const CHECK_PROXY = "check the endpoint and the proxy";
const REGION_HINT = ({ region }: S3Failure): string =>
  region === undefined || region === ""
    ? "the endpoint and the region must be those of the bucket"
    : `the bucket is in the region ${region}: set the endpoint and the region to it`;

const BROKEN = { code: "unavailable", retry: "always", freshConnection: true } as const;
const BROKEN_FEW = { ...BROKEN, retry: "few" } as const;
const LATE = { ...BROKEN, code: "timeout" } as const;
const SLOW = {
  code: "unavailable",
  retry: "always",
  slowDown: true,
  freshConnection: true, // Perhaps of a machine that has less to do.
  says: "the service asks to slow down",
} as const;

/** No answer came. Words stand in the system's codes. */
export const NETWORK_ROWS: readonly Row[] = [
  {
    words: /CERT|SELF_SIGNED|UNABLE_TO_(?:GET|VERIFY|DECRYPT)|HOSTNAME_MISMATCH|INVALID_CA/,
    code: "denied",
    says: "the service's certificate is not trusted",
    hint: "check the endpoint and this machine's clock, or name the certificate of its authority",
  },
  {
    words: /Redirect/,
    code: "denied",
    says: "the service sends elsewhere, which is not followed",
    hint: REGION_HINT,
  },
  { codes: [NETWORK_CODES.timeout, "ETIMEDOUT"], ...LATE, says: "the service does not answer" },
  { codes: [NETWORK_CODES.truncated], ...BROKEN, says: "the answer was cut off" },
  {
    words: /ENOTFOUND|EAI_|DNS/,
    ...BROKEN,
    says: "the service's name is not known here",
    hint: CHECK_ENDPOINT,
  },
  {
    words: /ECONNREFUSED|ConnectionRefused|EHOSTUNREACH|ENETUNREACH|ENETDOWN/,
    ...BROKEN,
    says: "the service cannot be reached",
    hint: CHECK_ENDPOINT,
  },
  {
    words: /Malformed|Invalid|SSL|TLS|ERR_HTTP/,
    ...BROKEN_FEW,
    says: "what answers speaks no HTTP or no TLS",
    hint: CHECK_PROXY,
  },
  { ...BROKEN, says: "the connection broke" },
];

const CAPS: readonly Row[] = [
  {
    // B2's daily caps; they come as "access denied".
    statuses: [401, 403],
    words: /cap[ _](?:has been )?(?:exceeded|reached)/i,
    code: "full",
    says: (failure) => `the account's ${capOf(failure)} is reached; it resets at 00:00 GMT`,
    hint: "run again after 00:00 GMT, or raise the cap in the account's settings",
  },
  {
    codes: ["QuotaExceeded", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded"],
    code: "full",
    says: "the bucket or the account is full",
  },
  { statuses: [507], code: "full", says: "the service has no room" },
];

const DENIALS: readonly Row[] = [
  {
    statuses: [401, 403],
    words: /account[ _]trouble/i,
    code: "denied",
    says: "the account is in trouble",
    hint: "log in to the service's site: unpaid bills end the service, and later the locks",
  },
  {
    codes: ["RequestTimeTooSkewed", "RequestInTheFuture", "RequestExpired"],
    code: "denied",
    says: ({ serverMs, localMs }) =>
      serverMs === undefined || localMs === undefined
        ? "this machine's clock is too far from the service's"
        : clocksText(serverMs, localMs),
    hint: CLOCK_HINT,
  },
  {
    codes: ["SignatureDoesNotMatch"],
    code: "denied",
    says: "the signature is not accepted",
    hint: "the secret does not belong to the key id, or the region is not the endpoint's",
  },
  {
    codes: ["InvalidAccessKeyId", "InvalidClientTokenId"],
    code: "denied",
    says: "the key id is not known",
    hint: "use an application key of this account and region; B2's master key does not work here",
  },
  {
    codes: ["InvalidToken", "ExpiredToken"],
    code: "denied",
    says: "the session token is not accepted",
    hint: "get new credentials",
  },
  {
    codes: ["AuthorizationHeaderMalformed", "PermanentRedirect", "TemporaryRedirect"],
    code: "denied",
    says: "the region is not the bucket's",
    hint: REGION_HINT,
  },
  {
    codes: ["IllegalLocationConstraintException", "InvalidRegion", "InvalidLocationConstraint"],
    code: "denied",
    says: "the region is not the bucket's",
    hint: REGION_HINT,
  },
  {
    codes: ["InvalidObjectState"],
    code: "denied",
    says: "the object is in an archive class and cannot be read",
    hint: "have the service bring it back first",
  },
];

const ABSENCES: readonly Row[] = [
  {
    statuses: [404],
    foreign: true,
    ...BROKEN_FEW,
    says: "something other than an S3 service answers",
    hint: CHECK_PROXY,
  },
  {
    codes: ["NoSuchBucket"],
    code: "no-store",
    says: "there is no such bucket",
    hint: "check the bucket's name and the endpoint; a bucket lives in one region",
  },
  { statuses: [404], code: "not-found", says: "there is no such object or setting" },
  {
    statuses: [405],
    code: "not-found",
    says: "a mark that hides an object has no content",
  },
  { statuses: [304, 412], code: "not-found", says: "the object is not the one expected" },
  { statuses: [416], code: "invalid-argument", says: "the range lies outside the object" },
];

const PASSING: readonly Row[] = [
  { codes: ["SlowDown", "TooManyRequests", "Throttling", "ThrottlingException"], ...SLOW },
  { codes: ["RequestLimitExceeded", "BandwidthLimitExceeded"], ...SLOW },
  { statuses: [429, 509], ...SLOW },
  {
    // B2: "no tomes available", "c001_v… is too busy": another connection meets another vault.
    statuses: [503],
    ...BROKEN,
    slowDown: true,
    says: "the service is too busy",
  },
  {
    codes: ["RequestTimeout", "RequestTimeOut"],
    ...LATE,
    says: "the service waited too long for the request",
  },
  { statuses: [408], ...LATE, says: "the service waited too long for the request" },
  {
    codes: ["BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch"],
    ...BROKEN_FEW,
    code: "corrupt",
    says: "the bytes that arrived are not those that were sent",
    hint: "this machine's memory or its connection changes bytes",
  },
  { codes: ["IncompleteBody"], ...BROKEN, says: "the body did not arrive whole" },
  {
    // B2, in the middle of a good upload.
    words: /request body was too small/i,
    ...BROKEN_FEW,
    says: "the body did not arrive whole",
  },
  {
    codes: ["OperationAborted", "ConditionalRequestConflict"],
    ...BROKEN_FEW,
    says: "another request for the same thing is under way",
  },
];

const REFUSALS: readonly Row[] = [
  {
    statuses: [501],
    code: "io",
    says: "the service does not know how to do this",
    hint: REPORT,
  },
  {
    words: /unsupported header/i,
    code: "io",
    says: "the service does not know a header that was sent",
    hint: REPORT,
  },
  {
    codes: ["BucketAlreadyExists", "BucketAlreadyOwnedByYou"],
    code: "exists",
    says: "the bucket exists already",
  },
  { statuses: [407], code: "denied", says: "the proxy asks for a password", hint: CHECK_PROXY },
  {
    statuses: [401, 403],
    foreign: true,
    code: "denied",
    says: "something other than an S3 service refuses",
    hint: CHECK_PROXY,
  },
  {
    statuses: [401, 403],
    code: "denied",
    says: "the service refuses",
    hint: "the key may not do this, or is for another bucket or prefix, or a lock holds",
  },
  {
    codes: ["KeyTooLongError", "InvalidBucketName", "InvalidArgument", "EntityTooLarge"],
    code: "invalid-argument",
    says: "the service does not accept this",
  },
  {
    statuses: [300, 301, 302, 303, 307, 308],
    code: "denied",
    says: "the service sends elsewhere, which is not followed",
    hint: REGION_HINT,
  },
  { words: /^5\d\d/, ...BROKEN, says: "the service failed" },
  {
    foreign: true,
    ...BROKEN_FEW,
    says: "something other than an S3 service answers",
    hint: CHECK_PROXY,
  },
  { code: "io", says: "the service does not accept the request", hint: REPORT },
];

/** An answer came, whose status is not 0. */
export const ANSWERED_ROWS: readonly Row[] = [
  ...CAPS,
  ...DENIALS,
  ...ABSENCES,
  ...PASSING,
  ...REFUSALS,
];

/** Which of B2's caps; one message may name two. */
function capOf({ code, message }: S3Failure): string {
  const text = `${code} ${message}`.toLowerCase();
  const named = ["storage", "download", "transaction"].filter((name) => text.includes(name));
  return `${named.join(" or ")} cap`.trimStart();
}
