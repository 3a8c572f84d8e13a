// Intercept: the shape of every decorator of a storage. Each call is handed, described, to one
// function that may look, refuse, run it or change its answer.

import type { Bytes } from "../base/bytes.ts";
import type { BucketPlace } from "../base/place.ts";
import type { Usage } from "../base/usage.ts";
import type {
  Abilities,
  GetOptions,
  Lock,
  PutOptions,
  Range,
  Storage,
  StoredObject,
  StoredVersion,
} from "./storage.ts";

export type CallKind =
  | "put"
  | "get"
  | "list"
  | "listVersions"
  | "delete"
  | "lockOf"
  | "setLock"
  | "serverTime"
  | "locationId";

export interface StorageCall {
  readonly kind: CallKind;
  /** The object's name or the prefix; "" where there is none. */
  readonly name: string;
  /** What a put carries. */
  readonly bytes?: Bytes;
  readonly range?: Range;
  readonly versionId?: string;
  /** Where a listing begins. */
  readonly after?: string;
}

export interface Interceptor {
  /** Stands for every call but lists; `put` carries the bytes that it is given. */
  call<T>(call: StorageCall, run: (bytes?: Bytes) => Promise<T>): Promise<T>;
  /** Stands for `list` and `listVersions`; called when the listing is begun, not when it is made. */
  listing<T>(call: StorageCall, run: () => AsyncIterable<T>): AsyncIterable<T>;
}

/** Returns a storage whose calls go through `interceptor`; `usage` and `close` go straight on. */
export function interceptStorage(inner: Storage, interceptor: Interceptor): Storage {
  return new InterceptedStorage(inner, interceptor);
}

class InterceptedStorage implements Storage {
  readonly #inner: Storage;
  readonly #interceptor: Interceptor;
  readonly bucketPlace?: BucketPlace;

  constructor(inner: Storage, interceptor: Interceptor) {
    this.#inner = inner;
    this.#interceptor = interceptor;
    if (inner.bucketPlace !== undefined) this.bucketPlace = inner.bucketPlace;
  }

  get location(): string {
    return this.#inner.location;
  }

  get abilities(): Abilities {
    return this.#inner.abilities;
  }

  async put(name: string, bytes: Bytes, options?: PutOptions): Promise<void> {
    const call = { kind: "put", name, bytes } as const;
    await this.#interceptor.call(call, (other) => this.#inner.put(name, other ?? bytes, options));
  }

  async get(name: string, options?: GetOptions): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { range, versionId } = options ?? {};
    const call: StorageCall = {
      kind: "get",
      name,
      ...(range === undefined ? {} : { range }),
      ...(versionId === undefined ? {} : { versionId }),
    };
    return this.#interceptor.call(call, () => this.#inner.get(name, options));
  }

  async *list(
    prefix: string,
    options?: { readonly after?: string },
  ): AsyncGenerator<StoredObject, void, undefined> {
    const call = { kind: "list", name: prefix, ...options } as const;
    yield* this.#interceptor.listing(call, () => this.#inner.list(prefix, options));
  }

  async *listVersions(
    prefix: string,
    options?: { readonly after?: string },
  ): AsyncGenerator<StoredVersion, void, undefined> {
    const call = { kind: "listVersions", name: prefix, ...options } as const;
    yield* this.#interceptor.listing(call, () => this.#inner.listVersions(prefix, options));
  }

  async delete(name: string, versionId?: string): Promise<void> {
    const call = named("delete", name, versionId);
    await this.#interceptor.call(call, () => this.#inner.delete(name, versionId));
  }

  async lockOf(name: string, versionId?: string): Promise<Lock | undefined> {
    const call = named("lockOf", name, versionId);
    return this.#interceptor.call(call, () => this.#inner.lockOf(name, versionId));
  }

  async setLock(name: string, lock: Lock, versionId?: string): Promise<void> {
    const call = named("setLock", name, versionId);
    await this.#interceptor.call(call, () => this.#inner.setLock(name, lock, versionId));
  }

  async serverTime(): Promise<number> {
    return this.#interceptor.call(named("serverTime", ""), () => this.#inner.serverTime());
  }

  async locationId(create: boolean): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#interceptor.call(named("locationId", ""), () => this.#inner.locationId(create));
  }

  usage(): Usage | undefined {
    return this.#inner.usage?.();
  }

  async close(): Promise<void> {
    await this.#inner.close();
  }
}

function named(kind: CallKind, name: string, versionId?: string): StorageCall {
  return { kind, name, ...(versionId === undefined ? {} : { versionId }) };
}
