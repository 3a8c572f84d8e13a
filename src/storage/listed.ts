// Listed: a storage that remembers one listing, so that those who look one after the other at the
// same few names cost one request. What is put or deleted there makes it look again.

import { type StorageCall, interceptStorage } from "./intercept.ts";
import type { Storage } from "./storage.ts";

/** More is not held: anybody can plant names. */
const REMEMBERED_COUNT_MAX = 4096;

/** Wraps `inner`; whole listings of `prefix` are made once. */
export function listedStorage(inner: Storage, prefix: string): Storage {
  const remembered = new Map<string, readonly unknown[]>();
  return interceptStorage(inner, {
    call(call, run) {
      const changes = call.kind === "put" || call.kind === "delete";
      if (changes && call.name.startsWith(prefix)) remembered.clear();
      return run();
    },
    listing<T>(call: StorageCall, run: () => AsyncIterable<T>) {
      if (call.name !== prefix || call.after !== undefined) return run();
      return listing(call.kind, run);
    },
  });

  async function* listing<T>(kind: string, run: () => AsyncIterable<T>): AsyncGenerator<T> {
    const known = remembered.get(kind);
    if (known !== undefined) {
      yield* known as readonly T[];
      return;
    }
    const items: T[] = [];
    for await (const item of run()) {
      if (items.length <= REMEMBERED_COUNT_MAX) items.push(item);
      yield item;
    }
    if (items.length <= REMEMBERED_COUNT_MAX) remembered.set(kind, items);
  }
}
