// Server: what the tests know of an S3 server that others wrote, and how they make buckets on it.
//
// Each server runs on loopback, on a free port, with keys that were made up, and is gone with all
// it holds at the end of its `await using` block.

import { randomBytes } from "node:crypto";

import { AwsClient } from "aws4fetch";

export interface Server extends AsyncDisposable {
  /** An URL with host and port, without a slash at its end. */
  readonly endpoint: string;
  readonly region: string;
  readonly keyId: string;
  readonly secret: string;
  /** Makes an empty bucket; one with a lock keeps versions too. */
  createBucket(name: string, options?: BucketOptions): Promise<void>;
}

export interface BucketOptions {
  /** Whether its objects can be locked; no default rule is set. */
  readonly lock?: boolean;
  readonly versions?: boolean;
}

export type Access = Pick<Server, "endpoint" | "region" | "keyId" | "secret">;

const VERSIONS_ON =
  '<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' +
  "<Status>Enabled</Status></VersioningConfiguration>";

/** Keys of this one server: who reaches another one by mistake is refused there. */
export function makeUpKeys(): Pick<Server, "keyId" | "secret"> {
  const [keyId, secret] = [randomBytes(10), randomBytes(20)].map((bytes) => bytes.toString("hex"));
  return { keyId: keyId!, secret: secret! };
}

/** Makes a bucket by calls that both servers understand. */
export async function createBucket(
  access: Access,
  name: string,
  options: BucketOptions = {},
): Promise<void> {
  const lock = { "x-amz-bucket-object-lock-enabled": "true" };
  await put(access, name, { headers: options.lock ? lock : {} });
  if (options.versions && !options.lock) {
    await put(access, `${name}?versioning`, { body: VERSIONS_ON });
  }
}

async function put(access: Access, target: string, init: RequestInit): Promise<void> {
  const { endpoint, region, keyId: accessKeyId, secret: secretAccessKey } = access;
  const client = new AwsClient({ accessKeyId, secretAccessKey, region, service: "s3", retries: 0 });
  const response = await client.fetch(`${endpoint}/${target}`, { ...init, method: "PUT" });
  const text = await response.text();
  if (!response.ok) throw new Error(`put of ${target} failed with ${response.status}: ${text}`);
}
