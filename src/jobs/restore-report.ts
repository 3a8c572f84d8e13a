// Restore report: what a restore has done, what went wrong, and where.

import { BunkerError, isBunkerError } from "../base/errors.ts";
import type { Monitor } from "../base/monitor.ts";
import type { FolderPath } from "../destination/destination.ts";
import { textOfPath } from "../destination/names.ts";

export interface RestoreCounts {
  /** Files that were made or replaced. */
  files: number;
  folders: number;
  others: number;
  bytes: number;
  problems: number;
  /** Of files and others: how many took the place of something. */
  replaced: number;
  /** Files and others that were there as the snapshot has them. */
  left: number;
  /** Those that were there otherwise, and stayed by the user's wish. */
  skipped: number;
  deleted: number;
  /** Bytes of content that came out of the store. */
  fetchedBytes: number;
}

/** What is done, or would be, with a path. */
export type StepKind = "make" | "replace" | "delete";
export type OnStep = (kind: StepKind, path: FolderPath) => Promise<void>;

export interface ReportParts {
  readonly monitor: Monitor;
  readonly totals?: { readonly filesTotal: number; readonly bytesTotal: number };
  readonly hasRoom: () => boolean;
  readonly onStep?: OnStep;
}

/** Beyond so many paths that lead to a problem, one is taken to be everywhere. */
const FAILED_MAX = 65_536;

export class RestoreReport {
  readonly counts: RestoreCounts = {
    files: 0,
    folders: 0,
    others: 0,
    bytes: 0,
    problems: 0,
    replaced: 0,
    left: 0,
    skipped: 0,
    deleted: 0,
    fetchedBytes: 0,
  };
  readonly #parts: ReportParts;
  /** The paths of problems, and of all folders above them. */
  readonly #failed = new Set<string>();
  /** Bytes of content that were written, also of files that are not whole yet. */
  #written = 0;
  #steps: { readonly kind: StepKind; readonly path: FolderPath }[] = [];

  constructor(parts: ReportParts) {
    this.#parts = parts;
  }

  /**
   * Something was not restored; the rest goes on. Throws where there is no room for anything: all
   * that comes would fail too.
   */
  problem(path: FolderPath, error: unknown): void {
    this.counts.problems += 1;
    for (let depth = 0; depth <= path.length && this.#failed.size < FAILED_MAX; depth++) {
      this.#failed.add(keyOf(path.slice(0, depth)));
    }
    const message = typeof error === "string" ? new BunkerError("incomplete", error) : error;
    this.#parts.monitor.problem(textOfPath(path), message);
    if (!isBunkerError(error, "full") || this.#parts.hasRoom()) return;
    throw new BunkerError("io", "no room is left in the folder to restore into", {
      cause: error,
      hint: "make room and run the same command again: what is restored is not fetched again",
    });
  }

  /** Runs a step; what the destination refuses is a problem of that path, and the rest goes on. */
  attempt(path: FolderPath, step: () => void): boolean {
    try {
      step();
      return true;
    } catch (error) {
      if (!isBunkerError(error)) throw error;
      this.problem(path, error);
      return false;
    }
  }

  /** Whether all went well in a folder so far. */
  isWell(path: FolderPath): boolean {
    return this.#failed.size < FAILED_MAX && !this.#failed.has(keyOf(path));
  }

  /** Notes what was done; `tellSteps` passes it on. */
  step(kind: StepKind, path: FolderPath): void {
    if (kind === "replace") this.counts.replaced += 1;
    if (kind === "delete") this.counts.deleted += 1;
    if (this.#parts.onStep !== undefined) this.#steps.push({ kind, path: [...path] });
  }

  async tellSteps(): Promise<void> {
    if (this.#steps.length === 0) return;
    const steps = this.#steps;
    this.#steps = [];
    for (const { kind, path } of steps) await this.#parts.onStep?.(kind, path);
  }

  /** Content was written, perhaps of a file that is not whole for a long time. */
  written(bytes: number): void {
    this.#written += bytes;
    this.tell();
  }

  tell(): void {
    this.#parts.monitor.progress({
      filesDone: this.counts.files + this.counts.left,
      bytesDone: Math.max(this.counts.bytes, this.#written),
      ...this.#parts.totals,
    });
  }
}

// A NUL is in no name.
function keyOf(path: FolderPath): string {
  return path.map((name) => Buffer.from(name).toString("latin1")).join("\0");
}
