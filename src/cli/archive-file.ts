// Archive file: where an archive goes that has a name of its own.
//
// It is written beside that name, as a part, and gets the name when it is whole. However the command
// ends before that, by a signal too, the part goes away again.

import {
  closeSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";

import { type Bytes, textOf } from "../base/bytes.ts";
import { BunkerError, fromSystemError, ofThisMachine, systemCodeOf } from "../base/errors.ts";
import { newPartName } from "../destination/names.ts";

/** What a file system says that knows no second names of a file. */
const NO_LINKS: readonly string[] = ["EPERM", "EOPNOTSUPP", "ENOTSUP", "ENOSYS"];

const BUFFER_BYTES = 256 * 1024;

export class ArchiveFile implements Disposable {
  readonly #path: string;
  readonly #part: string;
  readonly #replace: boolean;
  readonly #file: number;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  #filled = 0;
  #isDone = false;
  #isClosed = false;
  readonly #abandon = () => this[Symbol.dispose]();

  private constructor(path: string, part: string, replace: boolean) {
    this.#path = path;
    this.#part = part;
    this.#replace = replace;
    this.#file = openSync(part, "wx", 0o600);
    process.on("exit", this.#abandon);
  }

  /**
   * Makes a part beside `path`. Throws `exists` where something has the name and is not to be
   * replaced; only a file or a link ever is.
   */
  static create(path: string, replace: boolean): ArchiveFile {
    refuseExisting(path, replace);
    const part = join(dirname(path), textOf(newPartName()));
    return doing("making", path, () => new ArchiveFile(path, part, replace));
  }

  /** Takes bytes, which are the caller's again when it returns. Throws what the system says. */
  write(bytes: Bytes): void {
    if (bytes.length > BUFFER_BYTES - this.#filled) this.#flush();
    if (bytes.length > BUFFER_BYTES) {
      this.#writeAll(bytes);
      return;
    }
    this.#buffer.set(bytes, this.#filled);
    this.#filled += bytes.length;
  }

  /** All of it is there: makes it durable and gives it its name. */
  finish(): void {
    this.#flush();
    doing("finishing", this.#path, () => {
      fsyncSync(this.#file);
      if (this.#replace) renameSync(this.#part, this.#path);
      else this.#giveNewName();
    });
    this.#isDone = true;
  }

  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    process.off("exit", this.#abandon);
    closeSync(this.#file);
    if (!this.#isDone) removeQuietly(this.#part);
  }

  #flush(): void {
    this.#writeAll(this.#buffer.subarray(0, this.#filled));
    this.#filled = 0;
  }

  #writeAll(bytes: Bytes): void {
    doing("writing", this.#path, () => {
      for (let at = 0; at < bytes.length;) at += writeSync(this.#file, bytes, at);
    });
  }

  // A link is refused where the name was taken meanwhile; rename would replace what is there.
  #giveNewName(): void {
    try {
      linkSync(this.#part, this.#path);
      removeQuietly(this.#part);
    } catch (error) {
      if (!NO_LINKS.includes(systemCodeOf(error) ?? "")) throw error;
      refuseExisting(this.#path, false);
      renameSync(this.#part, this.#path);
    }
  }
}

function refuseExisting(path: string, replace: boolean): void {
  const found = doing("looking at", path, () => lstatSync(path, { throwIfNoEntry: false }));
  if (found === undefined) return;
  if (!found.isFile() && !found.isSymbolicLink()) {
    const what = found.isDirectory() ? "a folder" : "something else";
    throw new BunkerError("exists", `${path}: expected a new file, found ${what}`, {
      subject: path,
      hint: "name a file: --to FILE, or --to - for stdout",
    });
  }
  if (replace) return;
  throw new BunkerError("exists", `${path} is there already`, {
    subject: path,
    hint: "choose another name, or give --overwrite",
  });
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It is gone already, or out of reach: the error that led here says more.
  }
}

function doing<T>(what: string, path: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    throw ofThisMachine(fromSystemError(error, `${what} ${path}`, path));
  }
}
