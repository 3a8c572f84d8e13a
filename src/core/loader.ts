// The loader: makes an instance of the compiled core (build/core.wasm), typed as the compiler says.

import { instantiateSync } from "@assemblyscript/loader";

import type { instantiate } from "../../build/core.js";

/** What the core exports; addresses and lengths are plain numbers below 2^31. */
export type CoreExports = Awaited<ReturnType<typeof instantiate>>;

/** Compiles where it gets bytes. Throws what WebAssembly throws for what is no such module. */
export function instantiateExports(wasm: BufferSource | WebAssembly.Module): CoreExports {
  return instantiateSync<CoreExports>(wasm).exports;
}
