// New object: what an object is given beside its bytes, as the headers that say so.

import { BunkerError } from "../base/errors.ts";
import { lockHeaders, type ObjectLock } from "./lock.ts";

/** What a new object is given beside its bytes. */
export interface NewObject {
  readonly contentType?: string;
  /** Names without "x-amz-meta-". Printable ASCII only, which is what a header can carry. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Others, names in lower case, such as "cache-control". */
  readonly headers?: Readonly<Record<string, string>>;
  readonly lock?: ObjectLock;
  readonly signal?: AbortSignal;
}

/** The headers of a PutObject or CreateMultipartUpload. Throws `invalid-argument`. */
export function newObjectHeaders(options: NewObject): Record<string, string> {
  const metadata = Object.entries(options.metadata ?? {}).map(
    ([name, value]) => [`x-amz-meta-${name.toLowerCase()}`, value] as const,
  );
  const headers = {
    ...options.headers,
    ...(options.contentType === undefined ? {} : { "content-type": options.contentType }),
    ...Object.fromEntries(metadata),
    ...lockHeaders(options.lock),
  };
  for (const [name, value] of Object.entries(headers)) checkHeader(name, value);
  return headers;
}

// What fetch would trim or refuse would be signed otherwise than it is sent.
function checkHeader(name: string, value: string): void {
  if (/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name) && /^(?:[!-~](?:[ -~]*[!-~])?)?$/.test(value)) return;
  throw new BunkerError(
    "invalid-argument",
    `header ${JSON.stringify(name)}: expected printable ASCII without spaces around it, ` +
      `found ${JSON.stringify(value)}`,
  );
}
