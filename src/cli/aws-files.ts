// AWS files: keys and settings of a profile, as the tools of AWS keep them.
//
//   ~/.aws/credentials   [NAME]
//   ~/.aws/config        [profile NAME], [default], and [services NAME] with "s3 =" and lines below
//
// Keys that are written there are taken. What would have to be fetched from elsewhere is not: such
// keys end after an hour, in the middle of a long backup.

import { isAbsolute, join } from "node:path";

import { isBunkerError } from "../base/errors.ts";
import type { Environment } from "./locations.ts";
import { readPrivateFile, textOfFile, warnIfOpen } from "./private-file.ts";

export interface AwsProfile {
  readonly name: string;
  readonly keyId?: string;
  readonly secret?: string;
  readonly sessionToken?: string;
  readonly region?: string;
  readonly endpoint?: string;
  readonly ca?: string;
  /** Where it has no keys: what it says instead, by which other tools fetch some. */
  readonly fetchedBy?: string;
}

type Section = ReadonlyMap<string, string>;

/** What a profile may say in place of a key. */
const FETCHED = [
  "credential_process",
  "sso_session",
  "sso_start_url",
  "role_arn",
  "web_identity_token_file",
  "credential_source",
  "login_session",
];

/**
 * Reads the profile; `undefined` where neither file has it. Throws what the system says where a file
 * can't be read.
 */
export function readAwsProfile(
  environment: Environment,
  name: string,
  warn: (message: string) => void,
): AwsProfile | undefined {
  const secrets = readIni(environment, "AWS_SHARED_CREDENTIALS_FILE", "credentials", warn);
  const settings = readIni(environment, "AWS_CONFIG_FILE", "config", undefined);
  const own = secrets.get(name);
  const set =
    settings.get(`profile ${name}`) ?? (name === "default" ? settings.get(name) : undefined);
  if (own === undefined && set === undefined) return undefined;
  const value = (key: string): string | undefined => own?.get(key) ?? set?.get(key);
  const keyId = value("aws_access_key_id");
  const secret = value("aws_secret_access_key");
  const services = settings.get(`services ${value("services") ?? ""}`);
  return present({
    name,
    keyId,
    secret,
    sessionToken: value("aws_session_token"),
    region: value("region"),
    endpoint: services?.get("s3.endpoint_url") ?? value("s3.endpoint_url") ?? value("endpoint_url"),
    ca: value("ca_bundle"),
    fetchedBy: FETCHED.find((key) => value(key) !== undefined),
  });
}

type Values = Readonly<Record<keyof AwsProfile, string | undefined>>;

// Empty values are none, as they are to the tools of AWS.
function present(values: Values): AwsProfile {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined && value !== "");
  return Object.fromEntries(entries) as unknown as AwsProfile;
}

function readIni(
  environment: Environment,
  variable: string,
  file: string,
  warn: ((message: string) => void) | undefined,
): ReadonlyMap<string, Section> {
  const path = pathOf(environment, variable, file);
  if (path === undefined) return new Map();
  try {
    const found = readPrivateFile(path, `the ${file} file of AWS`);
    if (warn !== undefined) warnIfOpen(found, warn);
    return parseIni(textOfFile(found));
  } catch (error) {
    if (isBunkerError(error, "not-found")) return new Map();
    throw error;
  }
}

function pathOf(environment: Environment, variable: string, file: string): string | undefined {
  const given = environment[variable];
  const home = environment["HOME"];
  const hasHome = home !== undefined && isAbsolute(home);
  if (given !== undefined && given !== "") {
    return given.startsWith("~/") && hasHome ? join(home, given.slice(2)) : given;
  }
  return hasHome ? join(home, ".aws", file) : undefined;
}

/** Sections of "name = value" lines; an indented line belongs to the value above: "s3.endpoint_url". */
function parseIni(text: string): ReadonlyMap<string, Section> {
  const sections = new Map<string, Map<string, string>>();
  let section: Map<string, string> | undefined;
  let group = "";
  for (const line of text.replace(/^\ufeff/, "").split(/\r?\n/)) {
    const heading = headingIn(line);
    if (heading !== undefined) {
      section = sections.get(heading) ?? new Map();
      sections.set(heading, section);
      group = "";
      continue;
    }
    const pair = pairIn(line);
    if (pair === undefined) continue;
    const { isIndented, key, value } = pair;
    if (!isIndented) group = value === "" ? key : "";
    section?.set(isIndented && group !== "" ? `${group}.${key}` : key, value);
  }
  return sections;
}

function headingIn(line: string): string | undefined {
  return /^\s*\[\s*([^\]]*?)\s*\]/.exec(line)?.[1]?.replace(/\s+/g, " ");
}

/** What a line sets; `undefined` for a comment, and for what nobody would look for. */
function pairIn(
  line: string,
): { readonly isIndented: boolean; readonly key: string; readonly value: string } | undefined {
  const [, indent = "", name, rest = ""] = /^(\s*)([^=\s#;][^=]*?)\s*=\s*(.*)$/.exec(line) ?? [];
  if (name === undefined) return undefined;
  // A comment begins with a blank before its mark; a secret may hold the mark.
  const value = rest.replace(/\s+[#;].*$/, "").trim();
  return { isIndented: indent !== "", key: name.toLowerCase(), value };
}
