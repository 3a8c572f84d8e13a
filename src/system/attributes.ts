// Attributes: the extended attributes of a file system, ACLs and capabilities among them.
//
// A subject is what is open, or a name in a folder; a link is never followed. Failures are errors
// with the system's code.

import type { Bytes } from "../base/bytes.ts";
import type { EntryType } from "../base/entry.ts";
import { systemErrorOf } from "./failure.ts";
import type { Descriptor, Place } from "./files.ts";

/** A name in a folder, and what it has to be. */
export interface NamedSubject extends Place {
  readonly type: EntryType;
}

export type Subject = Descriptor | NamedSubject;

export interface AttributeCalls {
  /**
   * The names of a subject's attributes, in no order; none where the file system has none at all.
   * With `deviceId` that is remembered, and such a file system is not asked again.
   */
  list(of: Subject, deviceId?: number): readonly Bytes[];
  /** The value of one; `undefined` where it is gone. */
  get(of: Subject, name: Bytes): Bytes | undefined;
  set(of: Subject, name: Bytes, value: Bytes): void;
  /** Removes one that may be gone already. */
  remove(of: Subject, name: Bytes): void;
}

export const NO_NAMES: readonly Bytes[] = [];

/** Of a machine where they can't be reached. */
export const NO_ATTRIBUTES: AttributeCalls = {
  list: () => NO_NAMES,
  get: () => undefined,
  set() {
    throw systemErrorOf("ENOTSUP", "setting an attribute");
  },
  remove() {},
};
