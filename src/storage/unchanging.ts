// Unchanging: a storage that is only read. Whatever would change it is refused.

import { BunkerError } from "../base/errors.ts";
import { type CallKind, interceptStorage } from "./intercept.ts";
import type { Storage } from "./storage.ts";

const CHANGES: readonly CallKind[] = ["put", "delete", "setLock"];

/** Wraps `inner`; what changes it throws `denied`. */
export function unchangingStorage(inner: Storage): Storage {
  return interceptStorage(inner, {
    call(call, run) {
      if (!CHANGES.includes(call.kind)) return run();
      return Promise.reject(new BunkerError("denied", `${call.name}: a dry run changes nothing`));
    },
    listing: (_call, run) => run(),
  });
}
