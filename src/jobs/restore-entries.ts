// Restore entries: files, links and nodes, one after another, and further names of files.

import { equalBytes } from "../base/bytes.ts";
import type { Entry, Metadata } from "../base/entry.ts";
import type { Destination, FolderPath, PlaceInTree } from "../destination/destination.ts";
import { inTheWay } from "../destination/failures.ts";
import { isNewer } from "../destination/same.ts";
import type { RawStat } from "../system/stat.ts";
import type { LinkGroups } from "./link-groups.ts";
import { type Choice, choose, type Overwrite } from "./restore-choice.ts";
import type { RestoreContent } from "./restore-content.ts";
import { type Link, notYet } from "./restore-files.ts";
import type { RestoreReport } from "./restore-report.ts";

export interface EntryParts {
  readonly destination: Destination;
  readonly report: RestoreReport;
  readonly content: RestoreContent;
  readonly groups: LinkGroups;
  /** Absent where nothing can be there: the target was empty. */
  readonly overwrite: Overwrite | undefined;
  /** Folders make way for what is none. */
  readonly clearing: boolean;
}

interface Decision {
  readonly choice: Choice;
  readonly found: RawStat | undefined;
}

const MADE: Decision = { choice: "make", found: undefined };

export class RestoreEntries {
  readonly #parts: EntryParts;
  readonly #links: Link[] = [];

  constructor(parts: EntryParts) {
    this.#parts = parts;
  }

  /** Hard links that wait. */
  get waiting(): number {
    return this.#links.length;
  }

  async restore(entry: Entry, folder: FolderPath): Promise<void> {
    const { hardLink } = entry;
    if (hardLink !== undefined && this.#parts.groups.has(hardLink)) {
      this.#links.push({ group: hardLink, folder, metadata: entry });
      return;
    }
    const decision = this.#decide(entry, folder);
    if (decision === undefined) return this.#noteGroup(entry, undefined);
    const { choice, found } = decision;
    if (choice === "skip") {
      // Another name of the same file may still be restored.
      this.#parts.report.counts.skipped += 1;
      return;
    }
    if (choice === "leave" && this.#leave(entry, folder, found!)) return;
    if (entry.type === "file") {
      await this.#parts.content.plan(entry, { folder, name: entry.name }, found);
    } else {
      this.#restoreOther(entry, folder, found);
    }
  }

  // What is to become of it; `undefined` where that is a problem.
  #decide(entry: Entry, folder: FolderPath): Decision | undefined {
    const { overwrite, report } = this.#parts;
    if (overwrite === undefined) return MADE;
    const { there } = this.#parts.destination;
    let decision: Decision | undefined;
    report.attempt([...folder, entry.name], () => {
      const found = there.look(folder, entry.name);
      const choice = choose(overwrite, entry, found, () => this.#hasTarget(entry, folder));
      if (choice === "replace") this.#checkWay(found, [...folder, entry.name]);
      decision = { choice, found };
    });
    return decision;
  }

  #hasTarget({ name, target }: Entry, folder: FolderPath): boolean {
    const found = this.#parts.destination.there.targetOf(folder, name);
    return found !== undefined && target !== undefined && equalBytes(found, target);
  }

  #checkWay(found: RawStat | undefined, path: FolderPath): void {
    if (found?.type === "folder" && !this.#parts.clearing) {
      throw inTheWay(path, "expected no folder, found one in the way");
    }
  }

  // Returns false where it has to be replaced after all.
  #leave(entry: Entry, folder: FolderPath, found: RawStat): boolean {
    const { destination, report } = this.#parts;
    let stays = false;
    const done = report.attempt([...folder, entry.name], () => {
      stays = destination.there.correct(folder, found, entry);
    });
    if (done && !stays) return false;
    if (stays) report.counts.left += 1;
    this.#noteGroup(entry, stays ? { folder, name: entry.name } : undefined);
    return true;
  }

  #restoreOther(entry: Entry, folder: FolderPath, found: RawStat | undefined): void {
    const { destination, report } = this.#parts;
    const path = [...folder, entry.name];
    let made = true;
    const done = report.attempt(path, () => {
      if (entry.type === "link") destination.makeLink(folder, entry);
      else if (entry.type === "object") throw notYet("a bucket's object");
      else made = destination.makeNode(folder, entry);
    });
    if (done && made) this.#count(entry, path, found);
    this.#noteGroup(entry, done && made ? { folder, name: entry.name } : undefined);
  }

  #count({ type }: Metadata, path: FolderPath, found: RawStat | undefined): void {
    const { report } = this.#parts;
    report.counts[type === "file" ? "files" : "others"] += 1;
    report.step(found === undefined ? "make" : "replace", path);
  }

  #noteGroup({ hardLink }: Entry, place: PlaceInTree | undefined): void {
    if (hardLink !== undefined) this.#parts.groups.set(hardLink, place);
  }

  /** Makes the links to files that are finished. */
  carryOut(): void {
    for (const link of this.#links.splice(0)) this.#makeLink(link);
  }

  #makeLink({ group, folder, metadata }: Link): void {
    const { destination, groups, report } = this.#parts;
    const added = { folder, name: metadata.name };
    const path = [...folder, metadata.name];
    const first = groups.get(group);
    if (first === undefined) {
      report.problem(path, "the file that it is a name of is not there");
      return;
    }
    report.attempt(path, () => {
      const found = this.#foundInPlace(added);
      if (found !== undefined && this.#staysLinked(first, found, metadata)) return;
      this.#checkWay(found, path);
      destination.makeHardLink(first, added);
      this.#count(metadata, path, found);
    });
  }

  #foundInPlace({ folder, name }: PlaceInTree): RawStat | undefined {
    const { overwrite, destination } = this.#parts;
    return overwrite === undefined ? undefined : destination.there.look(folder, name);
  }

  #staysLinked(first: PlaceInTree, found: RawStat, metadata: Metadata): boolean {
    const { destination, report, overwrite } = this.#parts;
    const file = destination.there.look(first.folder, first.name);
    if (file?.inode === found.inode && file.deviceId === found.deviceId) {
      report.counts.left += 1;
      return true;
    }
    const isKept = overwrite === "if-newer" && !isNewer(metadata, found);
    if (overwrite !== "never" && !isKept) return false;
    report.counts.skipped += 1;
    return true;
  }
}
