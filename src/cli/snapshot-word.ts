// Snapshot words: `SNAP` and `SNAP:PATH`, as people type them.

import { type Bytes, utf8 } from "../base/bytes.ts";
import { BunkerError } from "../base/errors.ts";

export interface SnapshotWord {
  /** Digits of an id, or "latest". */
  readonly id: string;
  readonly tag?: string;
  /** Something inside; absent: all of it. */
  readonly path?: Bytes;
}

/**
 * Reads `ID`, `latest`, `latest:TAG`, and any of them with `:PATH`. Behind `latest:`, what begins
 * with a slash or a dot is a path; else the next word is a tag. Throws `invalid-argument`.
 */
export function parseSnapshotWord(word: string): SnapshotWord {
  const colon = word.indexOf(":");
  const id = colon < 0 ? word : word.slice(0, colon);
  const rest = colon < 0 ? undefined : word.slice(colon + 1);
  if (id !== "latest" && !/^[0-9a-f]{4,64}$/.test(id)) {
    throw new BunkerError(
      "invalid-argument",
      `${word}: expected 4 or more digits of a snapshot's id, or latest`,
      {
        hint: "list the snapshots with: bunker snapshots",
      },
    );
  }
  if (rest === undefined || rest === "") return { id };
  if (id !== "latest" || /^[./]/.test(rest)) return { id, path: utf8(rest) };
  const next = rest.indexOf(":");
  if (next < 0) return { id, tag: rest };
  const path = rest.slice(next + 1);
  return { id, tag: rest.slice(0, next), ...(path === "" ? {} : { path: utf8(path) }) };
}
