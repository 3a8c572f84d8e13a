// Bucket storage: a store in a bucket of an S3 service, below a prefix.
//
// Every put makes a version, and nothing is ever overwritten: a second version of a name is a retry
// or an attack. A name that is deleted is hidden, and its versions stay. Lists are hints: what they
// don't show may still be there.

import type { Bytes } from "../base/bytes.ts";
import { BunkerError } from "../base/errors.ts";
import type { BucketPlace } from "../base/place.ts";
import type { Usage } from "../base/usage.ts";
import type { Bucket } from "../s3/bucket.ts";
import { failureOf, refusedWith } from "../s3/ask.ts";
import { listObjects, listVersions } from "../s3/list.ts";
import { getRetention, putRetention } from "../s3/lock.ts";
import { deleteVersion, getObject, headObject, hideObject, putObject } from "../s3/objects.ts";
import { regionOf } from "../s3/service.ts";
import { isRefusal } from "./bucket-settings.ts";
import { checkObjectName, checkPrefix, hashInName, isObjectName } from "./names.ts";
import { checkSignal, rangeWithin } from "./refuse.ts";
import type {
  Abilities,
  GetOptions,
  Lock,
  PutOptions,
  Storage,
  StoredObject,
  StoredVersion,
} from "./storage.ts";

export interface BucketStorageOptions {
  /** Empty, or ends with a slash. */
  readonly prefix: string;
  /** For people and messages: "b2://bucket/prefix". */
  readonly location: string;
}

/** Opens a storage in a bucket; sends nothing. */
export function openBucketStorage(bucket: Bucket, options: BucketStorageOptions): Storage {
  return new BucketStorage(bucket, options);
}

const DAY_MS = 86_400_000;

class BucketStorage implements Storage {
  readonly location: string;
  readonly bucketPlace: BucketPlace;
  readonly #bucket: Bucket;
  readonly #prefix: string;
  #hasVersions = true;

  constructor(bucket: Bucket, { prefix, location }: BucketStorageOptions) {
    this.#bucket = bucket;
    this.#prefix = prefix;
    this.location = location;
    const { endpoint } = bucket.service;
    this.bucketPlace = { endpoint: new URL(endpoint).origin, bucket: bucket.name, prefix };
  }

  get abilities(): Abilities {
    return {
      versions: this.#hasVersions,
      locks: this.#hasVersions,
      deletes: !this.#hasVersions,
      wantsMd5: true,
      dear: true,
      listingReuseMs: DAY_MS,
      putCount: this.#bucket.connections,
      getCount: this.#bucket.connections,
    };
  }

  async put(name: string, bytes: Bytes, options: PutOptions = {}): Promise<void> {
    const sha256 = hashInName(name);
    const { md5, lock, signal } = options;
    checkSignal(signal, `writing ${name}`);
    this.#bucket.clock.check();
    await putObject(this.#bucket, this.#prefix + name, bytes, {
      sha256,
      ...(md5 === undefined ? {} : { md5 }),
      ...(lock === undefined ? {} : { lock }),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  async get(name: string, options: GetOptions = {}): Promise<Uint8Array<ArrayBuffer> | undefined> {
    checkObjectName(name);
    const { range, versionId, bytesMax, signal } = options;
    checkSignal(signal, `reading ${name}`);
    const wanted = range === undefined ? undefined : rangeWithin(Number.MAX_SAFE_INTEGER, options);
    const got = await ofVersion(
      versionId,
      getObject(this.#bucket, this.#prefix + name, {
        ...(wanted === undefined ? {} : { range: wanted }),
        ...(versionId === undefined ? {} : { versionId }),
        ...(bytesMax === undefined ? {} : { bytesMax }),
        ...(signal === undefined ? {} : { signal }),
      }),
    );
    return got?.bytes;
  }

  async *list(
    prefix: string,
    { after }: { readonly after?: string } = {},
  ): AsyncGenerator<StoredObject, void, undefined> {
    checkPrefix(prefix);
    const options = after === undefined ? {} : { after: this.#prefix + after };
    for await (const { key, bytes, modified } of listObjects(
      this.#bucket,
      this.#prefix + prefix,
      options,
    )) {
      const name = key.slice(this.#prefix.length);
      if (isObjectName(name)) yield { name, bytes, modified };
    }
  }

  async *listVersions(
    prefix: string,
    options: { readonly after?: string } = {},
  ): AsyncGenerator<StoredVersion, void, undefined> {
    checkPrefix(prefix);
    let isAnswered = false;
    try {
      for await (const version of this.#versions(prefix, options)) {
        isAnswered = true;
        yield version;
      }
      return;
    } catch (error) {
      if (isAnswered || !this.#hasVersions || !lacksVersions(error)) throw error;
      this.#hasVersions = false;
    }
    for await (const object of this.list(prefix, options)) {
      yield { ...object, versionId: "", latest: true, hidden: false };
    }
  }

  async *#versions(
    prefix: string,
    { after }: { readonly after?: string },
  ): AsyncGenerator<StoredVersion, void, undefined> {
    const options = after === undefined ? {} : { after: this.#prefix + after };
    const listed = listVersions(this.#bucket, this.#prefix + prefix, options);
    for await (const { key, versionId, bytes, modified, latest, hidden } of listed) {
      const name = key.slice(this.#prefix.length);
      if (isObjectName(name)) yield { name, versionId, bytes, modified, latest, hidden };
    }
  }

  async delete(name: string, versionId?: string): Promise<void> {
    checkObjectName(name);
    const key = this.#prefix + name;
    if (versionId === undefined || versionId === "") await hideObject(this.#bucket, key);
    else await ofVersion(versionId, deleteVersion(this.#bucket, key, versionId));
  }

  async lockOf(name: string, versionId?: string): Promise<Lock | undefined> {
    checkObjectName(name);
    const key = this.#prefix + name;
    const head = await headObject(this.#bucket, key, versionId === undefined ? {} : { versionId });
    // Some services tell the lock of a bucket's default rule only to those who ask for the lock.
    return head === undefined
      ? undefined
      : (head.lock ?? getRetention(this.#bucket, key, versionId));
  }

  async setLock(name: string, lock: Lock, versionId?: string): Promise<void> {
    checkObjectName(name);
    this.#bucket.clock.check();
    await putRetention(this.#bucket, this.#prefix + name, versionId, lock);
  }

  /** By the service's answers; asks where there was none yet. */
  async serverTime(): Promise<number> {
    const known = this.#bucket.clock.serverTime();
    if (known !== undefined) return Math.floor(known);
    for await (const _ of listObjects(this.#bucket, this.#prefix)) break;
    const time = this.#bucket.clock.serverTime();
    if (time !== undefined) return Math.floor(time);
    throw new BunkerError("unavailable", `${this.location}: its answers carry no date`);
  }

  async locationId(): Promise<undefined> {
    return undefined;
  }

  usage(): Usage {
    const { requests, classes, retryCount, bytesUp, bytesDown } = this.#bucket.tally.snapshot();
    const isB2 = regionOf(this.#bucket.service.endpoint) !== undefined;
    return {
      classA: classes.A,
      classB: classes.B,
      classC: classes.C,
      byOperation: requests,
      bytesUp,
      bytesDown,
      retries: retryCount,
      isB2: isB2 || this.location.startsWith("b2://"),
    };
  }

  async close(): Promise<void> {}
}

// Some services have no versions, and some keys may not see them: then what is listed is all there is.
// A wrong key, a cap or a proxy is no such word: what is hidden must not be taken for absent.
function lacksVersions(error: unknown): boolean {
  const failure = failureOf(error);
  const isUnknown = failure !== undefined && [405, 501].includes(failure.status);
  return isRefusal(error) || (isUnknown && !failure.foreign);
}

// What can't be a version's id is the id of none.
async function ofVersion<T>(
  versionId: string | undefined,
  answer: Promise<T>,
): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    const isNone = refusedWith(error, "InvalidArgument", "NoSuchVersion");
    if (versionId !== undefined && isNone) return undefined;
    throw error;
  }
}
