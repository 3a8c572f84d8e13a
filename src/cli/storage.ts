// Storage: opens the place where the chosen store is: a folder, or a bucket.

import { openFolderStorage } from "../storage/folder.ts";
import type { Storage } from "../storage/storage.ts";
import { forbidCoreDumps } from "../system/core-dumps.ts";
import { refuseLimits } from "./bucket-limits.ts";
import type { Words } from "./command.ts";
import { chosenStore } from "./store-choice.ts";
import type { Wiring } from "./wiring.ts";

/** The storage of the chosen store. */
export async function openStorage(
  wiring: Wiring,
  words: Words,
  options: { readonly create: boolean },
): Promise<Storage> {
  forbidCoreDumps(); // From here on, keys are in memory.
  const choice = chosenStore(wiring, words);
  const { location } = choice;
  if (location.kind === "folder") {
    refuseLimits(words);
    return openFolderStorage(location.path, options);
  }
  // Loaded for buckets only: a store in a folder starts without what speaks to them.
  const { openBucketStorageOf } = await import("./open-bucket.ts");
  return openBucketStorageOf(wiring, words, { ...choice, location });
}
