// Store settings: what one section of the config file, or `store add`, says of a store.
//
// Every value is kept as text, as it was given; what it must look like is checked here, so that a
// fault is told with its setting's name whether it comes from the file or from an option. Values of
// secrets never enter a message.

import { isAbsolute, join } from "node:path";

import { BunkerError } from "../base/errors.ts";
import { parseEndpoint, parseRegion } from "./endpoint.ts";
import type { Environment } from "./locations.ts";
import { parseCount, parseRate } from "./measures.ts";
import { similarTo } from "./similar.ts";
import {
  type BucketLocation,
  type FolderLocation,
  parseStoreLocation,
  parseStoreName,
} from "./store-location.ts";

/** How many requests may be under way: one connection each. The runtime itself has at most 256. */
export const CONNECTIONS_MAX = 128;
const REQUESTS_MAX = 100_000;

type Form = "text" | "path" | "count" | "rate" | "id" | "endpoint" | "region";

interface SettingDefinition {
  readonly form: Form;
  /** Means something for buckets only. */
  readonly bucket?: boolean;
  /** Its value is shown to nobody. */
  readonly secret?: boolean;
  readonly most?: number;
}

/** All settings, in the order in which they are written and shown. */
export const SETTINGS = {
  location: { form: "text" },
  "store-id": { form: "id" },
  endpoint: { form: "endpoint", bucket: true },
  region: { form: "region", bucket: true },
  "key-id": { form: "text", bucket: true },
  key: { form: "text", bucket: true, secret: true },
  "key-file": { form: "path", bucket: true },
  "key-command": { form: "text", bucket: true, secret: true },
  profile: { form: "text", bucket: true },
  ca: { form: "path", bucket: true },
  connections: { form: "count", bucket: true, most: CONNECTIONS_MAX },
  "limit-upload": { form: "rate", bucket: true },
  "limit-download": { form: "rate", bucket: true },
  "limit-requests": { form: "count", bucket: true, most: REQUESTS_MAX },
  "passphrase-file": { form: "path" },
  "passphrase-command": { form: "text", secret: true },
  "store-key-file": { form: "path" },
} as const satisfies Record<string, SettingDefinition>;

export type SettingName = keyof typeof SETTINGS;
export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[];

export type SettingValues = Readonly<Partial<Record<SettingName, string>>>;

/** A store of the config file. */
export interface NamedStore {
  readonly name: string;
  readonly location: FolderLocation | BucketLocation;
  readonly values: SettingValues;
}

const KEY_SOURCES = ["key", "key-file", "key-command"] as const;
const STORE_SECRETS = ["passphrase-file", "passphrase-command", "store-key-file"] as const;

/** Checks names and values. `subject` is where they stand. Throws `invalid-argument`. */
export function checkSettings(
  name: string,
  given: Readonly<Record<string, unknown>>,
  subject: string,
): NamedStore {
  parseStoreName(name);
  const values: Partial<Record<SettingName, string>> = {};
  for (const [key, value] of Object.entries(given)) {
    if (!isSettingName(key)) throw unknownSetting(key, name, subject);
    values[key] = checkedText(key, value, { name, subject });
  }
  const location = checkedLocation(values.location, { name, subject });
  const complaint = complaintAbout(values, location.kind === "folder");
  if (complaint !== undefined) throw wrong(`store ${name}: ${complaint}`, subject);
  return { name, location, values };
}

/** A path of the settings, with "~" for the home folder. */
export function pathOfSetting(path: string, environment: Environment): string {
  const home = environment["HOME"];
  if (!path.startsWith("~/")) return path;
  if (home !== undefined && isAbsolute(home)) return join(home, path.slice(2));
  throw new BunkerError("invalid-argument", `${path}: HOME names no absolute path`);
}

function isSettingName(key: string): key is SettingName {
  return Object.hasOwn(SETTINGS, key);
}

interface Place {
  readonly name: string;
  readonly subject: string;
}

function checkedText(key: SettingName, value: unknown, { name, subject }: Place): string {
  const { form } = SETTINGS[key];
  const what = `store ${name}: ${key}`;
  const isNumber = form === "count" || form === "rate";
  if (typeof value !== "string" && !(isNumber && typeof value === "number")) {
    throw wrong(`${what}: expected ${isNumber ? "a number" : "a text in quotes"}`, subject);
  }
  const text = String(value);
  // oxlint-disable-next-line no-control-regex -- Finding them is the purpose.
  if (text === "" || /[\u0000-\u001f\u007f]/.test(text)) {
    throw wrong(`${what}: expected one line of text, found none or control characters`, subject);
  }
  checkForm(key, text, { what, subject });
  return text;
}

function checkForm(
  key: SettingName,
  text: string,
  { what, subject }: { readonly what: string; readonly subject: string },
): void {
  const definition: SettingDefinition = SETTINGS[key];
  switch (definition.form) {
    case "text":
      return;
    case "endpoint":
      parseEndpoint({ text, from: what });
      return;
    case "region":
      parseRegion({ text, from: what }, "us-west-004");
      return;
    case "count":
      parseCount(text, what, definition.most ?? 1);
      return;
    case "rate":
      parseRate(text, what);
      return;
    case "path":
      if (isAbsolute(text) || text.startsWith("~/")) return;
      throw wrong(`${what}: expected an absolute path, or one that begins with ~/`, subject);
    case "id":
      if (/^[0-9a-f]{64}$/.test(text)) return;
      throw wrong(`${what}: expected 64 hexadecimal digits, as bunker init --json tells`, subject);
  }
}

function checkedLocation(
  text: string | undefined,
  { name, subject }: Place,
): FolderLocation | BucketLocation {
  if (text === undefined) throw wrong(`store ${name}: expected a location, found none`, subject);
  const location = parseStoreLocation(text);
  if (location.kind === "bucket") return location;
  if (location.kind === "folder" && (isAbsolute(text) || text.startsWith("~/"))) return location;
  throw wrong(
    `store ${name}: location: expected an absolute path, b2://BUCKET/PREFIX or s3://BUCKET/PREFIX`,
    subject,
  );
}

/** What does not go together. */
function complaintAbout(values: SettingValues, isFolder: boolean): string | undefined {
  const names = SETTING_NAMES.filter((name) => values[name] !== undefined);
  const ofBuckets = names.find((name) => (SETTINGS[name] as SettingDefinition).bucket);
  if (isFolder && ofBuckets !== undefined)
    return `${ofBuckets} is for buckets, and this is a folder`;
  const sources = KEY_SOURCES.filter((name) => values[name] !== undefined);
  if (sources.length > 1) return `expected one of ${sources.join(", ")}`;
  const [source] = sources;
  const hasId = values["key-id"] !== undefined;
  if (hasId && source === undefined) return `key-id wants one of ${KEY_SOURCES.join(", ")}`;
  if (source !== undefined && !hasId) return `${source} wants key-id`;
  if (hasId && values.profile !== undefined) return "expected key-id or profile, found both";
  const secrets = STORE_SECRETS.filter((name) => values[name] !== undefined);
  return secrets.length > 1 ? `expected one of ${secrets.join(", ")}` : undefined;
}

function unknownSetting(key: string, name: string, subject: string): BunkerError {
  const similar = similarTo(key, SETTING_NAMES);
  return new BunkerError("invalid-argument", `store ${name}: there is no setting ${key}`, {
    subject,
    hint:
      similar === undefined ? `there are ${SETTING_NAMES.join(", ")}` : `did you mean ${similar}?`,
  });
}

function wrong(message: string, subject: string): BunkerError {
  return new BunkerError("invalid-argument", message, { subject });
}
