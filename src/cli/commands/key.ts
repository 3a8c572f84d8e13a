// key: passphrases, the recovery phrase and key files.

import { hexOf } from "../../base/bytes.ts";
import { BunkerError } from "../../base/errors.ts";
import { phraseOf } from "../../crypto/phrase.ts";
import { formatKeyFile } from "../../format/bundle.ts";
import { addSlot } from "../../store/create.ts";
import { requireOwner } from "../../store/keyring.ts";
import { dropSlot, listSlots, removeSlot, type SlotEnd } from "../../store/slots.ts";
import type { Store } from "../../store/store.ts";
import { type CommandDefinition, OPEN_OPTIONS, type Words } from "../command.ts";
import { EXIT, type ExitStatus } from "../exit.ts";
import type { Environment } from "../locations.ts";
import { printableText } from "../names.ts";
import { showPhrase } from "../phrase.ts";
import { SecretFile } from "../secret-file.ts";
import { findSecret, PASSPHRASE_VARIABLES } from "../secrets.ts";
import { withStore } from "../session.ts";
import type { Wiring } from "../wiring.ts";
import { localTime } from "../entry-text.ts";

type Action = (wiring: Wiring, words: Words, store: Store) => Promise<ExitStatus>;

const ACTIONS: Readonly<Record<string, { readonly words: number; readonly run: Action }>> = {
  list: { words: 0, run: list },
  add: { words: 0, run: add },
  remove: { words: 1, run: remove },
  passphrase: { words: 0, run: changePassphrase },
  phrase: { words: 0, run: phrase },
  writer: { words: 1, run: writer },
};

export const key: CommandDefinition = {
  name: "key",
  description: [
    "Manage what opens the store. Each passphrase has a key slot of its own in it.",
    "",
    "  list          list the key slots; a star marks the one that was opened",
    "  add           add another passphrase",
    "  remove ID     remove a key slot, and so its passphrase",
    "  passphrase    change the passphrase (forgotten? set BUNKER_PHRASE_FILE to a file with the",
    "                recovery phrase)",
    "  phrase        show the recovery phrase, or write it to --phrase-file",
    "  writer LABEL  write to --key-file the key of a machine that may add backups and can read none",
    "",
    "A new passphrase comes from BUNKER_NEW_PASSPHRASE, BUNKER_NEW_PASSPHRASE_FILE or",
    "BUNKER_NEW_PASSPHRASE_COMMAND, or is asked for.",
  ].join("\n"),
  words: "list|add|remove ID|passphrase|phrase|writer LABEL",
  wordCount: [1, 2],
  options: {
    ...OPEN_OPTIONS,
    name: { type: "string", valueHint: "NAME", description: "A name for the new key slot" },
    "phrase-file": {
      type: "string",
      valueHint: "FILE",
      description: "The new file for the recovery phrase",
    },
    "key-file": {
      type: "string",
      valueHint: "FILE",
      description: "The new file for the machine's key",
    },
  },
  examples: [
    "bunker key list",
    "bunker key phrase --phrase-file ~/phrase.txt",
    "bunker key writer web1 --key-file web1.key",
  ],
  run(wiring, words) {
    const [name = "", ...rest] = words.positionals;
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
    if (action === undefined || rest.length !== action.words) {
      throw new BunkerError("invalid-argument", `expected ${key.words}`, {
        hint: "see: bunker key --help",
      });
    }
    const use = async (store: Store): Promise<ExitStatus> => {
      requireOwner(store.keyring, `key ${name}`);
      return action.run(wiring, words, store);
    };
    return withStore(wiring, words, use, { isWriting: true });
  },
};

async function list({ output }: Wiring, words: Words, store: Store): Promise<ExitStatus> {
  for (const slot of await listSlots(store)) {
    const isOpen = slot.name === store.keyring.slotName;
    const { id, label, created } = slot;
    if (words.flag("json")) {
      await output.json({ id, label, created: new Date(created).toISOString(), opened: isOpen });
    } else {
      const mark = isOpen ? "*" : " ";
      await output.line(
        `${mark} ${id.slice(0, 10)}  ${localTime(created)}  ${printableText(label)}`,
      );
    }
  }
  return EXIT.done;
}

async function add(wiring: Wiring, words: Words, store: Store): Promise<ExitStatus> {
  const passphrase = await newPassphrase(wiring);
  const name = await addSlot(
    store.context,
    store.keyring,
    passphrase,
    words.text("name") ?? "added",
  );
  await tell(wiring, words, { added: slotId(name) }, `added key slot ${shortSlot(name)}`);
  return EXIT.done;
}

async function remove(wiring: Wiring, words: Words, store: Store): Promise<ExitStatus> {
  const { slot, end } = await removeSlot(store, words.positionals[1] ?? "");
  const text = `removed key slot ${slot.id.slice(0, 10)}`;
  await tell(wiring, words, { removed: slot.id, ...fieldsOfEnd(end) }, text);
  warnOfCopies(wiring, end);
  return EXIT.done;
}

async function changePassphrase(wiring: Wiring, words: Words, store: Store): Promise<ExitStatus> {
  const passphrase = await newPassphrase(wiring);
  const label = words.text("name") ?? "passphrase";
  const name = await addSlot(store.context, store.keyring, passphrase, label);
  const { slotName } = store.keyring;
  const added = slotId(name);
  if (slotName !== undefined && slotName !== name) {
    const end = await dropSlot(store, slotName);
    const text = `changed the passphrase: key slot ${shortSlot(name)}`;
    await tell(wiring, words, { added, removed: slotId(slotName), ...fieldsOfEnd(end) }, text);
    warnOfCopies(wiring, end);
  } else {
    await tell(wiring, words, { added }, `set a new passphrase: key slot ${shortSlot(name)}`);
    wiring.messages.hint(
      "passphrases that are not wanted any more: bunker key list, bunker key remove",
    );
    warnOfCopies(wiring, { gone: true });
  }
  return EXIT.done;
}

async function phrase(wiring: Wiring, words: Words, store: Store): Promise<ExitStatus> {
  const { secret } = requireOwner(store.keyring, "the recovery phrase");
  const path = words.text("phrase-file");
  if (path !== undefined) {
    using file = SecretFile.create(path);
    file.write(phraseOf(secret));
    file.keep();
    wiring.messages.notice(`the recovery phrase is in ${path}`);
    if (words.flag("json")) await wiring.output.json({ phraseFile: path });
  } else if (!showPhrase(phraseOf(secret))) {
    throw new BunkerError("invalid-argument", "there is no terminal to show the phrase on", {
      hint: "give --phrase-file FILE",
    });
  }
  return EXIT.done;
}

async function writer(wiring: Wiring, words: Words, store: Store): Promise<ExitStatus> {
  const owner = requireOwner(store.keyring, "certifying a writer");
  const label = words.positionals[1] ?? "";
  const path = words.text("key-file");
  if (
    path === undefined ||
    label === "" ||
    !label.isWellFormed() ||
    Buffer.byteLength(label) > 255
  ) {
    throw new BunkerError(
      "invalid-argument",
      "expected a label of 1 to 255 bytes, and --key-file FILE",
    );
  }
  using file = SecretFile.create(path);
  // Random, not derived: whoever finds this key must not be the owner's machine of that name.
  const signerSeed = store.platform.random(32);
  const publicKey = await store.platform.signingPublicKey(signerSeed);
  const { agreementPublic, signingPublic, dataIdKey, treeIdKey, cutKey, indexKey } = owner;
  const bundle = {
    role: "writer",
    agreementPublic,
    signingPublic,
    dataIdKey,
    treeIdKey,
    cutKey,
    indexKey,
    signerSeed,
    label,
  } as const;
  file.write(formatKeyFile(bundle));
  const time = store.world.now();
  await store.log.append({
    kind: "certificate",
    time,
    role: "writer",
    publicKey,
    label,
    hosts: [],
  });
  file.keep();
  store.log.remember();
  const text = `certified writer ${printableText(label)}: its key is in ${printableText(path)}`;
  await tell(wiring, words, { writer: hexOf(publicKey), label, keyFile: path }, text);
  wiring.messages.notice(
    "it can add snapshots and read none; it can test guesses about what is stored",
  );
  return EXIT.done;
}

async function newPassphrase(wiring: Wiring): Promise<string> {
  const { environment, messages } = wiring;
  const renamed: Record<string, string | undefined> = {};
  for (const suffix of ["", "_FILE", "_COMMAND"]) {
    renamed[`BUNKER_PASSPHRASE${suffix}`] = environment[`BUNKER_NEW_PASSPHRASE${suffix}`];
  }
  const given: Environment = renamed;
  const secret = await findSecret(given, {
    confirm: true,
    label: "new passphrase",
    variables: PASSPHRASE_VARIABLES,
    nameOf: (variable) => variable.replace("BUNKER_", "BUNKER_NEW_"),
    warn: (message) => messages.warning(message),
  });
  return secret.text;
}

function tell(
  { output }: Wiring,
  words: Words,
  fields: Readonly<Record<string, string | boolean>>,
  text: string,
): Promise<void> {
  return words.flag("json") ? output.json(fields) : output.line(text);
}

function warnOfCopies({ messages }: Wiring, { gone, lockedUntil }: SlotEnd): void {
  if (!gone) {
    const end =
      lockedUntil === undefined
        ? "until its lock ends and a key that may delete takes it away"
        : `until ${new Date(lockedUntil).toISOString().slice(0, 10)} at least, when its lock ends`;
    messages.warning(
      `the old key slot can't be deleted yet: its passphrase opens the store ${end}`,
    );
  }
  messages.notice(
    "whoever kept a copy of the old key slot can still open the store with its passphrase",
  );
}

/** What JSON tells of a slot that had to stay. */
function fieldsOfEnd({ gone, lockedUntil }: SlotEnd): Readonly<Record<string, string | boolean>> {
  if (gone) return {};
  const until =
    lockedUntil === undefined ? {} : { lockedUntil: new Date(lockedUntil).toISOString() };
  return { stays: true, ...until };
}

function shortSlot(name: string): string {
  return slotId(name).slice(0, 10);
}

function slotId(name: string): string {
  return name.slice(name.indexOf("/") + 1);
}
