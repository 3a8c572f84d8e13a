// store test: tries what a store needs of its place, with a few small objects of no worth.

import type { World } from "../../base/world.ts";
import { probeBucket } from "../../storage/bucket-probe.ts";
import { openFolderStorage } from "../../storage/folder.ts";
import { probeFolder } from "../../storage/folder-probe.ts";
import type { Probing, ProbeRow } from "../../storage/probe.ts";
import { systemWorld } from "../../system/world.ts";
import { refuseLimits } from "../bucket-limits.ts";
import type { Words } from "../command.ts";
import { EXIT, type ExitStatus } from "../exit.ts";
import { lockChoiceOf } from "../lock-choice.ts";
import { printableText } from "../names.ts";
import { dialectOf, openBucketOf, withSetupHint } from "../open-bucket.ts";
import { type StoreChoice, testedStore } from "../store-choice.ts";
import type { BucketLocation } from "../store-location.ts";
import type { Wiring } from "../wiring.ts";

const WHAT_WIDTH = 22;

interface Test {
  readonly world: World;
  readonly speed: boolean;
  tell(row: ProbeRow): Promise<void>;
}

/** `store test [STORE]`. Ends with 11 where something was not allowed, else with 1 where it failed. */
export async function storeTest(wiring: Wiring, words: Words): Promise<ExitStatus> {
  const choice = testedStore(wiring, words);
  const speed = words.flag("speed");
  const test: Test = { world: systemWorld, speed, tell: (row) => tell(wiring, words, row) };
  if (speed) {
    wiring.messages.notice(
      choice.location.kind === "folder"
        ? "--speed writes 64 MiB, and deletes them at the end"
        : "--speed moves 64 MiB up and down; where they can't be deleted, they stay until their lock ends",
    );
  }
  const probing = await probe(wiring, words, choice, test);
  if (probing.badCount === 0) return EXIT.done;
  return probing.wasRefused ? EXIT.denied : EXIT.failed;
}

async function probe(
  wiring: Wiring,
  words: Words,
  choice: StoreChoice,
  test: Test,
): Promise<Probing> {
  const { location } = choice;
  if (location.kind === "bucket") return testBucket(wiring, words, { ...choice, location }, test);
  refuseLimits(words);
  const storage = await openFolderStorage(location.path);
  try {
    return await probeFolder({ ...test, storage });
  } finally {
    await storage.close();
  }
}

async function testBucket(
  wiring: Wiring,
  words: Words,
  choice: StoreChoice & { readonly location: BucketLocation },
  test: Test,
): Promise<Probing> {
  const { location } = choice;
  const least = lockChoiceOf(words);
  const caller = await openBucketOf(wiring, words, choice);
  const dialect = dialectOf(location, caller);
  try {
    return await probeBucket({ ...test, caller, prefix: location.prefix, dialect, least });
  } catch (error) {
    throw withSetupHint(error);
  }
}

async function tell({ output }: Wiring, words: Words, row: ProbeRow): Promise<void> {
  if (words.flag("json")) return output.json(row);
  const { judgement, what, found } = row;
  await output.line(printableText(`${judgement.padEnd(5)} ${what.padEnd(WHAT_WIDTH)} ${found}`));
}
