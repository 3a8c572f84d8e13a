// Attributes: the extended attributes of a file, as the trees of a snapshot hold them.
//
// What can't be read costs a complaint, not the file.

import { type Bytes, compareBytes, textOf } from "../base/bytes.ts";
import type { Metadata } from "../base/entry.ts";
import { BunkerError, messageOf, systemCodeOf } from "../base/errors.ts";
import type { Subject } from "../system/attributes.ts";
import { isKept } from "../system/attribute-names.ts";
import type { FileSystem } from "../system/files.ts";

export type Attributes = NonNullable<Metadata["attributes"]>;

export interface AttributesRead {
  /** Sorted by name. */
  readonly attributes: Attributes;
  /** What is missing, and why; for people. */
  readonly complaint?: string;
}

/** Names and values together; with holes and content an entry stays below its bound. */
export const ATTRIBUTE_BYTES_MAX = 512 * 1024;

const NONE: AttributesRead = { attributes: [] };

/** Reads the attributes of something that is open, or of a name in a folder. */
export function readAttributes(files: FileSystem, of: Subject, deviceId?: number): AttributesRead {
  try {
    const names = files.attributes.list(of, deviceId);
    return names.length === 0 ? NONE : readAll(files, of, names.filter(isKept));
  } catch (error) {
    if (systemCodeOf(error) === undefined) throw error;
    return { attributes: [], complaint: unread(messageOf(error)) };
  }
}

// One that can't be read, or has no room, costs itself alone: the others are kept.
function readAll(files: FileSystem, of: Subject, names: readonly Bytes[]): AttributesRead {
  const attributes: { readonly name: Bytes; readonly value: Bytes }[] = [];
  const failures: string[] = [];
  let byteCount = 0;
  for (const name of names.toSorted(compareBytes)) {
    try {
      const value = files.attributes.get(of, name);
      if (value === undefined) continue; // Removed meanwhile.
      const total = byteCount + name.length + value.length;
      if (total > ATTRIBUTE_BYTES_MAX) throw new BunkerError("io", TOO_LARGE);
      byteCount = total;
      attributes.push({ name, value });
    } catch (error) {
      if (!(error instanceof BunkerError) && systemCodeOf(error) === undefined) throw error;
      failures.push(`${textOf(name)}: ${messageOf(error)}`);
    }
  }
  const [first] = failures;
  if (first === undefined) return { attributes };
  const more = failures.length > 1 ? `, and ${failures.length - 1} more` : "";
  return { attributes, complaint: unread(`${first}${more}`, "some of its") };
}

const TOO_LARGE = `expected at most ${ATTRIBUTE_BYTES_MAX} bytes of attributes, found more`;

function unread(why: string, which = "its"): string {
  return `it was stored without ${which} extended attributes: ${why}`;
}
