// Read list: the files that a backup reads because they are new or have changed, line by line.
//
// The backup tells of them in the midst of its work and does not wait: the lines are gathered, and
// written when it lets others work.

import { type Bytes, copyBytes } from "../base/bytes.ts";
import { type EntryEvent, pathIn } from "../source/source.ts";
import { jsonName, jsonText, printableName } from "./names.ts";
import type { Output } from "./output.ts";

const LINE_COUNT_MAX = 256;

export class ReadList {
  /** Files that are read, and what they hold. */
  fileCount = 0;
  bytes = 0;
  readonly #output: Output;
  readonly #format: ((path: Bytes, bytes: number) => string) | undefined;
  #lines: string[] = [];
  #writing: Promise<void> = Promise.resolve();

  /** Without `shown` it counts only. */
  constructor(
    output: Output,
    { shown, json }: { readonly shown: boolean; readonly json: boolean },
  ) {
    this.#output = output;
    if (shown) this.#format = json ? jsonLine : printableName;
  }

  note({ folder, metadata }: EntryEvent): void {
    this.fileCount += 1;
    this.bytes += metadata.size;
    if (this.#format === undefined) return;
    this.#lines.push(this.#format(copyBytes(pathIn(folder, metadata.name)), metadata.size));
  }

  /** Lets others work, and writes what is gathered if that is much. */
  breathe(breathe: () => Promise<void> | undefined): Promise<void> | undefined {
    const breath = breathe();
    if (this.#lines.length < LINE_COUNT_MAX) return breath;
    return breath === undefined ? this.write() : breath.then(() => this.write());
  }

  /** Writes what is gathered. */
  write(): Promise<void> {
    const lines = this.#lines;
    this.#lines = [];
    this.#writing = this.#writing.then(async () => {
      for (const line of lines) await this.#output.line(line);
    });
    return this.#writing;
  }
}

function jsonLine(path: Bytes, bytes: number): string {
  return jsonText({ ...jsonName(path, "path"), bytes });
}
