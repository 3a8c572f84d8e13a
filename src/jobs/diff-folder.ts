// Diff with a folder: what has changed on this machine since a snapshot was made.

import { type Bytes, textOf } from "../base/bytes.ts";
import type { Entry } from "../base/entry.ts";
import { fromSystemError, isDamage } from "../base/errors.ts";
import type { Monitor } from "../base/monitor.ts";
import { type EntryEvent, pathIn } from "../source/source.ts";
import { NO_ATTRIBUTES } from "../system/attributes.ts";
import type { FileSystem } from "../system/files.ts";
import type { Branch } from "./branch.ts";
import { type Change, diff, type DiffOptions, type EntryBranch } from "./diff.ts";
import { type Field, hasSameTime } from "./diff-fields.ts";
import { type LiveBranch, LiveTree, type OpenSource } from "./live-tree.ts";
import type { SameContent } from "./same-content.ts";

export interface FolderDiffOptions extends Omit<DiffOptions, "sameContent" | "isRemoved"> {
  readonly open: OpenSource;
  readonly files: FileSystem;
  readonly monitor: Monitor;
  /** Reads a file whose size and time don't tell whether it has changed. */
  readonly content: SameContent;
  /** Size and time are never enough. */
  readonly readsAll: boolean;
}

/** All changes from a snapshot's branch to what is there now; what can't be read is a problem. */
export async function* diffWithFolder(
  before: Branch,
  options: FolderDiffOptions,
): AsyncGenerator<Change> {
  const live = new LiveTree(options.open, options.files, options.monitor);
  try {
    yield* diff(before, await live.top(), {
      ...options,
      ignored:
        options.files.attributes === NO_ATTRIBUTES
          ? withAttributes(options.ignored)
          : options.ignored,
      sameContent: (entry, after) => isSame(entry, after, options),
      isRemoved: (path: Bytes) => live.isMissing(path),
    });
  } finally {
    live.close();
  }
}

// Where they can't be read nothing is said of them.
function withAttributes(ignored: ReadonlySet<Field>): ReadonlySet<Field> {
  return new Set<Field>([...ignored, "attributes"]);
}

function isSame(
  before: Entry,
  after: EntryBranch & Pick<LiveBranch, "event">,
  options: FolderDiffOptions,
): boolean | Promise<boolean> {
  const { entry } = after.node;
  if (entry.type !== "file" || after.event === undefined) return true;
  if (before.size !== entry.size) return false;
  // Another time alone says that it was written to, or only touched.
  if (!options.readsAll && hasSameTime(before, entry)) return true;
  return isReadSame(before, after.event, options);
}

async function isReadSame(
  before: Entry,
  event: EntryEvent,
  { content, monitor }: FolderDiffOptions,
): Promise<boolean> {
  try {
    return await content.isSame(before, event);
  } catch (error) {
    const subject = textOf(pathIn(event.folder, event.metadata.name));
    monitor.problem(subject, isDamage(error) ? error : fromSystemError(error, "reading", subject));
    return true;
  }
}
