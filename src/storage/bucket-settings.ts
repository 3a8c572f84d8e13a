// Bucket settings: what a bucket does with versions, locks and rules, as far as the key may see it.
//
// A setting that can't be read is "not known", and why: it is never taken for the service's default.

import { isBunkerError } from "../base/errors.ts";
import { failureOf } from "../s3/ask.ts";
import type { Caller } from "../s3/call.ts";
import { getLifecycle, type LifecycleRule } from "../s3/lifecycle.ts";
import {
  getLockConfiguration,
  getVersioning,
  type LockConfiguration,
  type Versioning,
} from "../s3/settings.ts";

/** A setting, or why it is not known. */
export type Setting<T> = { readonly value: T } | { readonly unknown: Unknown };

/** The key lacks the capability that is named, or the service has no such question. */
export type Unknown =
  { readonly lacks: string } | { readonly lacks?: undefined; readonly says: string };

export interface BucketSettings {
  readonly versioning: Setting<Versioning>;
  readonly lock: Setting<LockConfiguration>;
  readonly lifecycle: Setting<readonly LifecycleRule[]>;
}

export type Dialect = "b2" | "s3";

/** What a key must be allowed for each setting. (B2 docs: application key capabilities.) */
const RIGHTS = {
  versioning: { b2: "readBuckets", s3: "s3:GetBucketVersioning" },
  lock: { b2: "readBucketRetentions", s3: "s3:GetBucketObjectLockConfiguration" },
  lifecycle: { b2: "readBuckets", s3: "s3:GetLifecycleConfiguration" },
} as const satisfies Record<keyof BucketSettings, Record<Dialect, string>>;

/** Reads the settings. Throws what is wrong with more than one of them: no bucket, no connection. */
export async function readBucketSettings(
  caller: Caller,
  dialect: Dialect,
): Promise<BucketSettings> {
  return {
    lock: await read(() => getLockConfiguration(caller), RIGHTS.lock[dialect]),
    versioning: await read(() => getVersioning(caller), RIGHTS.versioning[dialect]),
    lifecycle: await read(() => getLifecycle(caller), RIGHTS.lifecycle[dialect]),
  };
}

async function read<T>(ask: () => Promise<T>, right: string): Promise<Setting<T>> {
  try {
    return { value: await ask() };
  } catch (error) {
    if (isRefusal(error)) return { unknown: { lacks: right } };
    const status = failureOf(error)?.status ?? 0;
    if (![405, 501].includes(status)) throw error;
    return { unknown: { says: `the service does not tell (${status})` } };
  }
}

/**
 * Whether a key may not do this one thing, by the words that services have for it. A wrong signature,
 * a wrong clock or an unpaid account is another matter, and so is what a proxy refuses.
 */
export function isRefusal(error: unknown): boolean {
  const failure = failureOf(error);
  if (failure === undefined || !isBunkerError(error, "denied") || failure.foreign) return false;
  if (/account[ _]trouble/i.test(`${failure.code} ${failure.message}`)) return false;
  // The answer to a HEAD has no body, and so no code.
  return failure.status === 403 && REFUSALS.includes(failure.code);
}

const REFUSALS = ["", "AccessDenied", "AllAccessDisabled", "Forbidden", "UnauthorizedAccess"];
