// Found: the content of a file, known from the last time or read, and what its entry is made of.

import type { Bytes } from "../base/bytes.ts";
import type { Metadata } from "../base/entry.ts";
import type { StateNote } from "./attribute-planner.ts";
import type { FileItem } from "./items.ts";
import type { FileContent, FileOutcome } from "./tasks.ts";

type ReadOutcome = FileOutcome & { readonly kind: "read" };

export type FoundContent =
  | (Pick<FileContent, "extras" | "complaint"> & { readonly ids: Bytes; readonly kind?: "same" })
  | ReadOutcome;

/** What is known of a file without reading it; `undefined` where it was read. */
export function knownContentOf({ known, extras, complaint }: FileItem): FoundContent | undefined {
  if (known === undefined) return undefined;
  return {
    ids: known,
    ...(extras === undefined ? {} : { extras }),
    ...(complaint === undefined ? {} : { complaint }),
  };
}

/** A file's metadata as it was when its reading ended. */
export function metadataAfter(before: Metadata, outcome: ReadOutcome): Metadata {
  const { modified, mode, userId, groupId, size } = outcome;
  const { userName, groupName, ...others } = before;
  return {
    ...others,
    // Names are those of the numbers that the walk saw.
    ...(userName === undefined || userId !== before.userId ? {} : { userName }),
    ...(groupName === undefined || groupId !== before.groupId ? {} : { groupName }),
    size,
    modified,
    mode,
    userId,
    groupId,
  };
}

// What is known from an earlier backup is as old as can be. What this one was to overlook stays
// noted as it was: one that does not will see it.
function seenBefore(item: FileItem) {
  const { event, sameAs } = item;
  const first = sameAs ?? item;
  const { changed, inode } = first.seenAs ?? event;
  const sent = first.sentAtMs;
  return { changed, inode, readAtMs: sent ?? Number.POSITIVE_INFINITY };
}

/**
 * What the next backup is to know of a file. What was not read as a whole is read again the next
 * time, and complained of again.
 */
export function stateOf(
  item: FileItem,
  metadata: Metadata,
  found: FoundContent,
): StateNote | undefined {
  if (found.complaint !== undefined || (found.kind === "read" && found.unstable)) return undefined;
  const { changed, inode, readAtMs } = found.kind === "read" ? found : seenBefore(item);
  const facts = { changed, inode, modified: metadata.modified, size: metadata.size };
  const place = { folder: item.folder, name: metadata.name };
  return { place, facts, known: found, readAtMs };
}
