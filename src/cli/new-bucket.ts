// New bucket: looks at a bucket before a store is made in it, and refuses one that is not safe.

import { BunkerError } from "../base/errors.ts";
import type { LockPolicy } from "../format/record.ts";
import type { Bucket } from "../s3/bucket.ts";
import { listObjects } from "../s3/list.ts";
import {
  changeText,
  defaultLockOf,
  judgeBucket,
  type Judged,
  type LockChoice,
} from "../storage/bucket-safety.ts";
import { readBucketSettings } from "../storage/bucket-settings.ts";
import { PROBE_FOLDER } from "../storage/probe.ts";
import type { Storage } from "../storage/storage.ts";
import type { Words } from "./command.ts";
import { lockChoiceOf, policyOf } from "./lock-choice.ts";
import { type BucketChoice, dialectOf, openBucketOf, storageIn } from "./open-bucket.ts";
import { type BucketLocation, formatStoreLocation } from "./store-location.ts";
import type { Wiring } from "./wiring.ts";

/** A place where a store is to be made. */
export interface NewPlace {
  readonly storage: Storage;
  /** Says what the place can't keep, and refuses one that is not safe; asked where no store is yet. */
  look(): Promise<LockPolicy>;
}

/** Opens a bucket for a new store; sends nothing yet. */
export async function openNewBucket(
  wiring: Wiring,
  words: Words,
  choice: BucketChoice,
): Promise<NewPlace> {
  const least = lockChoiceOf(words);
  const bucket = await openBucketOf(wiring, words, choice);
  const { location } = choice;
  return {
    storage: storageIn(bucket, location),
    look: () => lookAt({ wiring, bucket, location, least }),
  };
}

interface Look {
  readonly wiring: Wiring;
  readonly bucket: Bucket;
  readonly location: BucketLocation;
  readonly least: LockChoice;
}

async function lookAt(look: Look): Promise<LockPolicy> {
  const { wiring, bucket, location, least } = look;
  bucket.clock.check(); // Something was listed by now.
  const settings = await readBucketSettings(bucket, dialectOf(location, bucket));
  const judged = judgeBucket(settings, location.prefix, least);
  for (const row of judged) if (row.judgement !== "ok") tell(wiring, row);
  const faults = judged.filter(({ judgement }) => judgement === "bad");
  if (faults.length > 0) {
    const governed = judgeBucket(settings, location.prefix, "governance");
    const isEnough = governed.every(({ judgement }) => judgement !== "bad");
    throw unsafe(look, faults, isEnough);
  }
  await tellOthers(look);
  return policyOf(defaultLockOf(settings), least);
}

// What has a remedy is a fault, accepted or not; the rest is only not known.
function tell({ messages }: Wiring, { what, found, means, change }: Judged): void {
  const text = `the bucket's ${what}: ${found}${means === undefined ? "" : `: ${means}`}`;
  if (change === undefined) messages.notice(text);
  else messages.warning(text);
}

function unsafe(look: Look, faults: readonly Judged[], isEnoughByGovernance: boolean): BunkerError {
  const { bucket, location } = look;
  const isB2 = dialectOf(location, bucket) === "b2";
  const names = faults.map(({ what }) => what).join(", ");
  const accept = isEnoughByGovernance ? "governance" : "none";
  const change = changeText(faults, isB2 ? bucket.name : undefined);
  return new BunkerError(
    "invalid-argument",
    `${formatStoreLocation(location)}: a store is not safe in this bucket, by its ${names}`,
    { hint: `${change}; or accept it as it is: --lock ${accept}` },
  );
}

async function tellOthers({ wiring, bucket, location }: Look): Promise<void> {
  const canaries = location.prefix + PROBE_FOLDER;
  for await (const { key } of listObjects(bucket, location.prefix)) {
    if (key.startsWith(canaries)) continue;
    const text = `${formatStoreLocation(location)} is not empty (${key} and perhaps more)`;
    wiring.messages.notice(`${text}: what is there is left alone, and no store needs it`);
    return;
  }
}
