// Store size: what a storage holds of a store, all versions counted, as a service charges for them.

import {
  LOG_PREFIX,
  MANIFEST_PREFIX,
  PACK_PREFIX,
  SEGMENT_PREFIX,
  SLOT_PREFIX,
} from "../format/names.ts";
import type { Storage } from "../storage/storage.ts";

export interface Amount {
  readonly objects: number;
  readonly bytes: number;
}

export interface StoreSize {
  /** All versions, hidden ones too. */
  readonly all: Amount;
  /** The newest version of each name below a prefix. */
  readonly packs: Amount;
  readonly segments: Amount;
  readonly manifests: Amount;
  /** The owner log and the key slots. */
  readonly others: Amount;
}

const PARTS = {
  [PACK_PREFIX]: "packs",
  [SEGMENT_PREFIX]: "segments",
  [MANIFEST_PREFIX]: "manifests",
  [LOG_PREFIX]: "others",
  [SLOT_PREFIX]: "others",
} as const;

type Part = (typeof PARTS)[keyof typeof PARTS];

/** Counts by a listing of everything, a thousand objects for each request. */
export async function measureStore(
  storage: Storage,
  breathe: () => Promise<void> | undefined,
): Promise<StoreSize> {
  const sums = Object.fromEntries(
    ["all", ...Object.values(PARTS)].map((part) => [part, { objects: 0, bytes: 0 }]),
  ) as Record<Part | "all", { objects: number; bytes: number }>;
  const add = (part: Part | "all", bytes: number): void => {
    sums[part].objects += 1;
    sums[part].bytes += bytes;
  };
  for await (const { name, bytes, latest, hidden } of storage.listVersions("")) {
    await breathe();
    add("all", bytes);
    const prefix = name.slice(0, name.indexOf("/") + 1);
    const part = Object.hasOwn(PARTS, prefix) ? PARTS[prefix as keyof typeof PARTS] : undefined;
    if (part !== undefined && latest && !hidden) add(part, bytes);
  }
  return sums;
}
