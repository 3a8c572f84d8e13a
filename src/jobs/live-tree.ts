// Live tree: a folder of this machine as branches, just as it is walked.
//
// The walk goes once through everything, so that branches are there in its order only: what is left
// of a folder is passed over when the next name beside it is asked for.

import { type Bytes, concatBytes, textOf, utf8 } from "../base/bytes.ts";
import type { Metadata } from "../base/entry.ts";
import { BunkerError } from "../base/errors.ts";
import type { Monitor } from "../base/monitor.ts";
import { readAttributes } from "../source/attributes.ts";
import {
  type EnterEvent,
  type EntryEvent,
  pathIn,
  type SharedFolder,
  type Source,
  type WalkEvent,
} from "../source/source.ts";
import type { Subject } from "../system/attributes.ts";
import type { FileSystem } from "../system/files.ts";
import type { Branch } from "./branch.ts";

export interface LiveBranch extends Branch {
  /** Of what is no folder. */
  readonly event?: EntryEvent;
}

/** Opens the source of one path; what it tells the monitor is heard here. */
export type OpenSource = (monitor: Monitor) => Source;

export class LiveTree {
  readonly #events: Generator<WalkEvent, void, void>;
  readonly #files: FileSystem;
  readonly #monitor: Monitor;
  /** Subjects of problems since the last event: these names are there. */
  readonly #unread = new Set<string>();
  /** How many folders the walk is in. */
  #depth = 0;
  #rootPath: Bytes = new Uint8Array(0);

  constructor(open: OpenSource, files: FileSystem, monitor: Monitor) {
    this.#files = files;
    this.#monitor = monitor;
    const problem = (subject: string, error: unknown): void => {
      this.#unread.add(subject);
      this.#monitor.problem(subject, error);
    };
    const source = open({
      problem,
      progress: (progress) => monitor.progress(progress),
      notice: (message) => monitor.notice(message),
    });
    this.#events = source.walk();
  }

  /** The folder or file itself. Throws `io` where it can't be read. */
  async top(): Promise<LiveBranch> {
    for (let event = await this.#next(); event !== undefined; event = await this.#next()) {
      if (event.kind === "root") this.#rootPath = event.path;
      if (event.kind === "entry") return this.#entry(event);
      if (event.kind === "enter") return this.#folder(event);
    }
    throw new BunkerError("io", "there is nothing to compare with");
  }

  /** Whether the walk, where it is now, met nothing at a path below the top. */
  isMissing(path: Bytes): boolean {
    if (this.#unread.size === 0) return true;
    const root = this.#rootPath.length === 1 ? new Uint8Array(0) : this.#rootPath;
    return !this.#unread.has(textOf(concatBytes(root, utf8("/"), path)));
  }

  close(): void {
    this.#events.return();
  }

  #entry(event: EntryEvent): LiveBranch {
    const { metadata, folder, deviceId } = event;
    const { name, type } = metadata;
    const subject = { folder: folder.descriptor, name, type };
    return { ...this.#branch(metadata, { subject, folder, deviceId }), event };
  }

  #folder({ metadata, folder, seen }: EnterEvent): LiveBranch {
    const depth = ++this.#depth;
    const where = { subject: folder.descriptor, folder, deviceId: seen?.deviceId };
    return { ...this.#branch(metadata, where), children: () => this.#children(depth) };
  }

  #branch(
    metadata: Metadata,
    {
      subject,
      folder,
      deviceId,
    }: { subject: Subject; folder: SharedFolder; deviceId?: number | undefined },
  ): LiveBranch {
    const { attributes, complaint } = readAttributes(this.#files, subject, deviceId);
    if (complaint !== undefined) {
      const path = typeof subject === "number" ? folder.path() : pathIn(folder, metadata.name);
      this.#monitor.notice(`${textOf(path)}: its extended attributes can't be read`);
    }
    const entry = { ...metadata, ...(attributes.length === 0 ? {} : { attributes }), content: [] };
    return { node: { kind: "entry", entry }, async *children() {} };
  }

  async *#children(depth: number): AsyncGenerator<LiveBranch> {
    while (this.#depth >= depth) {
      const event = await this.#next();
      if (event === undefined) return;
      const isHere = this.#depth === depth;
      if (event.kind === "leave") this.#depth -= 1;
      else if (event.kind === "entry" && isHere) yield this.#entry(event);
      else if (event.kind === "enter" && isHere) yield this.#folder(event);
      else if (event.kind === "enter") this.#depth += 1;
    }
  }

  async #next(): Promise<WalkEvent | undefined> {
    this.#unread.clear();
    for (;;) {
      const { value } = this.#events.next();
      if (value === undefined) return undefined;
      if (value.kind !== "wait") return value;
      await value.until;
    }
  }
}
