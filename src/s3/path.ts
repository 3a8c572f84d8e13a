// Path: how a bucket, a key and a query stand in a URL, byte for byte as they are signed.
//
// Everything but RFC 3986's unreserved characters is percent-encoded, in the path's segments too.
// A URL resolves the segments "." and ".." however they are written, so that a key that has them
// would name another object: such keys are refused before anything is sent.

import { BunkerError } from "../base/errors.ts";

const KEY_BYTES_MAX = 1024;
const BUCKET_NAME = /^[A-Za-z0-9][A-Za-z0-9.-]{1,61}[A-Za-z0-9]$/;
/** Only its path is of interest. */
const SOME_ORIGIN = "https://bucket.invalid";

/** Throws `invalid-argument` for a name that no bucket can have. */
export function checkBucketName(name: string): void {
  if (BUCKET_NAME.test(name) && !name.includes("..")) return;
  throw new BunkerError(
    "invalid-argument",
    `expected the name of a bucket (3 to 63 letters, digits, hyphens and dots), found "${name}"`,
    { subject: name },
  );
}

/** The encoded path of a bucket or of one of its objects. Throws `invalid-argument`. */
export function pathOf(bucket: string, key?: string): string {
  if (key === undefined) return `/${bucket}`;
  const encoded = encodeKey(key);
  const path = `/${bucket}/${encoded}`;
  // The dots are the known case; a URL that changes anything else is refused as well.
  if (new URL(SOME_ORIGIN + path).pathname !== path) {
    throw unusable(key, 'a part of it is "." or "..", which a URL cannot carry');
  }
  return path;
}

/** The encoded query in the order of signing; "" where there is none. */
export function queryOf(query: Readonly<Record<string, string>> = {}): string {
  return Object.entries(query)
    .map(([name, value]) => `${encodeText(name)}=${encodeText(value)}`)
    .sort()
    .join("&");
}

function encodeKey(key: string): string {
  if (key === "") throw unusable(key, "it is empty");
  if (!key.isWellFormed()) throw unusable(key, "it is not Unicode text");
  const encoded = key.split("/").map(encodeText).join("/");
  const byteCount = encoded.replaceAll(/%[0-9A-F]{2}/g, "-").length;
  if (byteCount > KEY_BYTES_MAX) {
    throw unusable(key, `it has ${byteCount} bytes, more than ${KEY_BYTES_MAX}`);
  }
  return encoded;
}

function encodeText(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function unusable(key: string, why: string): BunkerError {
  return new BunkerError("invalid-argument", `the object "${key}" cannot be reached: ${why}`, {
    subject: key,
  });
}
