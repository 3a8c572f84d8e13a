// Credentials: the key by which a bucket is asked.
//
// The first of these that has a key gives it:
//   1. the store's section of the config file: key-id with key, key-file or key-command; or profile
//   2. B2_APPLICATION_KEY_ID and B2_APPLICATION_KEY (for b2:// only)
//   3. AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, if need be, AWS_SESSION_TOKEN
//   4. the files of AWS: AWS_PROFILE, or the profile "default"
// Half a key is an error: the other half must not come from elsewhere.

import { BunkerError } from "../base/errors.ts";
import type { Credentials } from "../s3/service.ts";
import { type AwsProfile, readAwsProfile } from "./aws-files.ts";
import type { Environment } from "./locations.ts";
import { readPrivateFile, refuseIfWorldReadable, textOfFile } from "./private-file.ts";
import { firstLine, lineOfCommand } from "./secrets.ts";
import type { BucketLocation } from "./store-location.ts";
import { pathOfSetting, type SettingValues } from "./store-settings.ts";

export interface Sources {
  readonly environment: Environment;
  /** The store's section of the config file, where it is a named one. */
  readonly values?: SettingValues;
  readonly warn: (message: string) => void;
}

export interface Key {
  readonly credentials: Credentials;
  /** The profile of the AWS files that stands behind it, for region and endpoint. */
  readonly profile?: AwsProfile;
  /** Whether the AWS names of the environment count. */
  readonly isAws: boolean;
}

/** Finds the key. Throws `invalid-argument` where there is none, or half of one. */
export async function findKey(location: BucketLocation, sources: Sources): Promise<Key> {
  const { values = {} } = sources;
  const isB2 = location.scheme === "b2";
  if (values["key-id"] !== undefined) {
    const secret = await ownSecret(values, sources);
    return { credentials: credentialsOf(values["key-id"], secret, "the store's"), isAws: !isB2 };
  }
  if (values.profile !== undefined) return keyOfProfile(values.profile, sources);
  return keyOfVariables(isB2, sources) ?? keyOfFiles(isB2, sources);
}

function keyOfVariables(isB2: boolean, { environment, warn }: Sources): Key | undefined {
  const b2 = isB2 ? pairIn(environment, "B2_APPLICATION_KEY_ID", "B2_APPLICATION_KEY") : undefined;
  if (b2 !== undefined) return { credentials: b2, isAws: false };
  const aws = pairIn(environment, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY");
  if (aws === undefined) return undefined;
  const sessionToken = textIn(environment, "AWS_SESSION_TOKEN");
  const name = textIn(environment, "AWS_PROFILE") ?? "default";
  const profile = settingsOfProfile(environment, name, warn);
  return {
    credentials: { ...aws, ...(sessionToken === undefined ? {} : { sessionToken }) },
    isAws: true,
    ...(profile === undefined ? {} : { profile }),
  };
}

function keyOfFiles(isB2: boolean, sources: Sources): Key {
  const name = textIn(sources.environment, "AWS_PROFILE");
  if (name !== undefined) return keyOfProfile(name, sources);
  const profile = readAwsProfile(sources.environment, "default", sources.warn);
  const credentials = credentialsOfProfile(profile);
  if (profile !== undefined && credentials !== undefined) {
    return { credentials, profile, isAws: true };
  }
  throw profile?.fetchedBy === undefined ? noKey(isB2) : keyless(profile);
}

// A profile may have no keys that we can take, and still a region, beside keys of the environment.
function settingsOfProfile(
  environment: Environment,
  name: string,
  warn: Sources["warn"],
): AwsProfile | undefined {
  try {
    return readAwsProfile(environment, name, warn);
  } catch {
    return undefined; // What of it is needed and missing will be told.
  }
}

function keyOfProfile(name: string, { environment, warn }: Sources): Key {
  const profile = readAwsProfile(environment, name, warn);
  if (profile === undefined) {
    throw wrong(`there is no AWS profile ${name}`, {
      hint: "profiles are in ~/.aws/credentials and ~/.aws/config",
    });
  }
  const credentials = credentialsOfProfile(profile);
  if (credentials === undefined) throw keyless(profile);
  return { credentials, profile, isAws: true };
}

function keyless({ name, fetchedBy }: AwsProfile): BunkerError {
  if (fetchedBy === undefined) {
    return wrong(`AWS profile ${name} has no key`, {
      hint: "it wants aws_access_key_id and aws_secret_access_key",
    });
  }
  const message = `AWS profile ${name} gets its keys by ${fetchedBy}, which bunker does not do`;
  return wrong(message, {
    hint: "give a profile with keys of its own, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
  });
}

function credentialsOfProfile(profile: AwsProfile | undefined): Credentials | undefined {
  const { keyId, secret, sessionToken, name } = profile ?? {};
  if (keyId === undefined || secret === undefined) return undefined;
  const pair = credentialsOf(keyId, secret, `AWS profile ${name ?? ""}'s`);
  return { ...pair, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

async function ownSecret(values: SettingValues, sources: Sources): Promise<string> {
  if (values.key !== undefined) return values.key;
  if (values["key-command"] !== undefined) {
    return lineOfCommand(values["key-command"], "the store's key-command");
  }
  const path = pathOfSetting(values["key-file"] ?? "", sources.environment);
  const file = readPrivateFile(path, "the file with the key");
  refuseIfWorldReadable(file, sources.warn);
  return firstLine(textOfFile(file), "the store's key-file").trim();
}

/** A pair of variables; both or none. */
function pairIn(
  environment: Environment,
  idName: string,
  secretName: string,
): Credentials | undefined {
  const keyId = textIn(environment, idName);
  const secret = textIn(environment, secretName);
  if (keyId !== undefined && secret !== undefined) return credentialsOf(keyId, secret, idName);
  if (keyId === undefined && secret === undefined) return undefined;
  const [set, unset] = keyId === undefined ? [secretName, idName] : [idName, secretName];
  throw wrong(`${set} is set, and ${unset} is not`, { hint: "set both, or unset both" });
}

// What would break a header, or was pasted with more than itself, is told before it is sent.
function credentialsOf(keyId: string, secret: string, whose: string): Credentials {
  if (/^[\x21-\x7e]+$/.test(keyId) && /^[\x21-\x7e]+$/.test(secret)) return { keyId, secret };
  throw wrong(`${whose} key: expected an id and a key of plain letters, found other characters`, {
    hint: "was a blank or a line end copied with it?",
  });
}

/** An empty variable is as good as none, as it is to the tools of AWS and B2. */
export function textIn(environment: Environment, name: string): string | undefined {
  const text = environment[name];
  return text === undefined || text === "" ? undefined : text;
}

function noKey(isB2: boolean): BunkerError {
  const names = isB2
    ? "B2_APPLICATION_KEY_ID and B2_APPLICATION_KEY"
    : "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or AWS_PROFILE)";
  return wrong("there is no key for the bucket", {
    hint: `set ${names}, or name the store with: bunker store add`,
  });
}

function wrong(message: string, details: { readonly hint: string }): BunkerError {
  return new BunkerError("invalid-argument", message, details);
}
