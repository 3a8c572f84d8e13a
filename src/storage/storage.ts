// STORAGE CONNECTOR: where the bytes of a store live.
//
// A storage keeps objects by name. Names are relative paths of lower-case letters, digits,
// hyphens, dots and slashes; every name's last part ends in the SHA-256 of the object's bytes (the storage may rely
// on it, and the callers verify what they get). An object is written whole or not at all, and is
// never overwritten. A storage says what it can do (`abilities`); what it cannot do it refuses
// with a `BunkerError`.

import type { Bytes } from "../base/bytes.ts";
import type { BucketPlace } from "../base/place.ts";
import type { Usage } from "../base/usage.ts";

export interface StoredObject {
  readonly name: string;
  readonly bytes: number;
  /** Milliseconds since the epoch by the storage's clock. */
  readonly modified: number;
}

export interface StoredVersion extends StoredObject {
  readonly versionId: string;
  readonly latest: boolean;
  readonly hidden: boolean;
  readonly md5?: string;
}

export interface Abilities {
  readonly versions: boolean;
  readonly locks: boolean;
  /** False where a deleted object can be had back from its versions, or deletion is not allowed. */
  readonly deletes: boolean;
  /** Whether it checks what is put by an MD5 that comes with it. */
  readonly wantsMd5: boolean;
  /** Whether each call costs a round trip and money: then what is known is not asked again. */
  readonly dear: boolean;
  /** How long a listing of the packs may be used again, in milliseconds; 0 where listing is cheap. */
  readonly listingReuseMs: number;
  /** Packs that are worth putting at once, each of which is held in memory. */
  readonly putCount: number;
  /** Ranges that are worth getting at once, each of some MiB. */
  readonly getCount: number;
}

export interface Lock {
  readonly mode: "governance" | "compliance";
  readonly until: number;
}

export interface Range {
  readonly offset: number;
  readonly length: number;
}

export interface GetOptions {
  readonly range?: Range;
  readonly versionId?: string;
  /** Without a range: an object that is longer is `corrupt`, and is not read. */
  readonly bytesMax?: number;
  readonly signal?: AbortSignal;
}

export interface PutOptions {
  readonly md5?: Bytes;
  readonly lock?: Lock;
  readonly signal?: AbortSignal;
}

export interface Storage {
  /** For people and messages; holds no secret. */
  readonly location: string;
  readonly abilities: Abilities;

  /**
   * Stores an object durably: when it returns, a crash loses nothing. An object of that name whose
   * bytes match the name is left as it is; one whose bytes do not is moved aside first.
   * Throws `full`, `denied` or `unavailable`.
   */
  put(name: string, bytes: Bytes, options?: PutOptions): Promise<void>;

  /**
   * Returns the object's bytes, or `undefined` where there is none. A range that reaches past the
   * end returns what is there. The bytes are the caller's own.
   */
  get(name: string, options?: GetOptions): Promise<Uint8Array<ArrayBuffer> | undefined>;

  /** Lists the objects whose names start with `prefix`, in the order of their names. */
  list(prefix: string, options?: { readonly after?: string }): AsyncIterable<StoredObject>;

  /**
   * Lists all versions of all objects, hidden ones too, the newest of an object first; where there
   * are no versions, what `list` gives. With `after`, those of names greater than that.
   */
  listVersions(prefix: string, options?: { readonly after?: string }): AsyncIterable<StoredVersion>;

  /** Deletes one object (one version where there are versions); one that is not there is no error. */
  delete(name: string, versionId?: string): Promise<void>;

  /** The lock of a version, `undefined` where there is none. */
  lockOf(name: string, versionId?: string): Promise<Lock | undefined>;
  setLock(name: string, lock: Lock, versionId?: string): Promise<void>;

  /** Milliseconds since the epoch by the storage's own clock. */
  serverTime(): Promise<number>;

  /** Where the bucket is, as the owner log names it; absent for a folder, which has an id file. */
  readonly bucketPlace?: BucketPlace;

  /** The random id that names this place (a folder's id file), made on `create`; none for a bucket. */
  locationId(create: boolean): Promise<Uint8Array<ArrayBuffer> | undefined>;

  /** What was asked of the service so far; absent, or `undefined`, where nobody charges for it. */
  usage?(): Usage | undefined;

  close(): Promise<void>;
}
