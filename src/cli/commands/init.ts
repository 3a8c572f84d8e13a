// init: makes a store, and gives the recovery phrase once.

import { hexOf } from "../../base/bytes.ts";
import { BunkerError } from "../../base/errors.ts";
import { phraseOf } from "../../crypto/phrase.ts";
import { createStore } from "../../store/create.ts";
import { hasStore } from "../../store/unlock.ts";
import { COMMON_OPTIONS, type CommandDefinition, OPEN_OPTIONS } from "../command.ts";
import { EXIT } from "../exit.ts";
import { SecretFile } from "../secret-file.ts";
import { findSecret, PASSPHRASE_VARIABLES } from "../secrets.ts";
import { contextOf, labelOf, openStorage } from "../session.ts";
import type { Messages } from "../messages.ts";
import { confirmPhrase } from "../phrase.ts";
import type { Wiring } from "../wiring.ts";

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
    const { messages, output } = wiring;
    const storage = await openStorage(wiring, words, { create: true });
    try {
      const context = contextOf(wiring, storage);
      if (await hasStore(context)) {
        throw new BunkerError("exists", `there is a store at ${storage.location} already`, {
          hint: "choose another place, or use that store",
        });
      }
      const path = words.text("phrase-file");
      using file = path === undefined ? undefined : SecretFile.create(path);
      const passphrase = await newPassphrase(wiring);
      const label = labelOf(wiring, words);
      const created = await createStore(context, { passphrase, label, policy: NO_LOCKS });
      await handOver(phraseOf(created.secret), file, messages);
      messages.notice(
        "a folder has no locks and no versions: whoever can write to it can delete this store",
      );
      const storeId = hexOf(created.keyring.keys.storeId);
      if (words.flag("json")) await output.json({ storeId, location: storage.location });
      else await output.line(`made store ${storeId.slice(0, 10)} at ${storage.location}`);
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
  phrase: string,
  file: SecretFile | undefined,
  messages: Messages,
): Promise<void> {
  if (file !== undefined) {
    file.write(phrase);
    file.keep();
  } else if (!(await confirmPhrase(phrase, messages))) {
    messages.notice("without a terminal the recovery phrase is not shown");
    messages.hint("get it with: bunker key phrase --phrase-file FILE");
  }
}
