// New key: the secret half of a bucket's key, for a store that gets a name.
//
// It never comes from an argument: it is asked for, read from stdin, or taken from the variable that
// holds it anyway; or the config file only says where it is.

import { BunkerError, fromSystemError } from "../base/errors.ts";
import { strictTextOf } from "../base/bytes.ts";
import { forbidCoreDumps } from "../system/core-dumps.ts";
import { firstLine } from "./secrets.ts";
import { promptSecret } from "./prompt.ts";
import { type NamedStore, type SettingValues } from "./store-settings.ts";
import type { Wiring } from "./wiring.ts";

const KEY_BYTES_MAX = 4096;

/** The variables that hold a key, by the scheme of the location. */
const VARIABLES = {
  b2: ["B2_APPLICATION_KEY_ID", "B2_APPLICATION_KEY"],
  s3: ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
} as const;

/**
 * The settings with the key added, where its id is given and nothing says where the key is. `check`
 * is asked about all the rest before a person is. Throws what `check` throws, and `invalid-argument`
 * where there is neither a key nor a terminal.
 */
export async function askBucketKey(
  { environment }: Wiring,
  given: SettingValues,
  check: (settings: SettingValues) => NamedStore,
): Promise<SettingValues> {
  const { "key-file": file, ...others } = given;
  const fromStdin = file === "-";
  const isElsewhere = (file !== undefined && !fromStdin) || given["key-command"] !== undefined;
  if (isElsewhere || (given["key-id"] === undefined && !fromStdin)) return given;
  forbidCoreDumps();
  const { location } = check({ ...others, key: "to come" });
  if (fromStdin) return { ...others, key: await keyFromStdin() };
  const [idName, keyName] = VARIABLES[location.kind === "bucket" ? location.scheme : "s3"];
  const isOfId = [undefined, "", given["key-id"]].includes(environment[idName]);
  const known = isOfId ? environment[keyName] : undefined;
  if (known !== undefined && known !== "") return { ...others, key: known };
  const hint = `set ${keyName}, or give --key-file FILE, --key-file - or --key-command COMMAND`;
  const key = await promptSecret({ label: "key of the bucket", confirm: false, hint });
  return { ...others, key: key.trim() };
}

async function keyFromStdin(): Promise<string> {
  const bytes = await startOfStdin();
  const text = bytes.length > KEY_BYTES_MAX ? undefined : strictTextOf(bytes);
  if (text !== undefined) return firstLine(text, "stdin").trim();
  throw new BunkerError("invalid-argument", "stdin: expected a key on one line, found other bytes");
}

async function startOfStdin(): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let count = 0;
  try {
    for await (const part of Bun.stdin.stream()) {
      parts.push(part);
      count += part.length;
      if (count > KEY_BYTES_MAX) break;
    }
  } catch (error) {
    throw fromSystemError(error, "reading the key from stdin");
  }
  return Buffer.concat(parts);
}

/** Where the key of a store in a bucket comes from, for people and JSON. */
export function keyOriginOf({ values }: NamedStore): string {
  if (values.key !== undefined) return "config";
  if (values["key-file"] !== undefined) return "key-file";
  if (values["key-command"] !== undefined) return "key-command";
  return values.profile === undefined ? "environment" : "profile";
}
