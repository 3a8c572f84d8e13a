// Restore target: opens the folder to restore into, and finds out whether a restore goes on there.

import { createHash } from "node:crypto";
import { utf8 } from "../base/bytes.ts";
import { BunkerError, isBunkerError } from "../base/errors.ts";
import type { Destination } from "../destination/destination.ts";
import { DryDestination } from "../destination/dry.ts";
import type { FolderDestination } from "../destination/folder.ts";
import type { RestoreNotes } from "../destination/note.ts";
import { openFolderDestination, openRestoreNotes } from "../destination/open.ts";
import type { FolderIdentity } from "../destination/removal.ts";
import type { RestoreMode } from "../jobs/restore.ts";
import { makesWay } from "../jobs/restore-choice.ts";
import { bootName } from "../system/boot.ts";
import type { FileSystem } from "../system/files.ts";
import { locally } from "./exit.ts";
import type { OwnFolders } from "./own-folders.ts";
import type { RestoreWish } from "./restore-options.ts";

export interface RestoreTarget {
  readonly destination: Destination;
  /** Absent where nothing is made. */
  readonly folder: FolderDestination | undefined;
  readonly mode: RestoreMode;
  /** Present where the restore can be cut off and go on. */
  readonly notes?: RestoreNotes;
}

export interface TargetOrder {
  readonly wish: RestoreWish;
  /** What is restored, with the whole ids of snapshots: the same words mean the same. */
  readonly subjects: readonly string[];
  /** The patterns and whatever else makes another restore of it. */
  readonly rest: readonly string[];
  readonly own: OwnFolders;
  readonly files: FileSystem;
}

/** Throws `exists` where the target is not empty and may not be written into. */
export function openTarget(order: TargetOrder): RestoreTarget {
  return locally(() =>
    order.wish.overwrite === undefined ? openEmpty(order) : openExisting(order, {}),
  );
}

function openEmpty(order: TargetOrder): RestoreTarget {
  const { wish, files, subjects, rest } = order;
  const isDry = wish.isDry;
  const { target, numericIds } = wish;
  let folder: FolderDestination;
  try {
    folder = openFolderDestination(target, { create: !isDry, files, numericIds });
  } catch (error) {
    if (!isDry || !isBunkerError(error, "not-found")) throw error;
    return dryTarget(wish, undefined, {});
  }
  const notes = openRestoreNotes(target, files);
  const digits = digitsOf([...subjects, "", ...rest]);
  try {
    if (folder.isEmpty()) {
      const mode = { selection: wish.selection };
      if (isDry) return dryTarget(wish, folder, mode);
      const boot = bootName();
      notes.make(digits, {
        words: subjects.map(shortened),
        ...(boot === undefined ? {} : { boot }),
      });
      return { destination: folder, folder, mode, notes };
    }
    folder.close();
    const text = notes.take(digits);
    if (text === undefined) throw notEmpty(target, notes);
    // What was written before the machine was started again may not be on the disk as it was.
    const isSound = text.boot !== undefined && text.boot === bootName();
    const overwrite = isSound ? "if-changed" : "always";
    return { ...openExisting(order, { overwrite }), notes };
  } catch (error) {
    notes.close();
    throw error;
  }
}

function openExisting(
  { wish, own, files }: TargetOrder,
  { overwrite = wish.overwrite }: Pick<RestoreMode, "overwrite">,
): RestoreTarget {
  const { target, numericIds, selection, isInPlace, isDry } = wish;
  const deleting = wish.isDeleting ? { spared: identitiesOf(own, files) } : undefined;
  const mode: RestoreMode = {
    selection,
    inPlace: isInPlace,
    ...(overwrite === undefined ? {} : { overwrite }),
    ...(deleting === undefined ? {} : { deleting }),
  };
  const clearing = deleting !== undefined && makesWay(mode) ? { clearing: deleting } : {};
  if (!isDry) {
    const options = { create: true, existing: "replace", files, numericIds, ...clearing } as const;
    const folder = openFolderDestination(target, options);
    return { destination: folder, folder, mode };
  }
  try {
    // Nothing is replaced, and nothing that was cut off is removed.
    return dryTarget(wish, openFolderDestination(target, { files, numericIds }), mode);
  } catch (error) {
    if (!isBunkerError(error, "not-found")) throw error;
    return dryTarget(wish, undefined, mode);
  }
}

function dryTarget(
  { selection }: RestoreWish,
  real: FolderDestination | undefined,
  mode: RestoreMode,
): RestoreTarget {
  const destination = new DryDestination(real, { clearing: makesWay(mode) });
  return { destination, folder: undefined, mode: { selection, ...mode } };
}

function notEmpty(target: string, notes: RestoreNotes): BunkerError {
  const unfinished = notes.unfinished()?.words.join(" ");
  const hint = "choose another folder, or give --overwrite";
  return new BunkerError("exists", `${target} is not empty`, {
    subject: target,
    hint:
      unfinished === undefined || unfinished === ""
        ? hint
        : `a restore of ${unfinished} is not finished there: give the same words, ${hint}`,
  });
}

// The store, and what this machine keeps for bunker: they are never deleted.
function identitiesOf({ store, local }: OwnFolders, files: FileSystem): FolderIdentity[] {
  return [...(store === undefined ? [] : [store]), ...local].flatMap((path) => {
    try {
      const folder = files.openFolder(undefined, utf8(path));
      const { deviceId, inode } = files.statDescriptor(folder);
      files.close(folder);
      return [{ deviceId, inode }];
    } catch {
      return []; // It is not there, so it can't be in the way.
    }
  });
}

function digitsOf(words: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(words)).digest("hex").slice(0, 32);
}

// "<64 digits>:PATH" as people give it.
function shortened(subject: string): string {
  return subject.slice(0, 10) + subject.slice(64);
}
