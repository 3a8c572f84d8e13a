// Secret file: a new file for a phrase or a key, made before what it shall hold.
//
// It comes first, since a store whose phrase can't be written must not be made. However the command
// ends before the secret is good for anything, by a signal too, the file goes away again.

import {
  closeSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  unlinkSync,
  writeSync,
} from "node:fs";

import { BunkerError, fromSystemError, ofThisMachine } from "../base/errors.ts";

export class SecretFile implements Disposable {
  readonly #path: string;
  readonly #file: number;
  #isKept = false;
  #isClosed = false;
  readonly #abandon = () => this[Symbol.dispose]();

  private constructor(path: string, file: number) {
    this.#path = path;
    this.#file = file;
    process.on("exit", this.#abandon);
  }

  /** Makes the file, for this user alone. Throws `exists` where the name is taken. */
  static create(path: string): SecretFile {
    try {
      return new SecretFile(path, openSync(path, "wx", 0o600));
    } catch (error) {
      const failure = ofThisMachine(fromSystemError(error, `making ${path}`, path));
      if (failure.code !== "exists") throw failure;
      throw new BunkerError("exists", `${path} is there already`, {
        cause: error,
        subject: path,
        hint: "name a new file: a secret is not written into one that others may have open",
      });
    }
  }

  /** Writes the secret, durably. */
  write(text: string): void {
    try {
      writeSync(this.#file, `${text}\n`);
      fsyncSync(this.#file);
    } catch (error) {
      throw ofThisMachine(fromSystemError(error, `writing ${this.#path}`, this.#path));
    }
  }

  /** From here on the file stays: what its secret is for has come about. */
  keep(): void {
    this.#isKept = true;
  }

  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    process.off("exit", this.#abandon);
    if (!this.#isKept) this.#remove();
    closeSync(this.#file);
  }

  // Only the file that was made here: somebody may have put another one in its place.
  #remove(): void {
    try {
      const [own, named] = [fstatSync(this.#file), lstatSync(this.#path)];
      if (own.ino === named.ino && own.dev === named.dev) unlinkSync(this.#path);
    } catch {
      // It is gone, or can't be removed: the error that led here is the one to tell.
    }
  }
}
