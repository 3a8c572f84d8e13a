// Record: writes down which calls a storage gets and how many bytes they move, so that promises
// about speed can be tested as numbers of calls.

import { type CallKind, interceptStorage, type StorageCall } from "./intercept.ts";
import type { Range, Storage } from "./storage.ts";

export interface RecordedCall {
  readonly kind: CallKind;
  /** The object's name or the prefix; "" where there is none. */
  readonly name: string;
  readonly range?: Range;
  readonly versionId?: string;
  /** What a put carried or a get brought; 0 for all others and until the answer is there. */
  bytes: number;
  /** What a list has given so far. */
  items: number;
  failed: boolean;
}

export interface Recording {
  readonly storage: Storage;
  /** In the order in which they were begun; may be emptied between two parts of a test. */
  readonly calls: RecordedCall[];
  /** How many calls there were, of one kind or of all, whose names start with `prefix`. */
  readonly count: (kind?: CallKind, prefix?: string) => number;
}

/** Wraps `inner` in a storage that records its calls. */
export function recordStorage(inner: Storage): Recording {
  const calls: RecordedCall[] = [];
  const begin = ({ bytes, ...call }: StorageCall): RecordedCall => {
    const recorded = { ...call, bytes: bytes?.length ?? 0, items: 0, failed: false };
    calls.push(recorded);
    return recorded;
  };
  const storage = interceptStorage(inner, {
    async call(call, run) {
      const recorded = begin(call);
      try {
        const answer = await run();
        if (call.kind === "get" && answer instanceof Uint8Array) recorded.bytes = answer.length;
        return answer;
      } catch (error) {
        recorded.failed = true;
        throw error;
      }
    },
    async *listing(call, run) {
      const recorded = begin(call);
      try {
        for await (const item of run()) {
          recorded.items++;
          yield item;
        }
      } catch (error) {
        recorded.failed = true;
        throw error;
      }
    },
  });
  const count = (kind?: CallKind, prefix = "") =>
    calls.filter((call) => (kind ?? call.kind) === call.kind && call.name.startsWith(prefix))
      .length;
  return { storage, calls, count };
}
