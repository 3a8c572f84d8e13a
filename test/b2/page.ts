// Page: what every list has in common: prefix, delimiter, encoding, and where a page ends.
//
// docs/b2.md A9: at most 1,000 a page; entries and common prefixes count alike.

import type { Account } from "./account.ts";
import { encodeStrictly } from "./auth.ts";
import type { Request } from "./exchange.ts";
import { demandName } from "./keys.ts";
import { invalidArgument } from "./refusal.ts";
import type { XmlElement } from "./xml.ts";

export interface Ask {
  readonly prefix: string;
  readonly delimiter: string;
  readonly max: number;
  /** Names as they are written into the answer. */
  readonly shown: (name: string) => string;
  readonly encoding: string | undefined;
}

/** Entries and common prefixes count alike. */
export interface Page<T> {
  readonly entries: readonly T[];
  readonly prefixes: readonly string[];
  /** What the page ended with, if more follows: an entry, or a common prefix. */
  readonly last: T | string | undefined;
}

export function askOf(account: Account, { query, by }: Request, maxName: string): Ask {
  const prefix = query.get("prefix") ?? "";
  demandName(by, prefix);
  const encoding = query.get("encoding-type");
  if (encoding !== undefined && encoding !== "url") {
    throw invalidArgument("Invalid Encoding Method specified in Request");
  }
  const { pageMax } = account.limits;
  const text = query.get(maxName) ?? String(pageMax);
  if (!/^\d{1,9}$/.test(text)) throw invalidArgument(`Invalid ${maxName} value`);
  return {
    prefix,
    delimiter: query.get("delimiter") ?? "",
    max: Math.min(Number(text), pageMax),
    // Slashes stay, as S3 leaves them.
    shown: (name) => (encoding === undefined ? name : encodeStrictly(name).replaceAll("%2F", "/")),
    encoding,
  };
}

function commonPrefix(key: string, { prefix, delimiter }: Ask): string | undefined {
  if (delimiter === "") return undefined;
  const end = key.indexOf(delimiter, prefix.length);
  return end < 0 ? undefined : key.slice(0, end + delimiter.length);
}

/** Cuts one page out of ordered entries. A common prefix at or before `after` was shown already. */
export function cutPage<T extends { key: string }>(
  entries: Iterable<T>,
  ask: Ask,
  after: string,
): Page<T> {
  const taken: T[] = [];
  const prefixes: string[] = [];
  let last: T | string | undefined;
  for (const entry of entries) {
    const common = commonPrefix(entry.key, ask);
    if (common !== undefined && (common === prefixes.at(-1) || common === after)) continue;
    if (taken.length + prefixes.length >= ask.max) return { entries: taken, prefixes, last };
    last = common ?? entry;
    if (common === undefined) taken.push(entry);
    else prefixes.push(common);
  }
  return { entries: taken, prefixes, last: undefined };
}

export function nameOf(last: { key: string } | string | undefined): string | undefined {
  return typeof last === "object" ? last.key : last;
}

export function prefixXml({ shown }: Ask): (prefix: string) => XmlElement {
  return (prefix) => ["CommonPrefixes", [["Prefix", shown(prefix)]]];
}
