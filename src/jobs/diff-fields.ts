// Diff fields: what differs between two entries of one name, besides what is in them.

import { equalBytes } from "../base/bytes.ts";
import type { Entry } from "../base/entry.ts";
import type { BlobId } from "../base/ids.ts";

export type Field = "mode" | "owner" | "group" | "modified" | "target" | "device" | "attributes";

type Test = (a: Entry, b: Entry) => boolean;

/** Numbers of hard-link groups say nothing across two walks, so that they are not compared. */
const SAME: Readonly<Record<Field, Test>> = {
  mode: (a, b) => a.mode === b.mode,
  owner: (a, b) => a.userId === b.userId && a.userName === b.userName,
  group: (a, b) => a.groupId === b.groupId && a.groupName === b.groupName,
  modified: hasSameTime,
  target: (a, b) => equalBytes(a.target ?? new Uint8Array(0), b.target ?? new Uint8Array(0)),
  device: (a, b) => a.device?.major === b.device?.major && a.device?.minor === b.device?.minor,
  attributes: hasSameAttributes,
};

/** The fields that differ, of those that are asked for. */
export function differingFields(a: Entry, b: Entry, ignored: ReadonlySet<Field>): Field[] {
  const fields = Object.keys(SAME) as Field[];
  return fields.filter((field) => !ignored.has(field) && !SAME[field](a, b));
}

export function hasSameTime(a: Entry, b: Entry): boolean {
  return (
    a.modified.seconds === b.modified.seconds && a.modified.nanoseconds === b.modified.nanoseconds
  );
}

/** Whether two entries of snapshots of one store have the same content. */
export function hasSameContent(a: Entry, b: Entry): boolean {
  return (
    a.size === b.size &&
    areSameIds(a.content, b.content) &&
    areSameIds(a.contentLists ?? [], b.contentLists ?? []) &&
    JSON.stringify(a.holes ?? []) === JSON.stringify(b.holes ?? [])
  );
}

function areSameIds(a: readonly BlobId[], b: readonly BlobId[]): boolean {
  return a.length === b.length && a.every((id, i) => equalBytes(id, b[i]!));
}

function hasSameAttributes({ attributes: a = [] }: Entry, { attributes: b = [] }: Entry): boolean {
  return (
    a.length === b.length &&
    a.every(({ name, value }, i) => equalBytes(name, b[i]!.name) && equalBytes(value, b[i]!.value))
  );
}
