// Cores for tests: the compiled module, read once, and keys that mean nothing.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { type Core, type CoreOptions, instantiateCore } from "../../src/core/core.ts";
import { type CoreExports, instantiateExports } from "../../src/core/loader.ts";

const PATH = join(import.meta.dir, "../../build/core.wasm");
const wasm = new WebAssembly.Module(readFileSync(PATH));

export function keysOf(byte: number): CoreOptions {
  return {
    cutKey: new Uint8Array(32).fill(byte),
    dataIdKey: new Uint8Array(32).fill(byte + 1),
    treeIdKey: new Uint8Array(32).fill(byte + 2),
  };
}

/** A core without keys. */
export function newCore(): Core {
  return instantiateCore(wasm);
}

export function newCoreWithKeys(options: CoreOptions = keysOf(1)): Core {
  const core = newCore();
  core.setKeys(options);
  return core;
}

/** The bare exports, for what the face does not show. */
export function newExports(): CoreExports {
  return instantiateExports(wasm);
}
