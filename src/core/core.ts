// The core: the typed face of the WASM module that cuts, hashes and packs.
//
// Bytes to be cut and hashed are read into its input area and stay there. Its memory never grows
// and is its owner's alone, so views of it hold; lengths are asserted all the same, for a view of
// memory that went away reads as the end of a file.

import { assert } from "../base/assert.ts";
import { type Bytes, utf8 } from "../base/bytes.ts";
import { ID_BYTES } from "../base/ids.ts";
import { CUT_PARAMETERS, type CutParameters } from "./cutter.ts";
import { type CoreExports, instantiateExports } from "./loader.ts";
import { CorePackBuilder, type PackBuilder } from "./pack.ts";

const KEY_BYTES = 32;
const SIP_KEY_BYTES = 16;
const GEAR_BYTES = 2048;
/** BLAKE3's initial value, which is SHA-256's: the key of the plain hash. */
const PLAIN_KEY = [
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];

/** The keys of a store, 32 bytes each. */
export interface CoreOptions {
  readonly cutKey: Bytes;
  readonly dataIdKey: Bytes;
  readonly treeIdKey: Bytes;
}

/** Two keys, so that a file never has the id of a tree. */
export type IdSpace = "data" | "tree";

export interface Core {
  /** Needed before `cut` and the ids; the plain and the keyed hash work without. */
  setKeys(options: CoreOptions): void;

  /** For tests: other lengths of chunks than the format's. Begins a new file. */
  setCutParameters(parameters: CutParameters): void;

  /** The length of the input area. */
  readonly inputBytes: number;

  /** A view into the input area. */
  input(offset: number, length: number): Uint8Array;

  /** Moves bytes within the input area; the two places may overlap. */
  moveInput(from: number, to: number, length: number): void;

  /** The id of bytes in the input area. */
  id(space: IdSpace, offset: number, length: number): Uint8Array<ArrayBuffer>;

  /** The same, written to `target` from `targetOffset` on. */
  idInto(
    space: IdSpace,
    offset: number,
    length: number,
    target: Uint8Array,
    targetOffset: number,
  ): void;

  /** The id of bytes from anywhere; leaves the input area alone. */
  idOf(space: IdSpace, bytes: Bytes): Uint8Array<ArrayBuffer>;

  blake3(bytes: Bytes): Uint8Array<ArrayBuffer>;

  /** Keyed BLAKE3 with up to 4,096 bytes of output; 32 if nothing is said. */
  keyedBlake3(key: Bytes, bytes: Bytes, outputBytes?: number): Uint8Array<ArrayBuffer>;

  /** Forgets what was scanned: the next `cut` is at the beginning of a file. */
  startFile(): void;

  /**
   * The length of the chunk that starts at `offset`, or 0 if the `available` bytes there don't
   * decide it yet; then the next call gives them again (perhaps moved) with more behind them. At
   * the end of a file, `final`, it is 0 only where no bytes are left.
   */
  cut(offset: number, available: number, final: boolean): number;

  readonly pack: PackBuilder;
}

/** Makes a core, in main or in a Worker; a compiled module is shared by several. */
export function instantiateCore(wasm: BufferSource | WebAssembly.Module): Core {
  return new WasmCore(instantiateExports(wasm));
}

class WasmCore implements Core {
  readonly inputBytes: number;
  readonly pack: PackBuilder;
  readonly #core: CoreExports;
  readonly #memory: Uint8Array;
  readonly #scratch: Uint8Array;
  readonly #output: Uint8Array;
  #hasKeys = false;

  constructor(core: CoreExports) {
    const pieceBytes = core.PIECE_BYTES.value;
    assert(pieceBytes === core.SCRATCH_BYTES.value, "scratch holds a piece");
    this.#core = core;
    this.#memory = new Uint8Array(core.memory.buffer);
    this.#scratch = this.#memory.subarray(core.SCRATCH_PTR.value).subarray(0, pieceBytes);
    this.#output = this.#memory.subarray(core.OUTPUT_PTR.value).subarray(0, ID_BYTES);
    this.inputBytes = core.INPUT_BYTES.value;
    this.pack = new CorePackBuilder(core);
    const plainKey = new Uint8Array(new Uint32Array(PLAIN_KEY).buffer);
    this.#memory.set(plainKey, core.PLAIN_KEY_PTR.value);
    this.setCutParameters(CUT_PARAMETERS);
  }

  setKeys({ cutKey, dataIdKey, treeIdKey }: CoreOptions): void {
    const core = this.#core;
    this.#setKey(core.DATA_KEY_PTR.value, dataIdKey);
    this.#setKey(core.TREE_KEY_PTR.value, treeIdKey);
    const gear = this.keyedBlake3(cutKey, utf8("bunker/1 gear"), GEAR_BYTES);
    this.#memory.set(gear, core.GEAR_PTR.value);
    const sipKey = this.keyedBlake3(cutKey, utf8("bunker/1 cut"), SIP_KEY_BYTES);
    this.#memory.set(sipKey, core.SIP_KEY_PTR.value);
    this.#hasKeys = true;
    this.startFile();
  }

  setCutParameters(parameters: CutParameters): void {
    const { minimum, average, maximum, strictThreshold, laxThreshold } = parameters;
    const windowBytes = this.#core.WINDOW_BYTES.value;
    assert(minimum >= windowBytes, `a chunk has at least ${windowBytes} bytes`);
    assert(minimum <= average && average <= maximum, "the average lies between the extremes");
    assert(maximum <= this.inputBytes, "the longest chunk fits the input area");
    this.#core.setCutter(minimum, average, maximum, strictThreshold, laxThreshold);
  }

  input(offset: number, length: number): Uint8Array {
    const ptr = this.#inputPtr(offset, length);
    const view = new Uint8Array(this.#core.memory.buffer, ptr, length);
    assert(view.length === length, "a view of the core's memory has its length");
    return view;
  }

  moveInput(from: number, to: number, length: number): void {
    const source = this.#inputPtr(from, length);
    this.#memory.copyWithin(this.#inputPtr(to, length), source, source + length);
  }

  id(space: IdSpace, offset: number, length: number): Uint8Array<ArrayBuffer> {
    const id = new Uint8Array(ID_BYTES);
    this.idInto(space, offset, length, id, 0);
    return id;
  }

  // Five parameters, for this is called once for every chunk there is.
  // oxlint-disable-next-line max-params
  idInto(
    space: IdSpace,
    offset: number,
    length: number,
    target: Uint8Array,
    targetOffset: number,
  ): void {
    assert(this.#output.length === ID_BYTES, "a view of the core's memory has its length");
    this.#core.hash(this.#idKeyPtr(space), this.#inputPtr(offset, length), length);
    target.set(this.#output, targetOffset);
  }

  idOf(space: IdSpace, bytes: Bytes): Uint8Array<ArrayBuffer> {
    return this.#hash(this.#idKeyPtr(space), bytes, ID_BYTES);
  }

  blake3(bytes: Bytes): Uint8Array<ArrayBuffer> {
    return this.#hash(this.#core.PLAIN_KEY_PTR.value, bytes, ID_BYTES);
  }

  keyedBlake3(key: Bytes, bytes: Bytes, outputBytes: number = ID_BYTES): Uint8Array<ArrayBuffer> {
    const outputBytesMax = this.#core.OUTPUT_BYTES.value;
    assert(outputBytes > 0 && outputBytes <= outputBytesMax, "the output fits its area");
    const keyPtr = this.#core.LOOSE_KEY_PTR.value;
    this.#setKey(keyPtr, key);
    return this.#hash(keyPtr, bytes, outputBytes);
  }

  startFile(): void {
    this.#core.startCut();
  }

  cut(offset: number, available: number, final: boolean): number {
    assert(this.#hasKeys, "the core has its keys");
    const length = this.#core.cut(this.#inputPtr(offset, available), available, final ? 1 : 0);
    assert(length >= 0 && length <= available, "a chunk ends within what is there");
    return length;
  }

  #hash(keyPtr: number, bytes: Bytes, outputBytes: number): Uint8Array<ArrayBuffer> {
    const scratch = this.#scratch;
    const scratchPtr = this.#core.SCRATCH_PTR.value;
    assert(scratch.length > 0, "a view of the core's memory has its length");
    this.#core.hashBegin(keyPtr);
    let at = 0;
    for (; bytes.length - at > scratch.length; at += scratch.length) {
      scratch.set(bytes.subarray(at, at + scratch.length));
      this.#core.hashPiece(scratchPtr);
    }
    scratch.set(bytes.subarray(at));
    this.#core.hashEnd(scratchPtr, bytes.length - at, outputBytes);
    const outputPtr = this.#core.OUTPUT_PTR.value;
    return new Uint8Array(this.#core.memory.buffer, outputPtr, outputBytes).slice();
  }

  #setKey(ptr: number, key: Bytes): void {
    assert(key.length === KEY_BYTES, `a key has ${KEY_BYTES} bytes, not ${key.length}`);
    this.#memory.set(key, ptr);
  }

  #idKeyPtr(space: IdSpace): number {
    assert(this.#hasKeys, "the core has its keys");
    return space === "data" ? this.#core.DATA_KEY_PTR.value : this.#core.TREE_KEY_PTR.value;
  }

  #inputPtr(offset: number, length: number): number {
    const whole = Number.isInteger(offset) && Number.isInteger(length);
    const within = offset >= 0 && length >= 0 && offset + length <= this.inputBytes;
    assert(whole && within, `input has no ${length} bytes at ${offset}`);
    return this.#core.INPUT_PTR.value + offset;
  }
}
