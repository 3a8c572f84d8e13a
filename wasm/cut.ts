// The cutter: where a file is cut into chunks.
//
// Cuts follow the content, so that bytes inserted at one place move the chunks behind them but do
// not change them. Two keyed functions find them, for one is not enough: whoever sees the lengths
// of chunks of known files learns something about the gear, and with a gear alone 712 known cuts
// gave away its table in a simulation. So the gear only *nominates* a place, about once in 1,024
// bytes; SipHash under a key of its own, over the raw 64 bytes before the place, *decides*.
//
// A chunk has at least `minimum` bytes: nothing before is looked at but the window that ends
// there. The places behind each further byte may be cuts; up to the average length the decision is
// strict, from there on lax ("normalised chunking", FastCDC), so that lengths crowd around the
// average; at the maximum, and at the end of the file, there is always a cut.
//
// The caller gives what it has, appended directly behind; what was scanned is not scanned again.
// Only the number of scanned bytes is kept: the window before them is warmed up anew, so where the
// data was split makes no difference.

import { rollGear, warmGear } from "./gear";
import { sipHashWindow, WINDOW_BYTES } from "./sip";

let minimum: usize = 0;
let average: usize = 0;
let maximum: usize = 0;
let strictBelow: u64 = 0;
let laxBelow: u64 = 0;
let scanned: usize = 0;

/** Sets the lengths (64 <= minimum <= average <= maximum) and what SipHash must be below for a cut. */
export function setCutter(
  minimumBytes: usize,
  averageBytes: usize,
  maximumBytes: usize,
  strictThreshold: u64,
  laxThreshold: u64,
): void {
  minimum = minimumBytes;
  average = averageBytes;
  maximum = maximumBytes;
  strictBelow = strictThreshold;
  laxBelow = laxThreshold;
  scanned = 0;
}

export function startCut(): void {
  scanned = 0;
}

/**
 * The length of the chunk that starts at `ptr`, or 0 if `byteCount` bytes don't decide it yet;
 * after a length the next chunk begins. `final` is 1 at the end of a file.
 */
export function cut(ptr: usize, byteCount: usize, final: u32): usize {
  const limit = min(byteCount, maximum);
  let length = scan(ptr, max(scanned, minimum), min(limit, average), strictBelow);
  if (!length) length = scan(ptr, max(scanned, average), limit, laxBelow);
  if (!length && byteCount >= maximum) length = maximum;
  if (!length && final) length = byteCount;
  scanned = length ? 0 : limit;
  return length;
}

/** The length at the first cut behind one of the bytes from `from` to `to`, or 0. */
function scan(start: usize, from: usize, to: usize, below: u64): usize {
  if (from >= to) return 0;
  let at = start + from;
  const end = start + to;
  let refused: usize = 0;
  warmGear(at);
  while ((at = rollGear(at, end))) {
    const window = at - WINDOW_BYTES;
    // In a run of equal bytes every place may be nominated: an equal window has an equal answer.
    if (refused && memory.compare(window, refused, WINDOW_BYTES) == 0) continue;
    if (sipHashWindow(window) < below) return at - start;
    refused = window;
  }
  return 0;
}
