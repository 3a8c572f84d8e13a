// Ranges: how chunks of a pack are fetched together.

import { GRID_BYTES } from "../store/pack-bytes.ts";

/** Ranges end at so many bytes, and cross gaps of at most so many. */
const RANGE_BYTES_MAX = 4 * 1024 * 1024;
const GAP_BYTES_MAX = 64 * 1024;

export interface Span {
  readonly offset: number;
  readonly length: number;
}

/** The range that has `next` too, which lies behind its beginning; `undefined` where that is too far. */
export function joined({ offset, length }: Span, next: Span): Span | undefined {
  const whole = Math.max(length, next.offset + next.length - offset);
  const isNear = next.offset - (offset + length) <= GAP_BYTES_MAX;
  const isShort = next.offset + next.length - offset <= RANGE_BYTES_MAX;
  return isNear && isShort ? { offset, length: whole } : undefined;
}

/** As it is asked for: on the grid, so that what is read says little of what is wanted. */
export function onGrid({ offset, length }: Span): Span {
  const start = Math.floor(offset / GRID_BYTES) * GRID_BYTES;
  const end = Math.ceil((offset + length) / GRID_BYTES) * GRID_BYTES;
  return { offset: start, length: end - start };
}
