// init: makes a store, and gives the recovery phrase once.

import { readdirSync } from "node:fs";
import { hexOf } from "../../base/bytes.ts";
import { BunkerError, isBunkerError } from "../../base/errors.ts";
import { phraseOf } from "../../crypto/phrase.ts";
import type { LockPolicy } from "../../format/record.ts";
import type { Storage } from "../../storage/storage.ts";
import type { StoreContext } from "../../store/context.ts";
import { type CreatedStore, createStore } from "../../store/create.ts";
import { hasStore } from "../../store/unlock.ts";
import { systemWorld } from "../../system/world.ts";
import {
  BUCKET_OPTIONS,
  COMMON_OPTIONS,
  type CommandDefinition,
  OPEN_OPTIONS,
  type Words,
} from "../command.ts";
import { EXIT, type ExitStatus } from "../exit.ts";
import { LOCK_OPTION, lockChoiceOf, NO_LOCKS } from "../lock-choice.ts";
import { tellLock } from "../lock-report.ts";
import type { NewPlace } from "../new-bucket.ts";
import { SecretFile } from "../secret-file.ts";
import { PASSPHRASE_VARIABLES } from "../secrets.ts";
import { contextOf, labelOf, noteId } from "../session.ts";
import { openStorage } from "../storage.ts";
import { chosenStore, nameOfChoice, type StoreChoice } from "../store-choice.ts";
import { findStoreSecret } from "../store-secrets.ts";
import { confirmPhrase } from "../phrase.ts";
import { usageFields, usageLine } from "../usage-report.ts";
import type { Wiring } from "../wiring.ts";

/** What a file system, or a store that was given up, leaves in a folder. */
const OF_FOLDERS = ["lost+found", "tmp", "aside", "location"];

export const init: CommandDefinition = {
  name: "init",
  description: [
    "Make a new store. Asks for a passphrase, and shows the recovery phrase once.",
    "",
    "The recovery phrase opens the store when the passphrase is lost. Keep it on paper.",
    "",
    "A bucket must be there already, keep versions, and lock by itself what is stored in it; another",
    "one is refused unless --lock accepts it. For a new bucket, see: bunker init --print-setup",
  ].join("\n"),
  wordCount: [0, 0],
  options: {
    ...COMMON_OPTIONS,
    ...BUCKET_OPTIONS,
    label: OPEN_OPTIONS.label,
    lock: LOCK_OPTION,
    "phrase-file": {
      type: "string",
      valueHint: "FILE",
      description: "Write the recovery phrase to a new file (0600) instead of the terminal",
    },
    "print-setup": {
      type: "boolean",
      description: "Print how to make a safe bucket and its keys at B2",
    },
    retention: {
      type: "string",
      valueHint: "DAYS",
      description: "With --print-setup: how long all is locked (default: 30)",
    },
  },
  examples: [
    "bunker init --store /mnt/disk/store",
    "bunker init --phrase-file ~/phrase.txt",
    "bunker init --print-setup --store b2://my-bucket/laptop --retention 60",
  ],
  async run(wiring, words) {
    if (words.flag("print-setup")) return printSetup(wiring, words);
    if (words.isGiven("retention")) {
      throw new BunkerError("invalid-argument", "--retention goes with --print-setup", {
        hint: "a bucket's own settings say how long it locks",
      });
    }
    const choice = chosenStore(wiring, words);
    refuseKnown(choice);
    const place = await openNewPlace(wiring, words, choice);
    try {
      return await make(wiring, words, { choice, place });
    } finally {
      await place.storage.close();
    }
  },
};

async function printSetup(wiring: Wiring, words: Words): Promise<ExitStatus> {
  const { freshLocation, parseRetention, setupText } = await import("../setup-text.ts");
  const days = parseRetention(words.text("retention"));
  const text = words.text("store");
  const location =
    text === undefined
      ? freshLocation((byteCount) => systemWorld.random(byteCount))
      : chosenStore(wiring, words).location;
  if (location.kind !== "bucket" || location.scheme !== "b2") {
    throw new BunkerError("invalid-argument", `--print-setup knows Backblaze B2, and no ${text}`, {
      hint: "give --store b2://BUCKET/PREFIX, or no store at all",
    });
  }
  await wiring.output.write(setupText(location, days));
  return EXIT.done;
}

async function openNewPlace(wiring: Wiring, words: Words, choice: StoreChoice): Promise<NewPlace> {
  const { location } = choice;
  if (location.kind === "bucket") {
    const { openNewBucket } = await import("../new-bucket.ts");
    return openNewBucket(wiring, words, { ...choice, location });
  }
  if (lockChoiceOf(words) !== "none" && words.isGiven("lock")) {
    throw new BunkerError("invalid-argument", "--lock is for buckets: a folder has no locks");
  }
  const storage = await openStorage(wiring, words, { create: true });
  const look = (): Promise<LockPolicy> => {
    const others = foreignFilesIn(storage.location);
    if (others !== undefined) wiring.messages.notice(others);
    return Promise.resolve(NO_LOCKS);
  };
  return { storage, look };
}

interface Making {
  readonly choice: StoreChoice;
  readonly place: NewPlace;
}

async function make(wiring: Wiring, words: Words, { choice, place }: Making): Promise<ExitStatus> {
  const { storage } = place;
  const context = contextOf(wiring, storage, choice);
  await refuseExisting(context, choice);
  const policy = await place.look();
  const path = words.text("phrase-file");
  using file = path === undefined ? undefined : SecretFile.create(path);
  const passphrase = await newPassphrase(wiring, words);
  const label = labelOf(wiring, words);
  // Whoever stops it while the store is made must hear that it is.
  wiring.interruption.endInOrder();
  const created = await createStore(context, { passphrase, label, policy });
  noteId(wiring, choice, hexOf(created.keyring.keys.storeId));
  try {
    await handOver(wiring, phraseOf(created.secret), file);
    const isFolder = choice.location.kind === "folder";
    await tell(wiring, words, { created, storage, policy, isFolder });
  } catch (error) {
    throw afterTheStore(error);
  }
  return EXIT.done;
}

async function refuseExisting(context: StoreContext, { location }: StoreChoice): Promise<void> {
  let isThere: boolean;
  try {
    isThere = await hasStore(context);
  } catch (error) {
    if (location.kind === "folder") throw error;
    throw (await import("../open-bucket.ts")).withSetupHint(error);
  }
  if (!isThere) return;
  throw new BunkerError("exists", `there is a store at ${context.storage.location} already`, {
    hint: "choose another place, or use that store",
  });
}

/** A name that stands for a store does not come to stand for another one by itself. */
function refuseKnown(choice: StoreChoice): void {
  const id = choice.named?.values["store-id"];
  if (id === undefined) return;
  const name = nameOfChoice(choice);
  throw new BunkerError("exists", `${name} is store ${id.slice(0, 10)} by the config file`, {
    hint: `for a new store take its line store-id out, or give the store another name`,
  });
}

async function newPassphrase(wiring: Wiring, words: Words): Promise<string> {
  const secret = await findStoreSecret(wiring, words, {
    confirm: true,
    label: "new passphrase",
    variables: PASSPHRASE_VARIABLES,
  });
  if (secret.kind === "passphrase") return secret.text;
  throw new BunkerError("invalid-argument", "a new store begins with a passphrase", {
    hint: "unset BUNKER_KEY_FILE and BUNKER_PHRASE_FILE",
  });
}

async function handOver(
  { interruption, messages }: Wiring,
  phrase: string,
  file: SecretFile | undefined,
): Promise<void> {
  if (file !== undefined) {
    file.write(phrase);
    file.keep();
    return;
  }
  interruption.throwIfRequested();
  if (!(await confirmPhrase(phrase, messages))) {
    messages.notice("without a terminal the recovery phrase is not shown");
    messages.hint("get it with: bunker key phrase --phrase-file FILE");
  }
}

interface Made {
  readonly created: CreatedStore;
  readonly storage: Storage;
  readonly policy: LockPolicy;
  readonly isFolder: boolean;
}

async function tell({ messages, output }: Wiring, words: Words, made: Made): Promise<void> {
  const { storage, policy, isFolder } = made;
  const { location } = storage;
  let lock: Record<string, string | number> = {};
  if (isFolder) {
    messages.notice(
      "a folder has no locks and no versions: whoever can write to it can delete this store",
    );
  } else {
    lock = await tellLock(messages, storage, policy);
  }
  const storeId = hexOf(made.created.keyring.keys.storeId);
  const usage = storage.usage?.();
  if (words.flag("json")) {
    await output.json({ storeId, location, ...lock, ...usageFields(usage) });
    return;
  }
  await output.line(`made store ${storeId.slice(0, 10)} at ${location}`);
  if (usage !== undefined) messages.notice(usageLine(usage));
}

/** The same error, which says that the store is there all the same. */
function afterTheStore(error: unknown): unknown {
  if (!isBunkerError(error)) return error;
  const { code, message, subject } = error;
  return new BunkerError(code, message, {
    cause: error,
    ...(subject === undefined ? {} : { subject }),
    hint: "the store is made; get its recovery phrase with: bunker key phrase",
  });
}

/** What to say where the folder holds more than what belongs to stores. */
function foreignFilesIn(folder: string): string | undefined {
  let others: string[];
  try {
    others = readdirSync(folder).filter((name) => !OF_FOLDERS.includes(name));
  } catch {
    return undefined; // A folder that can be written and not listed: making the store will tell.
  }
  const [first] = others;
  if (first === undefined) return undefined;
  const more = others.length === 1 ? "" : ` and ${others.length - 1} more`;
  return `${folder} is not empty (${first}${more}): what is there is left alone, and no store needs it`;
}
