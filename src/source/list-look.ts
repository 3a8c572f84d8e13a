// List look: what of a list is there, and where it really is.
//
// A listed path that leads through a link is named by where it leads, or one file might be stored
// under two names. Listed links themselves are kept as links, as they are in a walk. What is listed
// is looked at in order, folder by folder, so that a million names cost a look each and no more.

import { statSync } from "node:fs";
import { type Bytes, copyBytes, equalBytes, textOf } from "../base/bytes.ts";
import { BunkerError, fromSystemError, systemCodeOf } from "../base/errors.ts";
import type { Monitor } from "../base/monitor.ts";
import type { Descriptor, FileSystem } from "../system/files.ts";
import { openFolderPath } from "../system/paths.ts";
import { type Tally, tallied, tallyText } from "./list-keys.ts";
import { folderBytes, isIn, keyOf, type PathSet, pathOfKey } from "./path-set.ts";
import { realPathOf } from "./roots.ts";

const TOP: Bytes = new Uint8Array(0);

/** The folder of the path that was looked at last. */
interface Place {
  readonly key: Bytes;
  readonly realKey: Bytes;
  /** Absent where it can't be opened, which is why. */
  readonly descriptor?: Descriptor;
  readonly error?: unknown;
}

export class ListLook {
  /** Keys of folders above listed paths that can be passed through, and can't be opened. */
  readonly closed: Bytes[] = [];
  readonly #files: FileSystem;
  readonly #monitor: Monitor;
  readonly #links: Tally = { count: 0, first: "" };
  readonly #through: Tally;
  #place: Place | undefined;
  /** The last folder that could be opened. */
  #last: Bytes | undefined;

  /** `through` counts what lies behind links. */
  constructor(files: FileSystem, monitor: Monitor, through: Tally) {
    this.#files = files;
    this.#monitor = monitor;
    this.#through = through;
  }

  /** Leaves those in the set that are there, by where they are. The others are problems. */
  keepThere(set: PathSet): void {
    set.filter((key, place) => {
      try {
        const { folder, name, isMoved } = this.#look(key);
        if (isMoved) set.replace(place, folder, name);
        return true;
      } catch (error) {
        const subject = textOf(pathOfKey(key));
        this.#monitor.problem(
          subject,
          fromSystemError(error, "looking at what is listed", subject),
        );
        return false;
      }
    });
    this.#leave();
    if (this.#through.count > 0) set.sort();
    this.#tell(this.#through, "listed, and saved where it is behind a link");
    this.#tell(this.#links, "a listed link to a folder, kept as a link");
  }

  #look(key: Bytes): { readonly folder: Bytes; readonly name: Bytes; readonly isMoved: boolean } {
    const at = folderBytes(key);
    const name = key.subarray(at, key.length - 1);
    if (key.length === 0) return { folder: TOP, name: TOP, isMoved: false };
    const place = this.#placeOf(key, at);
    if (place.descriptor === undefined) throw place.error;
    const stat = this.#files.stat(place.descriptor, name);
    if (stat === undefined) throw notThere(key);
    const folder = place.realKey;
    const isMoved = folder !== place.key;
    if (stat.type === "link" && leadsToFolder(key)) tallied(this.#links, () => shown(key));
    if (isMoved) tallied(this.#through, () => shown(key));
    return { folder, name, isMoved };
  }

  // The first bytes of the key are the folder's.
  #placeOf(key: Bytes, bytes: number): Place {
    const last = this.#place;
    if (last !== undefined && last.key.length === bytes && isIn(key, last.key)) return last;
    this.#leave();
    this.#place = this.#openPlace(key.slice(0, bytes));
    if (this.#place.descriptor !== undefined) this.#findClosed(this.#place.realKey);
    return this.#place;
  }

  #openPlace(key: Bytes): Place {
    const path = pathOfKey(key);
    const real = realPathOf(path);
    const realKey = real === undefined || equalBytes(real, path) ? key : keyOf(real);
    try {
      return { key, realKey, descriptor: openFolderPath(this.#files, path) };
    } catch (error) {
      return { key, realKey, error };
    }
  }

  // Looks at the folders on the way that were not on the way to the last place.
  #findClosed(key: Bytes): void {
    const last = this.#last;
    this.#last = key;
    for (let bytes = key.length; bytes > 0;) {
      bytes = folderBytes(key.subarray(0, bytes));
      const upper = key.subarray(0, bytes);
      if (last !== undefined && isIn(last, upper)) return;
      if (this.#isClosed(pathOfKey(upper))) this.closed.push(copyBytes(upper));
    }
  }

  #isClosed(path: Bytes): boolean {
    try {
      this.#files.close(openFolderPath(this.#files, path));
      return false;
    } catch (error) {
      return systemCodeOf(error) === "EACCES";
    }
  }

  #leave(): void {
    if (this.#place?.descriptor !== undefined) this.#files.close(this.#place.descriptor);
    this.#place = undefined;
  }

  #tell(tally: Tally, what: string): void {
    if (tally.count > 0) this.#monitor.notice(`${tallyText(tally)}: ${what}`);
  }
}

function notThere(key: Bytes): BunkerError {
  const subject = shown(key);
  return new BunkerError("not-found", `${subject}: no such file or folder`, { subject });
}

function shown(key: Bytes): string {
  return textOf(pathOfKey(key));
}

function leadsToFolder(key: Bytes): boolean {
  try {
    const found = statSync(Buffer.from(pathOfKey(key)), { throwIfNoEntry: false });
    return found?.isDirectory() === true;
  } catch {
    return false; // It leads nowhere, or where nobody may look: a link like others.
  }
}
