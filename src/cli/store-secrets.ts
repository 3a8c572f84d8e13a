// Store secrets: what opens the chosen store: the environment, else what its section of the config
// file says, else a question.
//
// The environment goes first here, unlike for a bucket's key: its names are bunker's own, and who
// forgot a passphrase sets BUNKER_PHRASE_FILE for one command.

import { parsePhrase } from "../crypto/phrase.ts";
import { parseKeyFile } from "../format/bundle.ts";
import type { Secret as StoreSecret } from "../store/unlock.ts";
import { nativePlatform } from "../system/platform.ts";
import type { Words } from "./command.ts";
import type { Environment } from "./locations.ts";
import { findSecret, SECRET_VARIABLES, type Secret, type SecretOptions } from "./secrets.ts";
import { chosenStore } from "./store-choice.ts";
import { pathOfSetting, type SettingName } from "./store-settings.ts";
import type { Wiring } from "./wiring.ts";

const PASSPHRASE_TRY_COUNT = 3;

type Variable = (typeof SECRET_VARIABLES)[number];

const SETTING_OF: Readonly<Partial<Record<Variable, SettingName>>> = {
  BUNKER_PASSPHRASE_FILE: "passphrase-file",
  BUNKER_PASSPHRASE_COMMAND: "passphrase-command",
  BUNKER_KEY_FILE: "store-key-file",
};

/** Finds the secret of the chosen store, or of one that is to be made. Throws as `findSecret`. */
export function findStoreSecret(
  wiring: Wiring,
  words: Words,
  options: Omit<SecretOptions, "warn" | "nameOf"> = {},
): Promise<Secret> {
  const { environment, settings } = sourcesOf(wiring, words);
  return findSecret(environment, {
    ...options,
    warn: (message) => wiring.messages.warning(message),
    nameOf: (variable) => settings[variable] ?? variable,
  });
}

/** What the environment, the config file or the person gives to open the store with. */
export async function secretOf(wiring: Wiring, words: Words): Promise<StoreSecret> {
  const { environment } = sourcesOf(wiring, words);
  // A passphrase is asked for only when it is known that there is a store.
  if (!SECRET_VARIABLES.some((name) => environment[name] !== undefined)) {
    return askedSecret(wiring, words);
  }
  const found = await findStoreSecret(wiring, words);
  if (found.kind === "phrase") return { kind: "phrase", secret: parsePhrase(found.text) };
  if (found.kind === "key") {
    return { kind: "bundle", bundle: await parseKeyFile(nativePlatform, found.text) };
  }
  return { kind: "passphrase", passphrase: () => Promise.resolve(found.text) };
}

// A person mistypes what a script has right or wrong for good.
function askedSecret(wiring: Wiring, words: Words): StoreSecret {
  const ask = async () => (await findStoreSecret(wiring, words)).text;
  let tryCount = 1;
  const another = async (): Promise<string | undefined> => {
    tryCount += 1;
    if (tryCount > PASSPHRASE_TRY_COUNT) return undefined;
    wiring.messages.notice("this passphrase opens no key slot of the store: please try again");
    return ask();
  };
  return { kind: "passphrase", passphrase: ask, another };
}

interface SecretSources {
  readonly environment: Environment;
  /** What people call the variables that come from settings. */
  readonly settings: Readonly<Partial<Record<Variable, string>>>;
}

function sourcesOf(wiring: Wiring, words: Words): SecretSources {
  const { environment } = wiring;
  const { named } = chosenStore(wiring, words);
  const isSet = SECRET_VARIABLES.some((variable) => environment[variable] !== undefined);
  if (named === undefined || isSet) return { environment, settings: {} };
  const added: Record<string, string> = {};
  const settings: Partial<Record<Variable, string>> = {};
  for (const variable of SECRET_VARIABLES) {
    const name = SETTING_OF[variable];
    const value = name === undefined ? undefined : named.values[name];
    if (name === undefined || value === undefined) continue;
    added[variable] = name === "passphrase-command" ? value : pathOfSetting(value, environment);
    settings[variable] = `${name} of @${named.name}`;
  }
  return { environment: { ...environment, ...added }, settings };
}
