// Read ahead: the chunks of a file in order, a few of them fetched at once.

import type { Bytes } from "../base/bytes.ts";
import type { BlobId } from "../base/ids.ts";
import type { BlobReader } from "../store/blobs.ts";

/** At most 4 MiB each. */
const AHEAD_COUNT = 3;

/** The plain chunks, each verified. Throws what `BlobReader.read` throws. */
export async function* readAhead(
  reader: BlobReader,
  ids: readonly BlobId[],
): AsyncGenerator<Bytes> {
  const reading: Promise<Bytes>[] = [];
  for (let next = 0; next < ids.length || reading.length > 0;) {
    while (next < ids.length && reading.length < AHEAD_COUNT) {
      const chunk = reader.read("data", ids[next++]!);
      chunk.catch(() => undefined); // It is awaited in its turn, unless an earlier one fails.
      reading.push(chunk);
    }
    yield await reading.shift()!;
  }
}
