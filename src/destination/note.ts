// The note of a restore: a file in the target, as long as the restore is not finished. The next run
// of the same command finds it, and goes on in a folder that is not empty any more.

import { readSync, writeSync } from "node:fs";
import { textOf, utf8 } from "../base/bytes.ts";
import { BunkerError, fromSystemError, systemCodeOf } from "../base/errors.ts";
import type { Descriptor, FileSystem } from "../system/files.ts";
import { tryLock } from "../system/lock.ts";
import { isNoteName, noteName } from "./names.ts";

export interface NoteText {
  /** The time since the machine was started (src/system/boot.ts): what was written later is whole. */
  readonly boot?: string;
  /** What is restored, as on the command line. */
  readonly words: readonly string[];
}

const NOTE_BYTES_MAX = 16 * 1024;
const NOTE_MODE = 0o600;
/** What the folder's owner needs to remove the note. */
const OPEN_MODE = 0o300;

export class RestoreNotes {
  readonly #files: FileSystem;
  readonly #folder: Descriptor;
  #own: { readonly name: Uint8Array; readonly descriptor: Descriptor } | undefined;

  /** `folder` becomes theirs. */
  constructor(files: FileSystem, folder: Descriptor) {
    this.#files = files;
    this.#folder = folder;
  }

  /**
   * Takes the note of this very restore, if it is there and this user's. Throws `busy` where that
   * restore is still running.
   */
  take(digits: string): NoteText | undefined {
    const name = noteName(digits);
    const found = this.#open(name);
    if (found === undefined) return undefined;
    this.#own = { name, descriptor: found.descriptor };
    if (tryLock(found.descriptor) === false) {
      throw new BunkerError("busy", "the same restore into this folder is still running");
    }
    return found.text;
  }

  /** Says what is restored from here on. */
  make(digits: string, text: NoteText): void {
    const name = noteName(digits);
    try {
      const descriptor = this.#files.createFile(this.#folder, name, NOTE_MODE);
      this.#own = { name, descriptor };
      tryLock(descriptor);
      writeSync(descriptor, linesOf(text));
    } catch (error) {
      throw fromSystemError(error, "noting what is restored, in the folder to restore into");
    }
  }

  /** What another restore has not finished, if there is one that is not running. */
  unfinished(): NoteText | undefined {
    const names = this.#files.list(this.#folder);
    for (let i = 0; i < names.count; i++) {
      const found = isNoteName(names.nameAt(i)) ? this.#open(names.nameAt(i)) : undefined;
      if (found === undefined) continue;
      this.#files.close(found.descriptor);
      return found.text;
    }
    return undefined;
  }

  /** The restore is finished: its note goes. */
  finish(): void {
    if (this.#own === undefined) return;
    try {
      this.#removeFrom(this.#own.name);
    } catch (error) {
      throw fromSystemError(
        error,
        "removing the note of the restore, in the folder to restore into",
      );
    }
  }

  // The folder has its own mode and time already, and keeps them.
  #removeFrom(name: Uint8Array): void {
    const { mode, modified, userId } = this.#files.statDescriptor(this.#folder);
    const isClosed = (mode & OPEN_MODE) !== OPEN_MODE && userId === process.geteuid?.();
    if (isClosed) this.#files.setMode(this.#folder, mode | OPEN_MODE);
    this.#files.remove(this.#folder, name);
    if (isClosed) this.#files.setMode(this.#folder, mode);
    try {
      this.#files.setModified(this.#folder, modified);
    } catch (error) {
      if (systemCodeOf(error) !== "EPERM") throw error; // Someone else's folder: nobody set its time.
    }
  }

  close(): void {
    if (this.#own !== undefined) this.#files.close(this.#own.descriptor);
    this.#files.close(this.#folder);
    this.#own = undefined;
  }

  // Somebody else's could lead us to replace what is there.
  #open(
    name: Uint8Array,
  ): { readonly descriptor: Descriptor; readonly text: NoteText } | undefined {
    let descriptor: Descriptor;
    try {
      descriptor = this.#files.openFile(this.#folder, name);
    } catch {
      return undefined; // None, or none that may be read.
    }
    const text = this.#read(descriptor);
    if (text === undefined) this.#files.close(descriptor);
    return text === undefined ? undefined : { descriptor, text };
  }

  #read(descriptor: Descriptor): NoteText | undefined {
    const { type, userId, links } = this.#files.statDescriptor(descriptor);
    if (type !== "file" || userId !== (process.geteuid?.() ?? userId)) return undefined;
    if (links !== 1) return undefined; // A second name makes no note of some file of this user.
    const bytes = new Uint8Array(NOTE_BYTES_MAX);
    const length = readSync(descriptor, bytes, 0, bytes.length, 0);
    return parseNote(textOf(bytes.subarray(0, length)));
  }
}

// A note that is empty is one all the same: of a restore that had hardly begun.
function parseNote(text: string): NoteText | undefined {
  if (text === "") return { words: [] };
  try {
    const { boot, words } = JSON.parse(text) as { boot?: unknown; words?: unknown };
    if (!Array.isArray(words)) return undefined;
    const known = words.filter((word) => typeof word === "string");
    return { words: known, ...(typeof boot === "string" ? { boot } : {}) };
  } catch {
    return undefined; // Some file of this user, moved here by someone else.
  }
}

// The words are for people alone.
function linesOf(text: NoteText): Uint8Array {
  const whole = utf8(`${JSON.stringify(text)}\n`);
  return whole.length <= NOTE_BYTES_MAX
    ? whole
    : utf8(`${JSON.stringify({ ...text, words: [] })}\n`);
}
