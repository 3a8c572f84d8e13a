// store test: asks the place of a store whether it can be reached and read with its key.

import type { Storage } from "../../storage/storage.ts";
import { openFolderStorage } from "../../storage/folder.ts";
import type { Words } from "../command.ts";
import { EXIT, type ExitStatus } from "../exit.ts";
import { printableText } from "../names.ts";
import { openBucketStorageOf } from "../open-bucket.ts";
import { nameOfChoice, type StoreChoice, testedStore } from "../store-choice.ts";
import type { Wiring } from "../wiring.ts";

/** `store test [STORE]`. Throws what the place answers. */
export async function storeTest(wiring: Wiring, words: Words): Promise<ExitStatus> {
  const choice = testedStore(wiring, words);
  const storage = await openPlace(wiring, words, choice);
  try {
    let isEmpty = true;
    for await (const _ of storage.list("")) {
      isEmpty = false;
      break;
    }
    const { location } = storage;
    const text = `${nameOfChoice(choice)}: ${location} can be read; ${isEmpty ? "nothing is there" : "something is there"}`;
    if (words.flag("json")) await wiring.output.json({ location, readable: true, empty: isEmpty });
    else await wiring.output.line(printableText(text));
    return EXIT.done;
  } finally {
    await storage.close();
  }
}

function openPlace(wiring: Wiring, words: Words, choice: StoreChoice): Promise<Storage> {
  const { location } = choice;
  return location.kind === "folder"
    ? openFolderStorage(location.path)
    : openBucketStorageOf(wiring, words, { ...choice, location });
}
