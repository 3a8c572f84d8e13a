// ETag: what a service calls the content of an object; the MD5 of it, mostly.

import { type Bytes, hexOf } from "../base/bytes.ts";
import { BunkerError } from "../base/errors.ts";

/**
 * The ETag of a stored body, or part of one, that is its MD5. Where the service encrypts by a key
 * of its own the ETag says nothing about the bytes, and only the MD5 that was sent has checked them.
 */
export function checkedEtag(headers: Headers, md5: Bytes, what: string): string {
  const etag = etagOf(headers.get("etag") ?? "");
  if (etag === "") throw new BunkerError("unavailable", `${what}: the answer has no ETag`);
  const expected = hexOf(md5);
  const comparable = /^[0-9a-f]{32}$/i.test(etag) && etagTellsMd5(headers);
  if (!comparable || etag.toLowerCase() === expected) return etag;
  throw new BunkerError(
    "corrupt",
    `${what}: the service stored other bytes than were sent: expected MD5 ${expected}, found ${etag}`,
    { subject: what },
  );
}

export function etagTellsMd5(headers: Headers): boolean {
  const encryption = headers.get("x-amz-server-side-encryption") ?? "AES256";
  const byCaller = headers.has("x-amz-server-side-encryption-customer-algorithm");
  return encryption === "AES256" && !byCaller;
}

/** An ETag without its quotes, and without the mark of a proxy that packed the body. */
export function etagOf(text: string): string {
  return text.replace(/^W\//, "").replace(/^"(.*)"$/, "$1");
}
