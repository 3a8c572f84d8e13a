// Thorough: a storage of which everything is asked anew: what a check looks at is what is there.

import { interceptStorage } from "./intercept.ts";
import type { Abilities, Storage } from "./storage.ts";

/** Wraps `inner`, as if its calls cost nothing. */
export function thoroughStorage(inner: Storage): Storage {
  const asked = interceptStorage(inner, {
    call: (_call, run) => run(),
    listing: (_call, run) => run(),
  });
  const abilities: Abilities = { ...inner.abilities, dear: false, listingReuseMs: 0 };
  return Object.defineProperty(asked, "abilities", { value: abilities });
}
