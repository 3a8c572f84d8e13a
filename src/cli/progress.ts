// Progress: the monitor of the command line.
//
// On a terminal one line is kept, written over at most ten times a second and cleared before each
// message:   1,204 files  3.1 GiB of 8.0 GiB  212 MiB/s  0:24 left  folder/name
// Elsewhere only messages appear. Problems are told at once and counted for the end.

import type { Monitor, Progress } from "../base/monitor.ts";
import type { World } from "../base/world.ts";
import type { Messages } from "./messages.ts";
import { textOfError, writeStderr } from "./messages.ts";
import { printableText } from "./names.ts";

const REDRAW_MS = 100;
/** The rate shown is that of about this long. */
const RATE_WINDOW_MS = 5_000;
/** Before this time has gone by, a rate says nothing. */
const RATE_MS_MIN = 1_000;
const CLEAR_LINE = "\r\u001b[K";
const COLUMNS_DEFAULT = 80;

export interface ProgressScreen {
  readonly isTerminal: boolean;
  columns(): number;
  write(text: string): void;
}

/** This process's stderr. */
export function stderrScreen(): ProgressScreen {
  return {
    isTerminal: process.stderr.isTTY === true,
    columns: () => process.stderr.columns || COLUMNS_DEFAULT,
    write: writeStderr,
  };
}

interface Sample {
  readonly at: number;
  readonly bytes: number;
}

export class TerminalMonitor implements Monitor {
  readonly #world: Pick<World, "now">;
  readonly #messages: Messages;
  readonly #screen: ProgressScreen;
  readonly #samples: Sample[] = [];
  #drawnAt = Number.NEGATIVE_INFINITY;
  #lineShown = false;
  #problemCount = 0;

  /** Takes over the messages' `beforeMessage` until `finish`. */
  constructor(world: Pick<World, "now">, messages: Messages, screen: ProgressScreen) {
    this.#world = world;
    this.#messages = messages;
    this.#screen = screen;
    messages.beforeMessage = () => this.clear();
  }

  get problemCount(): number {
    return this.#problemCount;
  }

  progress(progress: Progress): void {
    if (!this.#screen.isTerminal) return;
    const now = this.#world.now();
    // A clock that was set back must not stop the line.
    if (now >= this.#drawnAt && now - this.#drawnAt < REDRAW_MS) return;
    this.#drawnAt = now;
    const rate = this.#rateAt(now, progress.bytesDone);
    const line = formatProgress(progress, rate, this.#screen.columns() - 1);
    this.#screen.write(`${CLEAR_LINE}${line}`);
    this.#lineShown = true;
  }

  problem(subject: string, error: unknown): void {
    this.#problemCount++;
    const text = textOfError(error);
    this.#messages.warning(text.startsWith(`${subject}: `) ? text : `${subject}: ${text}`);
  }

  notice(message: string): void {
    this.#messages.notice(message);
  }

  /** Takes the line from the terminal; the next progress brings it back. */
  clear(): void {
    if (!this.#lineShown) return;
    this.#screen.write(CLEAR_LINE);
    this.#lineShown = false;
  }

  finish(): void {
    this.clear();
    this.#messages.beforeMessage = () => {};
  }

  #rateAt(now: number, bytes: number): number | undefined {
    const samples = this.#samples;
    const last = samples.at(-1);
    // A new phase counts from the start, and so does a clock that was set back.
    if (last !== undefined && (bytes < last.bytes || now < last.at)) samples.length = 0;
    samples.push({ at: now, bytes });
    while (samples.length > 2 && now - samples[1]!.at >= RATE_WINDOW_MS) samples.shift();
    const first = samples[0]!;
    if (now - first.at < RATE_MS_MIN) return undefined;
    return ((bytes - first.bytes) * 1000) / (now - first.at);
  }
}

/** One line of at most `columns` columns; the subject is shortened from its front. */
export function formatProgress(
  progress: Progress,
  bytesPerSecond: number | undefined,
  columns: number,
): string {
  const { unit = "files" } = progress;
  const parts = [
    amounts(formatCount(progress.filesDone), progress.filesTotal, formatCount) + ` ${unit}`,
    amounts(formatBytes(progress.bytesDone), progress.bytesTotal, formatBytes),
  ];
  if (bytesPerSecond !== undefined) parts.push(`${formatBytes(bytesPerSecond)}/s`);
  const left = secondsLeft(progress, bytesPerSecond);
  if (left !== undefined) parts.push(`${formatDuration(left)} left`);
  const head = clip(parts.join("  "), columns);
  const room = columns - Bun.stringWidth(head) - 2;
  if (progress.subject === undefined || room < 8) return head;
  return `${head}  ${clipFront(printableText(progress.subject), room)}`;
}

export function formatBytes(bytes: number): string {
  let unitIndex = 0;
  let value = bytes;
  // 999.95 and above would read as 1000.0.
  while (value >= 999.95 && unitIndex < BYTE_UNITS.length - 1) {
    value /= 1024;
    unitIndex++;
  }
  return `${unitIndex === 0 ? Math.round(value) : value.toFixed(1)} ${BYTE_UNITS[unitIndex]!}`;
}

export function formatCount(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** "1 file", "2,000 files"; nouns that only take an s. */
export function formatCounted(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** How long something took: "0.4 s", and from a minute on as `formatDuration` has it. */
export function formatElapsed(seconds: number): string {
  return seconds < 59.95 ? `${seconds.toFixed(1)} s` : formatDuration(seconds);
}

/** Minutes and seconds, with hours where there are any: "0:07", "12:30", "1:00:00". */
export function formatDuration(seconds: number): string {
  const whole = Math.round(seconds);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const tail = String(whole % 60).padStart(2, "0");
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}

const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

function amounts(
  done: string,
  total: number | undefined,
  format: (value: number) => string,
): string {
  return total === undefined ? done : `${done} of ${format(total)}`;
}

function secondsLeft(
  { bytesDone, bytesTotal }: Progress,
  rate: number | undefined,
): number | undefined {
  if (bytesTotal === undefined || rate === undefined || rate < 1) return undefined;
  return Math.max(0, bytesTotal - bytesDone) / rate;
}

function clip(text: string, columns: number): string {
  let clipped = text;
  while (clipped !== "" && Bun.stringWidth(clipped) > columns) clipped = clipped.slice(0, -1);
  return clipped;
}

function clipFront(text: string, columns: number): string {
  if (Bun.stringWidth(text) <= columns) return text;
  const characters = Array.from(text).slice(-columns);
  while (characters.length > 0 && Bun.stringWidth(characters.join("")) > columns - 1) {
    characters.shift();
  }
  return `…${characters.join("")}`;
}
