// Exchange: a request as it came in, and the answer to it. Types only.

import type { Content } from "./content.ts";
import type { FaultKind } from "./faults.ts";
import type { AppKey } from "./keys.ts";
import type { Operation } from "./operations.ts";

/** What came in, before anybody has asked who sent it. */
export interface Target {
  readonly method: string;
  /** As sent: never normalised, so that "." and ".." segments and "//" stay. */
  readonly rawPath: string;
  readonly rawQuery: string;
  readonly query: ReadonlyMap<string, string>;
  /** Names in lower case; values of repeated ones joined by commas. */
  readonly headers: ReadonlyMap<string, string>;
  readonly bucket: string | undefined;
  readonly key: string | undefined;
  readonly operation: Operation;
}

export interface Body {
  readonly content: Content;
  /** Lower-case hex. */
  readonly md5: string;
  readonly sha256: string;
}

export interface Request extends Target {
  readonly by: AppKey;
  readonly body: Body;
  readonly now: number;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | { content: Content; offset: number; length: number };
}

/** One call as it went, for counting. */
export interface RequestRecord {
  /** "Unknown" where it was not even a call. */
  readonly operation: Operation | "Unknown";
  readonly method: string;
  readonly bucket: string | undefined;
  readonly key: string | undefined;
  readonly query: ReadonlyMap<string, string>;
  readonly headers: ReadonlyMap<string, string>;
  fault: FaultKind | undefined;
  /** Of bodies. */
  bytesIn: number;
  bytesOut: number;
  /** 0 while there is no answer. */
  status: number;
  /** S3's word for the error. */
  code: string | undefined;
}
