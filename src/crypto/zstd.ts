// Portable zstd by @bokuweb/zstd-wasm. Its own `init` looks for a file or an address; here the module
// comes in as bytes (dist/esm/zstd.wasm of the package), so that this room stays pure.

import { Module, waitInitialized } from "../../node_modules/@bokuweb/zstd-wasm/dist/esm/module.js";
import { compress } from "../../node_modules/@bokuweb/zstd-wasm/dist/esm/simple/compress.js";
import { decompress } from "../../node_modules/@bokuweb/zstd-wasm/dist/esm/simple/decompress.js";
import { type Bytes, copyBytes } from "../base/bytes.ts";
import { BunkerError } from "../base/errors.ts";
import { checkFrame } from "../base/frame.ts";

type Owned = Uint8Array<ArrayBuffer>;

export interface PortableZstd {
  /** One frame that records its content size. */
  compress(plain: Bytes, level: number): Owned;
  /** Exactly one frame of exactly `plainBytes`; throws `corrupt` for anything else. */
  decompress(frame: Bytes, plainBytes: number): Owned;
}

interface Emscripten {
  calledRun?: boolean;
  instantiateWasm?: (imports: WebAssembly.Imports, receive: Receive) => unknown;
  init(): void;
}

type Receive = (instance: WebAssembly.Instance) => void;

/** Loads the module once for the whole program; rejects where `wasm` is not it. */
export async function loadZstd(wasm: Bytes): Promise<PortableZstd> {
  const module = Module as Emscripten;
  if (module.calledRun !== true) {
    await instantiate(module, wasm);
    await waitInitialized();
  }
  return {
    compress: (plain, level) => compress(asBuffer(plain), level) as Owned,
    decompress: decode,
  };
}

// The package's own way only logs a failure and then waits for ever; and what is no module must fail
// before `init`, which counts on being answered.
async function instantiate(module: Emscripten, wasm: Bytes): Promise<void> {
  const compiled = await WebAssembly.compile(copyBytes(wasm));
  await new Promise<void>((resolve, reject) => {
    module.instantiateWasm = (imports, receive) => {
      WebAssembly.instantiate(compiled, imports).then(receive).then(resolve, reject);
      return {};
    };
    module.init();
  });
}

function decode(frame: Bytes, plainBytes: number): Owned {
  checkFrame(frame, plainBytes);
  const plain = decodeFrame(frame);
  if (plain.length === plainBytes) return plain;
  throw new BunkerError("corrupt", `expected ${plainBytes} bytes from zstd, found ${plain.length}`);
}

function decodeFrame(frame: Bytes): Owned {
  try {
    return decompress(asBuffer(frame)) as Owned;
  } catch (error) {
    throw new BunkerError("corrupt", "the zstd frame does not decode", { cause: error });
  }
}

// The package asks for a Buffer and uses only what every byte view has.
function asBuffer(bytes: Bytes): Buffer {
  return bytes as Buffer;
}
