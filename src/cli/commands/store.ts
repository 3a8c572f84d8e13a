// store: names for stores, kept with their keys and limits in the config file.

import { resolve } from "node:path";

import { BunkerError } from "../../base/errors.ts";
import { BUCKET_OPTIONS, type CommandDefinition, COMMON_OPTIONS, type Words } from "../command.ts";
import {
  addNamedStore,
  findNamedStore,
  nameTaken,
  readConfig,
  removeNamedStore,
} from "../config.ts";
import { configPathOf } from "../config-file.ts";
import { EXIT, type ExitStatus } from "../exit.ts";
import { LOCK_OPTION } from "../lock-choice.ts";
import { askBucketKey, keyOriginOf } from "../new-key.ts";
import { printableText } from "../names.ts";
import { parseStoreLocation, parseStoreName } from "../store-location.ts";
import {
  checkSettings,
  type NamedStore,
  SETTING_NAMES,
  type SettingName,
  SETTINGS,
} from "../store-settings.ts";
import type { Wiring } from "../wiring.ts";

type Action = (wiring: Wiring, words: Words) => Promise<ExitStatus>;

/** How many words follow, and what then happens. */
const ACTIONS: Readonly<
  Record<string, { readonly words: readonly number[]; readonly run: Action }>
> = {
  add: { words: [2], run: add },
  list: { words: [0], run: list },
  show: { words: [1], run: show },
  remove: { words: [1], run: remove },
  test: { words: [0, 1], run: test },
};

/** Options of `add` that become settings of the same name. */
const SETTING_OPTIONS = {
  endpoint: option("URL", "The address of the S3 service (b2:// knows it by its region)"),
  region: option("REGION", "The region, as us-west-004"),
  "key-id": option("ID", "The id of the bucket's key; the key itself is asked for"),
  "key-file": option("FILE", "A file with the bucket's key; - takes it from stdin"),
  "key-command": option("COMMAND", "A command of the shell that says the bucket's key"),
  profile: option("NAME", "Take the key from this profile of the AWS files"),
  ca: option("FILE", "Certificates to trust for this service, in place of the system's"),
  ...BUCKET_OPTIONS,
  "passphrase-file": option("FILE", "A file with the store's passphrase"),
  "passphrase-command": option("COMMAND", "A command of the shell that says the passphrase"),
  "store-key-file": option("FILE", "A file with the store's key, of bunker key writer"),
  "store-id": option("ID", "The id of the store, where it is known: no other is opened"),
} as const;

/** Options of `test` alone, beside the limits. */
const TEST_OPTIONS = {
  speed: { type: "boolean", description: "test: move 64 MiB too, and tell how fast" },
  lock: {
    ...LOCK_OPTION,
    description: "test: accept no less: compliance (default), governance, none",
  },
} as const;

const PATHS: readonly string[] = ["key-file", "ca", "passphrase-file", "store-key-file"];

function option(valueHint: string, description: string) {
  return { type: "string", valueHint, description } as const;
}

export const store: CommandDefinition = {
  name: "store",
  description: [
    "Give stores names: --store @NAME then stands for the place, its key and its limits.",
    "",
    "  add NAME LOCATION   name a store; the place need not hold one yet",
    "  list                list the names",
    "  show NAME           show what is kept of one; no secrets",
    "  remove NAME         forget the name; the store itself stays",
    "  test [STORE]        try what a store's place does and allows: a name, or a location",
    "",
    "Without --key-id and --profile, the key is looked for at each use: B2_APPLICATION_KEY_ID and",
    "B2_APPLICATION_KEY, or the names and files of AWS. The first use of a store notes its id.",
  ].join("\n"),
  words: "add NAME LOCATION|list|show NAME|remove NAME|test [STORE]",
  wordCount: [1, 3],
  options: {
    json: COMMON_OPTIONS.json,
    help: COMMON_OPTIONS.help,
    ...SETTING_OPTIONS,
    ...TEST_OPTIONS,
  },
  examples: [
    "bunker store add home b2://my-bucket/laptop --region us-west-004 --key-id 004a…",
    "bunker store add nas /mnt/nas/store --passphrase-file ~/.nas-passphrase",
    "bunker backup ~/documents --store @home",
  ],
  run(wiring, words) {
    const [name = "", ...rest] = words.positionals;
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
    if (action === undefined || !action.words.includes(rest.length)) {
      throw new BunkerError("invalid-argument", `expected ${store.words}`, {
        hint: "see: bunker store --help",
      });
    }
    refuseOptions(words, name);
    return action.run(wiring, words);
  },
};

/** Options that belong to another of the actions. */
function refuseOptions(words: Words, action: string): void {
  const ofTest = Object.keys(TEST_OPTIONS).find((name) => words.isGiven(name));
  if (ofTest !== undefined && action !== "test") {
    throw new BunkerError("invalid-argument", `--${ofTest} goes with bunker store test`);
  }
  if (action === "add") return;
  const given = Object.keys(SETTING_OPTIONS).find((name) => words.isGiven(name));
  const mayLimit = action === "test" && given !== undefined && Object.hasOwn(BUCKET_OPTIONS, given);
  if (given === undefined || mayLimit) return;
  throw new BunkerError("invalid-argument", `--${given} goes with bunker store add`);
}

async function add(wiring: Wiring, words: Words): Promise<ExitStatus> {
  const { environment, messages } = wiring;
  const warn = warningsOf(wiring);
  const name = nameOf(words);
  const location = locationOf(words.positionals[2] ?? "");
  const given: Partial<Record<SettingName, string>> = { location };
  for (const key of Object.keys(SETTING_OPTIONS) as SettingName[]) {
    const value = words.text(key);
    const isPath = PATHS.includes(key) && value !== "-";
    if (value !== undefined) given[key] = isPath ? resolve(value) : value;
  }
  const path = configPathOf(environment);
  // Everything else is looked at before a person is asked for anything.
  if (readConfig(environment, warn).stores.has(name)) throw nameTaken(name, path);
  const key = await askBucketKey(wiring, given, (settings) => checkSettings(name, settings, path));
  const named = checkSettings(name, key, path);
  addNamedStore(environment, named, warn);
  if (named.values.key !== undefined) messages.notice(`the key is kept in ${path}`);
  const text = `named @${name}: ${named.values.location ?? ""}`;
  if (words.flag("json")) await wiring.output.json(fieldsOf(named));
  else await wiring.output.line(printableText(text));
  return EXIT.done;
}

// The folder that is meant now is meant from everywhere.
function locationOf(text: string): string {
  const location = parseStoreLocation(text);
  return location.kind === "folder" ? resolve(text) : text;
}

/** `NAME`, or `@NAME`, as it is used. */
function nameOf(words: Words): string {
  return parseStoreName((words.positionals[1] ?? "").replace(/^@/, ""));
}

async function list(wiring: Wiring, words: Words): Promise<ExitStatus> {
  const { output, environment } = wiring;
  const config = readConfig(environment, warningsOf(wiring));
  const stores = [...config.stores.keys()].map((name) => findNamedStore(config, name));
  const width = Math.max(0, ...stores.map(({ name }) => name.length));
  for (const named of stores) {
    const { name, values } = named;
    if (words.flag("json")) await output.json(fieldsOf(named));
    else await output.line(printableText(`${name.padEnd(width)}  ${values.location ?? ""}`));
  }
  return EXIT.done;
}

async function show(wiring: Wiring, words: Words): Promise<ExitStatus> {
  const { output, environment } = wiring;
  const named = findNamedStore(readConfig(environment, warningsOf(wiring)), nameOf(words));
  if (words.flag("json")) {
    await output.json(fieldsOf(named));
    return EXIT.done;
  }
  for (const key of SETTING_NAMES) {
    const value = named.values[key];
    if (value === undefined) continue;
    await output.line(printableText(`${key}: ${isSecret(key) ? "(kept, not shown)" : value}`));
  }
  if (named.location.kind === "bucket") await output.line(`key from: ${keyOriginOf(named)}`);
  return EXIT.done;
}

function isSecret(key: SettingName): boolean {
  return "secret" in SETTINGS[key];
}

async function remove(wiring: Wiring, words: Words): Promise<ExitStatus> {
  const name = nameOf(words);
  removeNamedStore(wiring.environment, name, warningsOf(wiring));
  if (words.flag("json")) await wiring.output.json({ removed: name });
  else await wiring.output.line(`removed the name @${name}; what it stood for stays as it is`);
  return EXIT.done;
}

async function test(wiring: Wiring, words: Words): Promise<ExitStatus> {
  const { storeTest } = await import("./store-test.ts");
  return storeTest(wiring, words);
}

function warningsOf({ messages }: Wiring): (message: string) => void {
  return (message) => messages.warning(message);
}

/** What JSON tells of a store: every setting that is no secret, and where secrets come from. */
function fieldsOf(named: NamedStore): Record<string, unknown> {
  const { name, values } = named;
  const shown = SETTING_NAMES.filter((key) => values[key] !== undefined && !isSecret(key));
  const fields = shown.map((key) => [camelCase(key), jsonValue(key, values[key]!)] as const);
  const isBucket = named.location.kind === "bucket";
  return {
    name,
    ...Object.fromEntries(fields),
    ...(isBucket ? { keyFrom: keyOriginOf(named) } : {}),
  };
}

function jsonValue(key: SettingName, value: string): string | number {
  return SETTINGS[key].form === "count" ? Number(value) : value;
}

function camelCase(key: string): string {
  return key.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
