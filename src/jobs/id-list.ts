// Id list: the ids of one file's chunks, joined, growing as the file is cut.

import { concatBytes } from "../base/bytes.ts";
import { ID_BYTES } from "../base/ids.ts";

export class IdList {
  #bytes = new Uint8Array(4 * ID_BYTES);
  #count = 0;

  /** The place of the next id, to be filled at once. */
  next(): Uint8Array<ArrayBuffer> {
    const at = this.#count * ID_BYTES;
    if (at === this.#bytes.length) this.#bytes = concatBytes(this.#bytes, new Uint8Array(at));
    this.#count += 1;
    return this.#bytes.subarray(at, at + ID_BYTES);
  }

  joined(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#count * ID_BYTES);
  }
}
