// Open bucket: from a chosen store to its bucket, and to the storage in it.

import { BunkerError, isBunkerError } from "../base/errors.ts";
import type { Bucket } from "../s3/bucket.ts";
import { openBucket, regionOf } from "../s3/service.ts";
import { openBucketStorage } from "../storage/bucket.ts";
import type { Dialect } from "../storage/bucket-settings.ts";
import type { Storage } from "../storage/storage.ts";
import { forbidCoreDumps } from "../system/core-dumps.ts";
import { nativePlatform } from "../system/platform.ts";
import { systemWorld } from "../system/world.ts";
import { limitsOf } from "./bucket-limits.ts";
import { serviceOf } from "./bucket-service.ts";
import type { Words } from "./command.ts";
import type { StoreChoice } from "./store-choice.ts";
import { type BucketLocation, formatStoreLocation } from "./store-location.ts";
import type { Wiring } from "./wiring.ts";

export interface BucketChoice extends StoreChoice {
  readonly location: BucketLocation;
}

/** The bucket of a store, with its key and its limits. Nothing is sent yet. */
export async function openBucketOf(
  { environment, messages }: Wiring,
  words: Words,
  { location, named }: BucketChoice,
): Promise<Bucket> {
  forbidCoreDumps(); // From here on, the bucket's key is in memory; of a new store, its own too.
  const values = named?.values;
  const limits = limitsOf(words, values);
  const service = await serviceOf(location, {
    environment,
    warn: (message) => messages.warning(message),
    ...(values === undefined ? {} : { values }),
  });
  return openBucket(service, location.bucket, {
    world: systemWorld,
    hash: nativePlatform,
    limits,
    onRetry: (text) => messages.notice(text),
  });
}

/** The storage in the bucket of a store. */
export async function openBucketStorageOf(
  wiring: Wiring,
  words: Words,
  choice: BucketChoice,
): Promise<Storage> {
  return storageIn(await openBucketOf(wiring, words, choice), choice.location);
}

/** The storage in a bucket that is open already. */
export function storageIn(bucket: Bucket, location: BucketLocation): Storage {
  return openBucketStorage(bucket, {
    prefix: location.prefix,
    location: placeText(location, bucket.service.endpoint),
  });
}

/**
 * The location as messages and the memory of this machine call it. Names of buckets are unique at
 * B2, and at AWS; elsewhere two services may have one of the same name, and the host tells them apart.
 */
export function placeText(location: BucketLocation, endpoint: string): string {
  const text = formatStoreLocation(location);
  const { hostname, host } = new URL(endpoint);
  const isUnique = location.scheme === "b2" || /\.amazonaws\.com(?:\.cn)?$/.test(hostname);
  return isUnique ? text : `${text} (${host})`;
}

/** Whose words a bucket's rights and settings have. */
export function dialectOf({ scheme }: BucketLocation, { service }: Bucket): Dialect {
  return scheme === "b2" || regionOf(service.endpoint) !== undefined ? "b2" : "s3";
}

/** The same error; where there is no bucket, with how one is made. */
export function withSetupHint(error: unknown): unknown {
  if (!isBunkerError(error, "no-store")) return error;
  const { message, subject } = error;
  return new BunkerError("no-store", message, {
    cause: error,
    ...(subject === undefined ? {} : { subject }),
    hint: "bunker makes no buckets: see bunker init --print-setup, which says how to make a safe one",
  });
}
