// Keys: application keys, and what each of their capabilities opens (docs/b2.md A7).

import { accessDenied } from "./refusal.ts";

export const CAPABILITIES = [
  "listKeys",
  "writeKeys",
  "deleteKeys",
  "listBuckets",
  "listAllBucketNames",
  "readBuckets",
  "writeBuckets",
  "deleteBuckets",
  "readBucketEncryption",
  "writeBucketEncryption",
  "readBucketRetentions",
  "writeBucketRetentions",
  "readFileRetentions",
  "writeFileRetentions",
  "readFileLegalHolds",
  "writeFileLegalHolds",
  "readBucketReplications",
  "writeBucketReplications",
  "bypassGovernance",
  "listFiles",
  "readFiles",
  "shareFiles",
  "writeFiles",
  "deleteFiles",
  "readBucketNotifications",
  "writeBucketNotifications",
] as const;

export type Capability = (typeof CAPABILITIES)[number];

export interface AppKey {
  readonly keyId: string;
  readonly secret: string;
  /** The account's master key: good for nothing over S3. docs/b2.md A1 */
  readonly master: boolean;
  readonly capabilities: ReadonlySet<Capability>;
  /** Undefined: all of the account. */
  readonly buckets: readonly string[] | undefined;
  readonly prefix: string;
  readonly expires: number;
}

export interface KeyOptions {
  /** All, if left out, but for those over keys and over governance. */
  readonly capabilities?: readonly Capability[];
  readonly bucket?: string | readonly string[];
  readonly prefix?: string;
  /** How long the key lives. */
  readonly lifetimeMs?: number;
}

const NOT_BY_DEFAULT: readonly Capability[] = [
  "listKeys",
  "writeKeys",
  "deleteKeys",
  "bypassGovernance",
];

export class KeyRing {
  readonly #keys = new Map<string, AppKey>();
  #count = 0;

  /** Makes a key; its id has 25 characters as B2's have, the master's 12. */
  create(options: KeyOptions, now: number, master = false): AppKey {
    const number = String(++this.#count).padStart(10, "0");
    const capabilities =
      options.capabilities ?? CAPABILITIES.filter((name) => !NOT_BY_DEFAULT.includes(name));
    const buckets = typeof options.bucket === "string" ? [options.bucket] : options.bucket;
    const key: AppKey = {
      keyId: master ? "b20000000001" : `005b20000000001${number}`,
      secret: `K005${Bun.hash.wyhash(`secret ${number}`).toString(36).padStart(13, "0")}${number}/x+y`,
      master,
      capabilities: new Set(capabilities),
      buckets,
      prefix: options.prefix ?? "",
      expires: now + (options.lifetimeMs ?? Number.POSITIVE_INFINITY),
    };
    this.#keys.set(key.keyId, key);
    return key;
  }

  find(keyId: string): AppKey | undefined {
    return this.#keys.get(keyId);
  }

  remove(keyId: string): void {
    this.#keys.delete(keyId);
  }
}

/** Throws unless the key has all of these. docs/b2.md A7 */
export function demand(key: AppKey, ...needed: readonly Capability[]): void {
  if (!needed.every((name) => key.capabilities.has(name))) throw accessDenied("not entitled");
}

/** Throws unless the key may touch this bucket; a key of others doesn't learn whether it exists. */
export function demandBucket(key: AppKey, bucket: string): void {
  if (key.buckets !== undefined && !key.buckets.includes(bucket)) throw accessDenied();
}

/** Throws unless all names that begin so are within the key's prefix. docs/b2.md A7 */
export function demandName(key: AppKey, name: string): void {
  if (!name.startsWith(key.prefix)) throw accessDenied();
}
