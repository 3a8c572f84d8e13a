// Walking in tests: all events as short lines, and a monitor that remembers.

import { textOf } from "../../src/base/bytes.ts";
import type { Metadata } from "../../src/base/entry.ts";
import type { Monitor } from "../../src/base/monitor.ts";
import type { Source } from "../../src/source/source.ts";

export interface Heard {
  readonly monitor: Monitor;
  readonly problems: { readonly subject: string; readonly error: unknown }[];
  readonly notices: string[];
}

export function listening(): Heard {
  const problems: Heard["problems"] = [];
  const notices: string[] = [];
  const monitor: Monitor = {
    progress() {},
    problem: (subject, error) => problems.push({ subject, error }),
    notice: (message) => notices.push(message),
  };
  return { monitor, problems, notices };
}

/** A line for each event: "+name" enters, "-" leaves, a bare name is an entry. */
export function linesOf(source: Source): string[] {
  const lines: string[] = [];
  for (const event of source.walk()) {
    if (event.kind === "root") lines.push(`root ${event.index}`);
    else if (event.kind === "enter") lines.push(`+${textOf(event.metadata.name)}`);
    else if (event.kind === "leave") lines.push("-");
    else if (event.kind === "entry") lines.push(textOf(event.metadata.name));
    else throw new Error("nothing is retained, so the walk has nothing to wait for");
  }
  return lines;
}

/** All metadata of a walk, by name; the root's name is empty. */
export function metadataOf(source: Source): Map<string, Metadata> {
  const all = new Map<string, Metadata>();
  for (const event of source.walk()) {
    if (event.kind !== "enter" && event.kind !== "entry") continue;
    all.set(Buffer.from(event.metadata.name).toString("latin1"), event.metadata);
  }
  return all;
}
