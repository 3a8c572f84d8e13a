// Sign: AWS Signature Version 4 for one attempt. The only file with aws4fetch, of which only the
// signer is used: its own sending repeats what must not be repeated, and unpacks what it gets.
//
// The body is covered by its SHA-256 (`x-amz-content-sha256`) and by its MD5 (`content-md5`), which
// locked buckets ask for and which every service checks.

import { AwsV4Signer } from "aws4fetch";
import { type Bytes, hexOf } from "../base/bytes.ts";
import { BunkerError } from "../base/errors.ts";
import type { Call, Method } from "./call.ts";
import { pathOf, queryOf } from "./path.ts";
import type { Hash, S3Service } from "./service.ts";

const SHA256_OF_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
/** One derived key a day and no more: a run of weeks must not collect them. */
const DERIVED_KEYS_MAX = 4;
/** What a header can carry unchanged through every proxy, and what is signed as it is sent. */
const HEADER_VALUE = /^[!-~](?:[ -~]*[!-~])?$/;

/** A call with all that does not change from attempt to attempt. */
export interface Prepared {
  readonly method: Method;
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Signed {
  readonly url: string;
  readonly headers: Headers;
}

/** Encodes and hashes once for all attempts. Throws `invalid-argument` for what cannot be sent. */
export function prepare(call: Call, bucket: string, hash: Hash): Prepared {
  const { method, body } = call;
  const headers: Record<string, string> = { "x-amz-content-sha256": SHA256_OF_NOTHING };
  for (const [name, value] of Object.entries(call.headers ?? {})) {
    checkHeader(name, value);
    headers[name.toLowerCase()] = value;
  }
  if (body !== undefined) {
    headers["x-amz-content-sha256"] = hexOf(call.sha256 ?? hash.sha256(body));
    headers["content-md5"] = base64Of(call.md5 ?? hash.md5(body));
  }
  return { method, path: pathOf(bucket, call.key), query: queryOf(call.query), headers };
}

export class Signer {
  readonly #service: S3Service;
  readonly #origin: string;
  readonly #derivedKeys = new Map<string, ArrayBuffer>();

  constructor(service: S3Service) {
    this.#service = service;
    this.#origin = new URL(service.endpoint).origin;
  }

  /** Signs an attempt that goes out at `timeMs` by the service's clock. */
  async sign({ method, path, query, headers }: Prepared, timeMs: number): Promise<Signed> {
    const { region, credentials } = this.#service;
    if (this.#derivedKeys.size > DERIVED_KEYS_MAX) this.#derivedKeys.clear();
    const url = this.#origin + path + (query === "" ? "" : `?${query}`);
    const signer = new AwsV4Signer({
      method,
      url,
      headers: { ...headers },
      accessKeyId: credentials.keyId,
      secretAccessKey: credentials.secret,
      ...(credentials.sessionToken === undefined ? {} : { sessionToken: credentials.sessionToken }),
      service: "s3",
      region,
      cache: this.#derivedKeys,
      datetime: new Date(timeMs).toISOString().replaceAll(/[:-]|\.\d{3}/g, ""),
    });
    // Its own encoding takes a "+" for a space.
    signer.encodedPath = path;
    return { url, headers: (await signer.sign()).headers };
  }
}

function checkHeader(name: string, value: string): void {
  if (value === "" || HEADER_VALUE.test(value)) return;
  throw new BunkerError(
    "invalid-argument",
    `expected printable ASCII as the header ${name}, found other characters or spaces at its ends`,
  );
}

function base64Of(bytes: Bytes): string {
  return btoa(String.fromCharCode(...bytes));
}
