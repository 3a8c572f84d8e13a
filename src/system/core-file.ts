// Core file: the bytes of the WASM core, out of the build folder or out of the binary.

import { readFileSync } from "node:fs";
import path from "../../build/core.wasm" with { type: "file" };

export function loadCoreBytes(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(path));
}
