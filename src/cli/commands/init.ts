// init: makes a store, and gives the recovery phrase once.

import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { hexOf } from "../../base/bytes.ts";
import { BunkerError, fromSystemError, ofThisMachine } from "../../base/errors.ts";
import { phraseOf } from "../../crypto/phrase.ts";
import { createStore } from "../../store/create.ts";
import { hasStore } from "../../store/unlock.ts";
import { COMMON_OPTIONS, type CommandDefinition, OPEN_OPTIONS } from "../command.ts";
import { EXIT } from "../exit.ts";
import { findSecret, PASSPHRASE_VARIABLES } from "../secrets.ts";
import { contextOf, labelOf, openStorage } from "../session.ts";
import { confirmPhrase } from "../phrase.ts";

const NO_LOCKS = { mode: "none", period: 0, floor: 0, grace: 86_400 } as const;

export const init: CommandDefinition = {
  name: "init",
  description: "Make a store. Asks for a passphrase and shows the recovery phrase once.",
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
    const { environment, messages, output } = wiring;
    const storage = await openStorage(wiring, words, { create: true });
    try {
      const context = contextOf(wiring, storage);
      if (await hasStore(context)) {
        throw new BunkerError("exists", `there is a store at ${storage.location} already`, {
          hint: "choose another place, or use that store",
        });
      }
      const phraseFile = words.text("phrase-file");
      const opened = phraseFile === undefined ? undefined : createSecretFile(phraseFile);
      const warn = (message: string) => messages.warning(message);
      const secret = await findSecret(environment, {
        confirm: true,
        label: "new passphrase",
        variables: PASSPHRASE_VARIABLES,
        warn,
      });
      if (secret.kind !== "passphrase") {
        throw new BunkerError("invalid-argument", "a new store begins with a passphrase", {
          hint: "unset BUNKER_KEY_FILE and BUNKER_PHRASE_FILE",
        });
      }
      const label = labelOf(wiring, words);
      const policy = NO_LOCKS;
      const created = await createStore(context, { passphrase: secret.text, label, policy });
      const storeId = hexOf(created.keyring.keys.storeId);
      const phrase = phraseOf(created.secret);
      if (opened !== undefined) writeSecretFile(opened, phrase);
      else if (!(await confirmPhrase(phrase, messages))) {
        messages.notice("without a terminal the recovery phrase is not shown");
        messages.hint("get it with: bunker key phrase --phrase-file FILE");
      }
      messages.notice(
        "a folder has no locks and no versions: whoever can write to it can delete this store",
      );
      if (words.flag("json")) await output.json({ storeId, location: storage.location });
      else await output.line(`made store ${storeId.slice(0, 10)} at ${storage.location}`);
      return EXIT.done;
    } finally {
      await storage.close();
    }
  },
};

/** Opens the file for the phrase first: a store whose phrase can't be written must not be made. */
export function createSecretFile(path: string): number {
  try {
    return openSync(path, "wx", 0o600);
  } catch (error) {
    const failure = ofThisMachine(fromSystemError(error, `making ${path}`, path));
    if (failure.code !== "exists") throw failure;
    throw new BunkerError("exists", `${path} is there already`, {
      cause: error,
      subject: path,
      hint: "name a new file: a secret is not written into one that others may have open",
    });
  }
}

export function writeSecretFile(file: number, text: string): void {
  try {
    writeSync(file, `${text}\n`);
    fsyncSync(file);
  } catch (error) {
    throw ofThisMachine(fromSystemError(error, "writing the secret"));
  } finally {
    closeSync(file);
  }
}
