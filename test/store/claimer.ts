// A Worker for the claims' test: claims the same ids as another one, in an order of its own.

import { Claims } from "../../src/store/claims.ts";
import { seededRandom } from "../support/random.ts";

export interface ClaimOrder {
  readonly memory: SharedArrayBuffer;
  /** Raised by each Worker when it is ready; all begin at once. */
  readonly start: SharedArrayBuffer;
  readonly workers: number;
  readonly count: number;
  readonly reversed: boolean;
}

declare const self: Worker;

self.onmessage = ({ data }: MessageEvent<ClaimOrder>) => {
  const claims = new Claims(data.memory);
  const random = seededRandom(5);
  const ids = Array.from({ length: data.count }, () => random.bytes(32));
  const order = ids.map((_, i) => (data.reversed ? ids.length - 1 - i : i));
  const start = new Int32Array(data.start);
  Atomics.add(start, 0, 1);
  while (Atomics.load(start, 0) < data.workers) Atomics.pause();
  self.postMessage(order.filter((i) => claims.claim(ids[i]!)));
};
