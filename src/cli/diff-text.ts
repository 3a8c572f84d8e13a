// Diff text: changes and their sums, as lines for people and as JSON.

import { type Bytes, utf8 } from "../base/bytes.ts";
import type { Change, ChangeKind } from "../jobs/diff.ts";
import { isFolder, type Node } from "../store/paths.ts";
import { jsonName, printableName } from "./names.ts";
import { formatBytes, formatCounted } from "./progress.ts";

const LETTERS: Readonly<Record<ChangeKind, string>> = {
  added: "+",
  removed: "-",
  content: "M",
  metadata: "U",
  type: "T",
};

/** `M  a/b  (modified)`. */
export function changeLine({ kind, path, before, after, fields }: Change): string {
  const node = after ?? before;
  const name = printableName(shownPath(path)) + (node !== undefined && isFolder(node) ? "/" : "");
  const types = kind === "type" ? [`${typeOf(before)} -> ${typeOf(after)}`] : [];
  const details = [...types, ...(kind === "metadata" ? fields : [])];
  return `${LETTERS[kind]}  ${name}${details.length === 0 ? "" : `  (${details.join(", ")})`}`;
}

export function jsonOfChange(change: Change): Record<string, unknown> {
  const { kind, path, before, after, fields } = change;
  return {
    change: kind,
    ...jsonName(shownPath(path), "path"),
    type: typeOf(after ?? before),
    ...(kind === "type" ? { typeBefore: typeOf(before) } : {}),
    ...(after === undefined ? {} : { size: sizeOf(after) }),
    ...(before === undefined ? {} : { sizeBefore: sizeOf(before) }),
    ...(fields.length === 0 ? {} : { fields }),
  };
}

// The top itself has no name in what is compared.
function shownPath(path: Bytes): Bytes {
  return path.length === 0 ? utf8(".") : path;
}

function typeOf(node: Node | undefined): string {
  if (node === undefined) return "";
  return node.kind === "way" ? "folder" : node.entry.type;
}

function sizeOf(node: Node): number {
  return node.kind === "way" ? 0 : node.entry.size;
}

interface Sum {
  files: number;
  folders: number;
  others: number;
  /** Of the files' content, as it is afterwards; of what was removed, as it was. */
  bytes: number;
}

/** How much has changed in which way. */
export class DiffSummary {
  readonly #sums: Readonly<Record<ChangeKind, Sum>> = {
    added: emptySum(),
    removed: emptySum(),
    content: emptySum(),
    metadata: emptySum(),
    type: emptySum(),
  };

  add({ kind, before, after }: Change): void {
    const node = after ?? before;
    if (node === undefined) return;
    const sum = this.#sums[kind];
    sum.bytes += sizeOf(node);
    if (isFolder(node)) sum.folders += 1;
    else if (typeOf(node) === "file" || typeOf(node) === "object") sum.files += 1;
    else sum.others += 1;
  }

  json(): Readonly<Record<ChangeKind, Sum>> {
    return this.#sums;
  }

  /** For people; `isWhole`: all could be compared. */
  lines(isWhole: boolean): string[] {
    const lines = (Object.keys(LETTERS) as ChangeKind[]).flatMap((kind) => {
      const { files, folders, others, bytes } = this.#sums[kind];
      if (files + folders + others === 0) return [];
      const parts = [
        ...(files > 0 ? [formatCounted(files, "file")] : []),
        ...(folders > 0 ? [formatCounted(folders, "folder")] : []),
        ...(others > 0 ? [formatCounted(others, "other")] : []),
      ];
      const size = kind === "metadata" ? "" : ` (${formatBytes(bytes)})`;
      return [`${TITLES[kind]}: ${parts.join(", ")}${size}`];
    });
    if (lines.length > 0) return lines;
    return [isWhole ? "no differences" : "no differences in what could be compared"];
  }
}

const TITLES: Readonly<Record<ChangeKind, string>> = {
  added: "added",
  removed: "removed",
  content: "other content",
  metadata: "other metadata",
  type: "of another type",
};

function emptySum(): Sum {
  return { files: 0, folders: 0, others: 0, bytes: 0 };
}
