// Bucket limits: how much a bucket may be asked at once and by the second, from the options, else
// from the store's section of the config file.

import { BunkerError } from "../base/errors.ts";
import type { Limits } from "../s3/service.ts";
import { BUCKET_OPTIONS, type Words } from "./command.ts";
import { parseCount, parseRate } from "./measures.ts";
import { SETTINGS, type SettingValues } from "./store-settings.ts";

type LimitName = keyof typeof BUCKET_OPTIONS;

const NAMES = Object.keys(BUCKET_OPTIONS) as LimitName[];

/** The limits. Throws `invalid-argument`. */
export function limitsOf(words: Words, values: SettingValues = {}): Limits {
  const read = <T>(name: LimitName, parse: (text: string, option: string) => T): T | undefined => {
    const option = words.text(name);
    if (option !== undefined) return parse(option, `--${name}`);
    const setting = values[name];
    return setting === undefined ? undefined : parse(setting, `the store's ${name}`);
  };
  const count = (name: "connections" | "limit-requests"): number | undefined =>
    read(name, (text, option) => parseCount(text, option, SETTINGS[name].most));
  return present({
    connections: count("connections"),
    uploadBytesPerSecond: read("limit-upload", parseRate),
    downloadBytesPerSecond: read("limit-download", parseRate),
    requestsPerSecond: count("limit-requests"),
  });
}

/** Throws `invalid-argument` where an option speaks of buckets: this store is a folder. */
export function refuseLimits(words: Words): void {
  const given = NAMES.find((name) => words.isGiven(name));
  if (given === undefined) return;
  throw new BunkerError(
    "invalid-argument",
    `--${given} is for buckets, and this store is a folder`,
  );
}

function present(limits: { readonly [Name in keyof Limits]: Limits[Name] | undefined }): Limits {
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
}
