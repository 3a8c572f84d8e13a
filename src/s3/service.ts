// Service: an S3 service and who we are to it.

import type { Bytes } from "../base/bytes.ts";
import { BunkerError } from "../base/errors.ts";
import type { World } from "../base/world.ts";
import { Bucket } from "./bucket.ts";
import { checkBucketName } from "./path.ts";

export interface Credentials {
  readonly keyId: string;
  readonly secret: string;
  readonly sessionToken?: string;
}

export interface S3Service {
  /** "https://host" or "https://host:port". */
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: Credentials;
  /** Certificates to trust in place of the system's, in PEM. */
  readonly caPem?: string;
}

export interface Hash {
  md5(bytes: Bytes): Bytes;
  sha256(bytes: Bytes): Bytes;
}

export interface Limits {
  readonly connections?: number;
  readonly uploadBytesPerSecond?: number;
  readonly downloadBytesPerSecond?: number;
  readonly requestsPerSecond?: number;
}

export interface Patience {
  /** For one call with all its attempts. */
  readonly budgetMs: number;
  /** While a body moves: the longest time without a byte. */
  readonly idleMs: number;
  /** From the body's end to the answer's begin. */
  readonly answerMs: number;
}

/** Calls `run` after so many milliseconds unless it is stopped by what it returns. */
export type Timer = (milliseconds: number, run: () => void) => () => void;

export type Fetch = (url: string, init: BunFetchRequestInit) => Promise<Response>;

export interface BucketParts {
  readonly world: World;
  readonly hash: Hash;
  readonly limits?: Limits;
  readonly patience?: Patience;
  /** Told of each attempt that is made again, for people. */
  readonly onRetry?: (text: string) => void;
  readonly fetch?: Fetch;
  readonly timer?: Timer;
}

/** Throws `invalid-argument` for an endpoint, a name or limits that cannot be. Sends nothing. */
export function openBucket(service: S3Service, name: string, parts: BucketParts): Bucket {
  checkEndpoint(service.endpoint);
  checkBucketName(name);
  for (const [limit, value] of Object.entries(parts.limits ?? {})) {
    const whole = limit !== "connections" || Number.isSafeInteger(value);
    if (!(value >= 1 && whole)) throw unusable(`expected ${limit} of 1 or more, found ${value}`);
  }
  const { keyId, secret } = service.credentials;
  if (keyId === "" || secret === "") throw unusable("expected a key id and a secret, found none");
  if (service.region === "") throw unusable("expected a region, found none");
  return new Bucket(service, name, parts);
}

/** The region that a host of Backblaze B2 names; `undefined` for other hosts. */
export function regionOf(endpoint: string): string | undefined {
  const host = URL.parse(endpoint)?.hostname ?? "";
  return /^(?:[^.]+\.)?s3\.([^.]+)\.backblazeb2\.com$/.exec(host)?.[1];
}

// The endpoint is in no message: somebody may have put a password into it.
function checkEndpoint(endpoint: string): void {
  const url = URL.parse(endpoint);
  if (url === null) throw unusable('expected an endpoint such as "https://s3.REGION.example.com"');
  const { protocol, hostname } = url;
  if (url.username !== "" || url.password !== "") {
    throw unusable("expected an endpoint without a name and a password in it");
  }
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "") {
    throw unusable(`expected an endpoint without a path, as "${protocol}//${url.host}"`);
  }
  if (protocol === "https:" || (protocol === "http:" && isLoopback(hostname))) return;
  throw unusable(`expected an endpoint that begins with https://, found ${protocol}//`);
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\.[0-9.]+$/.test(hostname);
}

function unusable(message: string): BunkerError {
  return new BunkerError("invalid-argument", message);
}
