// Auth: checks version 4 signatures, from the raw request, with code of its own.
//
// docs/b2.md A1: version 4 alone, the region must be the endpoint's, the master key is refused,
// and what is wrong with key, region or signature is a 403. A6: the body is what was signed.

import { createHash, createHmac, timingSafeEqual } from "node:crypto";

import type { Body, Target } from "./exchange.ts";
import type { AppKey, KeyRing } from "./keys.ts";
import { S3Error, accessDenied, notImplemented } from "./refusal.ts";

const SKEW_MS_MAX = 15 * 60_000;
const PRESIGNED_SECONDS_MAX = 7 * 86_400;
const UNSIGNED = "UNSIGNED-PAYLOAD";

interface Claim {
  readonly keyId: string;
  readonly day: string;
  readonly region: string;
  readonly service: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  readonly time: string;
  /** Of an address that carries its signature. */
  readonly expiresSeconds: number | undefined;
}

export interface AuthRules {
  readonly keys: Pick<KeyRing, "find">;
  readonly region: string;
  readonly now: number;
}

/** Who signed this request; throws when nobody known did. */
export function authenticate(target: Target, { keys, region, now }: AuthRules): AppKey {
  const claim = target.query.has("X-Amz-Algorithm") ? claimOfQuery(target) : claimOfHeader(target);
  const key = findKey(keys, claim.keyId, now);
  if (claim.service !== "s3" || claim.region !== region) {
    throw mismatch(`Credential should be scoped to a valid region: ${region}, not ${claim.region}`);
  }
  checkTime(claim, now);
  checkSignedHeaders(target, claim);
  const expected = signatureOf(target, claim, key.secret);
  if (!sameText(expected, claim.signature)) throw mismatch("Signature validation failed");
  return key;
}

function findKey(keys: AuthRules["keys"], keyId: string, now: number): AppKey {
  const key = keys.find(keyId);
  if (key === undefined) throw invalidKey(`The key '${keyId}' is not valid`);
  if (key.master) throw invalidKey("Malformed Access Key Id");
  if (key.expires <= now) throw invalidKey(`The key '${keyId}' is not valid`);
  return key;
}

function invalidKey(message: string): S3Error {
  return new S3Error(403, "InvalidAccessKeyId", message);
}

function mismatch(message: string): S3Error {
  return new S3Error(403, "SignatureDoesNotMatch", message);
}

function badHeader(): S3Error {
  return new S3Error(400, "AuthorizationHeaderMalformed", "Authorization header is malformed");
}

function claimOfHeader({ headers }: Target): Claim {
  const text = headers.get("authorization");
  if (text === undefined) throw accessDenied("Unauthenticated requests are not allowed");
  const match =
    /^AWS4-HMAC-SHA256 +Credential=([^/, ]+)\/(\d{8})\/([^/, ]+)\/([^/, ]+)\/aws4_request, *SignedHeaders=([a-z0-9;-]+), *Signature=([0-9a-f]{64})$/.exec(
      text,
    );
  const time = headers.get("x-amz-date");
  if (match === null || time === undefined) throw badHeader();
  const [, keyId, day, region, service, signed, signature] = match as unknown as string[];
  return {
    keyId: keyId!,
    day: day!,
    region: region!,
    service: service!,
    signedHeaders: signed!.split(";"),
    signature: signature!,
    time,
    expiresSeconds: undefined,
  };
}

function claimOfQuery({ query }: Target): Claim {
  const scope = query.get("X-Amz-Credential")?.split("/") ?? [];
  const expiresSeconds = Number(query.get("X-Amz-Expires"));
  const known =
    query.get("X-Amz-Algorithm") === "AWS4-HMAC-SHA256" &&
    scope.length === 5 &&
    expiresSeconds >= 1 &&
    expiresSeconds <= PRESIGNED_SECONDS_MAX;
  if (!known) {
    throw new S3Error(400, "AuthorizationQueryParametersError", "Query parameters are malformed");
  }
  return {
    keyId: scope[0]!,
    day: scope[1]!,
    region: scope[2]!,
    service: scope[3]!,
    signedHeaders: (query.get("X-Amz-SignedHeaders") ?? "").split(";"),
    signature: query.get("X-Amz-Signature") ?? "",
    time: query.get("X-Amz-Date") ?? "",
    expiresSeconds,
  };
}

function checkTime({ time, day, expiresSeconds }: Claim, now: number): void {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(time)?.slice(1).map(Number);
  if (parts === undefined || time.slice(0, 8) !== day) throw badHeader();
  const [year, month, date, hour, minute, second] = parts;
  const signedAt = Date.UTC(year!, month! - 1, date, hour, minute, second);
  if (expiresSeconds !== undefined && now > signedAt + expiresSeconds * 1000) {
    throw accessDenied("Request has expired");
  }
  const tooOld = expiresSeconds === undefined && now - signedAt > SKEW_MS_MAX;
  if (tooOld || signedAt - now > SKEW_MS_MAX) {
    throw new S3Error(
      403,
      "RequestTimeTooSkewed",
      "The difference between the request time and the current time is too large",
    );
  }
}

// An x-amz- header that nobody signed could have been added on the way.
function checkSignedHeaders({ headers }: Target, { signedHeaders }: Claim): void {
  const missing = [...headers.keys()].filter(
    (name) => (name === "host" || name.startsWith("x-amz-")) && !signedHeaders.includes(name),
  );
  if (missing.length > 0) {
    throw accessDenied(`There were headers present in the request which were not signed`);
  }
}

function signatureOf(target: Target, claim: Claim, secret: string): string {
  const presigned = claim.expiresSeconds !== undefined;
  const payload = target.headers.get("x-amz-content-sha256") ?? (presigned ? UNSIGNED : "");
  const canonical = [
    target.method,
    canonicalPath(target.rawPath),
    canonicalQuery(target.rawQuery),
    ...claim.signedHeaders.map((name) => `${name}:${canonicalValue(target.headers.get(name))}`),
    "",
    claim.signedHeaders.join(";"),
    payload,
  ].join("\n");
  const scope = `${claim.day}/${claim.region}/s3/aws4_request`;
  const digest = createHash("sha256").update(canonical).digest("hex");
  const text = ["AWS4-HMAC-SHA256", claim.time, scope, digest].join("\n");
  return hmac(signingKey(secret, claim.day, claim.region), text).toString("hex");
}

function canonicalValue(value: string | undefined): string {
  return (value ?? "").trim().replace(/ +/g, " ");
}

// The path is taken as it came: decoded and encoded once, no dot segment resolved. A raw "+" is a
// plus, so that who signed it as a space has signed something else.
function canonicalPath(rawPath: string): string {
  return rawPath
    .split("/")
    .map((part) => encodeStrictly(decode(part)))
    .join("/");
}

function canonicalQuery(rawQuery: string): string {
  const pairs = rawQuery
    .split("&")
    .filter((pair) => pair !== "" && !pair.startsWith("X-Amz-Signature="))
    .map((pair) => {
      const [name = "", ...rest] = pair.split("=");
      return [name, rest.join("=")].map((text) => encodeStrictly(decodeQuery(text)));
    });
  const text = pairs.map(([name, value]) => `${name}=${value}`);
  return text.sort((a, b) => (beforeEquals(a) < beforeEquals(b) ? -1 : 1)).join("&");
}

// "=" is above "-" and ".", so whole pairs would sort otherwise than their names.
function beforeEquals(pair: string): string {
  return pair.replace("=", "\u0000");
}

/** Percent-decoded text; throws `InvalidURI` for what is not UTF-8. */
export function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new S3Error(400, "InvalidURI", "Couldn't parse the specified URI.");
  }
}

export function decodeQuery(text: string): string {
  return decode(text.replaceAll("+", " "));
}

/** RFC 3986: all but letters, digits, and "-._~". */
export function encodeStrictly(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

const KEYS_CACHED_MAX = 1000;
const signingKeys = new Map<string, Buffer>();

function signingKey(secret: string, day: string, region: string): Buffer {
  const name = `${secret} ${day} ${region}`;
  let key = signingKeys.get(name);
  if (key === undefined) {
    if (signingKeys.size >= KEYS_CACHED_MAX) signingKeys.clear();
    key = [day, region, "s3", "aws4_request"].reduce(hmac, Buffer.from(`AWS4${secret}`));
    signingKeys.set(name, key);
  }
  return key;
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

function sameText(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

/** Throws unless the headers can be compared with a body. docs/b2.md A6 */
export function checkDigestHeaders({ headers, query }: Target): void {
  const sha256 = headers.get("x-amz-content-sha256");
  if (sha256 === undefined && !query.has("X-Amz-Algorithm")) {
    throw new S3Error(400, "InvalidRequest", "Missing required header x-amz-content-sha256");
  }
  if (sha256?.startsWith("STREAMING-") === true) throw notImplemented();
  if (sha256 !== undefined && sha256 !== UNSIGNED && !/^[0-9a-f]{64}$/.test(sha256)) {
    throw new S3Error(400, "InvalidArgument", "x-amz-content-sha256 must be a valid sha256");
  }
  const md5 = headers.get("content-md5");
  if (md5 !== undefined && !/^[A-Za-z0-9+/]{22}==$/.test(md5)) {
    throw new S3Error(400, "InvalidDigest", "The Content-MD5 you specified was invalid.");
  }
}

/** Throws unless the body is the one that was signed and summed. docs/b2.md A6 */
export function checkDigests({ headers }: Target, body: Body): void {
  const md5 = headers.get("content-md5");
  if (md5 !== undefined && Buffer.from(md5, "base64").toString("hex") !== body.md5) {
    throw new S3Error(
      400,
      "BadDigest",
      "The Content-MD5 you specified did not match what we received.",
    );
  }
  const sha256 = headers.get("x-amz-content-sha256") ?? UNSIGNED;
  if (sha256 !== UNSIGNED && sha256 !== body.sha256) {
    throw new S3Error(
      400,
      "XAmzContentSHA256Mismatch",
      "The provided 'x-amz-content-sha256' header does not match what was computed.",
    );
  }
}
