// init: makes a store, and gives the recovery phrase once.

import { readdirSync } from "node:fs";
import { hexOf } from "../../base/bytes.ts";
import { BunkerError, isBunkerError } from "../../base/errors.ts";
import { phraseOf } from "../../crypto/phrase.ts";
import { type CreatedStore, createStore } from "../../store/create.ts";
import { hasStore } from "../../store/unlock.ts";
import { COMMON_OPTIONS, type CommandDefinition, OPEN_OPTIONS, type Words } from "../command.ts";
import { EXIT } from "../exit.ts";
import { SecretFile } from "../secret-file.ts";
import { findSecret, PASSPHRASE_VARIABLES } from "../secrets.ts";
import { contextOf, labelOf, openStorage } from "../session.ts";
import { confirmPhrase } from "../phrase.ts";
import type { Wiring } from "../wiring.ts";

/** What a file system, or a store that was given up, leaves in a folder. */
const OF_FOLDERS = ["lost+found", "tmp", "aside", "location"];
const NO_LOCKS = { mode: "none", period: 0, floor: 0, grace: 86_400 } as const;

export const init: CommandDefinition = {
  name: "init",
  description: [
    "Make a new store. Asks for a passphrase, and shows the recovery phrase once.",
    "",
    "The recovery phrase opens the store when the passphrase is lost. Keep it on paper.",
  ].join("\n"),
  wordCount: [0, 0],
  options: {
    ...COMMON_OPTIONS,
    label: OPEN_OPTIONS.label,
    "phrase-file": {
      type: "string",
      valueHint: "FILE",
      description: "Write the recovery phrase to a new file (0600) instead of the terminal",
    },
  },
  examples: ["bunker init --store /mnt/disk/store", "bunker init --phrase-file ~/phrase.txt"],
  async run(wiring, words) {
    const storage = await openStorage(wiring, words, { create: true });
    try {
      const context = contextOf(wiring, storage);
      if (await hasStore(context)) {
        throw new BunkerError("exists", `there is a store at ${storage.location} already`, {
          hint: "choose another place, or use that store",
        });
      }
      const others = foreignFilesIn(storage.location);
      if (others !== undefined) wiring.messages.notice(others);
      const path = words.text("phrase-file");
      using file = path === undefined ? undefined : SecretFile.create(path);
      const passphrase = await newPassphrase(wiring);
      const label = labelOf(wiring, words);
      // Whoever stops it while the store is made must hear that it is.
      wiring.interruption.endInOrder();
      const created = await createStore(context, { passphrase, label, policy: NO_LOCKS });
      try {
        await handOver(wiring, phraseOf(created.secret), file);
        await tell(wiring, words, { created, location: storage.location });
      } catch (error) {
        throw afterTheStore(error);
      }
      return EXIT.done;
    } finally {
      await storage.close();
    }
  },
};

async function newPassphrase({ environment, messages }: Wiring): Promise<string> {
  const secret = await findSecret(environment, {
    confirm: true,
    label: "new passphrase",
    variables: PASSPHRASE_VARIABLES,
    warn: (message) => messages.warning(message),
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

async function tell(
  { messages, output }: Wiring,
  words: Words,
  made: { readonly created: CreatedStore; readonly location: string },
): Promise<void> {
  messages.notice(
    "a folder has no locks and no versions: whoever can write to it can delete this store",
  );
  const { location } = made;
  const storeId = hexOf(made.created.keyring.keys.storeId);
  if (words.flag("json")) await output.json({ storeId, location });
  else await output.line(`made store ${storeId.slice(0, 10)} at ${location}`);
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
