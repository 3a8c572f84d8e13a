// Listing: objects (V1 and V2) and versions, page by page.
//
// docs/b2.md A9: at most 1,000 a page, ordered by the UTF-8 bytes of the names. Tokens mean nothing
// to who holds them. A3: hidden names are in the list of versions alone.

import type { Account } from "./account.ts";
import type { Answer, Request } from "./exchange.ts";
import { type Ask, type Page, askOf, cutPage, nameOf, prefixXml } from "./page.ts";
import { invalidArgument } from "./refusal.ts";
import { type BucketState, type Version, compareNames, isVersionId } from "./state.ts";
import { type XmlElement, writeXml } from "./xml.ts";

/** Names from `start` on, that begin with the prefix. */
function* keysFrom(bucket: BucketState, start: string, prefix: string): Generator<string> {
  const from = compareNames(start, prefix) > 0 ? start : prefix;
  for (let i = bucket.indexOf(from); i < bucket.keys.length; i++) {
    const key = bucket.keys[i]!;
    if (!key.startsWith(prefix)) return;
    yield key;
  }
}

/** What is in a list; a stale one leaves some out. docs/b2.md A9 */
export type Seen = (version: Version) => boolean;

function* objectsAfter(
  bucket: BucketState,
  after: string,
  { prefix }: Ask,
  seen: Seen,
): Generator<Version> {
  for (const key of keysFrom(bucket, after, prefix)) {
    const newest = bucket.versionsOf(key).find(seen);
    if (key !== after && newest !== undefined && !newest.marker) yield newest;
  }
}

const TOKEN_HEAD = "b2-next\u0000";

function tokenOf(name: string): string {
  return Buffer.from(TOKEN_HEAD + name).toString("base64");
}

function nameOfToken(token: string): string {
  const text = Buffer.from(token, "base64").toString();
  if (!text.startsWith(TOKEN_HEAD)) {
    throw invalidArgument("The continuation token provided is incorrect");
  }
  return text.slice(TOKEN_HEAD.length);
}

export function listObjects(account: Account, request: Request, seen: Seen): Answer {
  const bucket = account.bucketOf(request);
  const { query } = request;
  const type = query.get("list-type");
  if (type !== undefined && type !== "2") throw invalidArgument("Invalid List Type");
  const ask = askOf(account, request, "max-keys");
  const token = query.get("continuation-token");
  const start = query.get(type === "2" ? "start-after" : "marker") ?? "";
  const after = token === undefined ? start : nameOfToken(token);
  const found = objectsAfter(bucket, after, ask, seen);
  // A page that ended with a common prefix goes on behind all that begins so.
  const page = cutPage(skipPrefix(found, after, ask), ask, "");
  const next = nameOf(page.last);
  const elements: XmlElement[] = [
    ...page.prefixes.map(prefixXml(ask)),
    ...page.entries.map((version) => objectXml(version, ask)),
    ["Delimiter", ask.delimiter === "" ? undefined : ask.shown(ask.delimiter)],
    ["EncodingType", ask.encoding],
    ["IsTruncated", next !== undefined],
    ...(type === "2" ? fieldsOfTwo(query, next, page) : fieldsOfOne(query, next, ask)),
    ["MaxKeys", ask.max],
    ["Name", bucket.name],
    ["Prefix", ask.shown(ask.prefix)],
  ];
  return { status: 200, body: writeXml("ListBucketResult", elements) };
}

function* skipPrefix(found: Iterable<Version>, after: string, ask: Ask): Generator<Version> {
  const { delimiter } = ask;
  const whole = delimiter !== "" && after.endsWith(delimiter) && after.length > ask.prefix.length;
  for (const version of found) {
    if (!whole || !version.key.startsWith(after)) yield version;
  }
}

function fieldsOfTwo(
  query: ReadonlyMap<string, string>,
  next: string | undefined,
  { entries, prefixes }: Page<Version>,
): XmlElement[] {
  return [
    ["ContinuationToken", query.get("continuation-token")],
    ["KeyCount", entries.length + prefixes.length],
    ["NextContinuationToken", next === undefined ? undefined : tokenOf(next)],
    ["StartAfter", query.get("start-after")],
  ];
}

function fieldsOfOne(
  query: ReadonlyMap<string, string>,
  next: string | undefined,
  { shown, delimiter }: Ask,
): XmlElement[] {
  // S3 gives a next marker only together with a delimiter.
  const marker = next === undefined || delimiter === "" ? undefined : shown(next);
  return [
    ["Marker", shown(query.get("marker") ?? "")],
    ["NextMarker", marker],
  ];
}

function objectXml(version: Version, { shown }: Ask): XmlElement {
  return [
    "Contents",
    [
      ["ETag", `"${version.etag}"`],
      ["Key", shown(version.key)],
      ["LastModified", new Date(version.modified).toISOString()],
      ["Size", version.content.bytes],
      ["StorageClass", "STANDARD"],
    ],
  ];
}

export function listVersions(account: Account, request: Request, seen: Seen): Answer {
  const bucket = account.bucketOf(request);
  const ask = askOf(account, request, "max-keys");
  const key = request.query.get("key-marker") ?? "";
  const versionId = request.query.get("version-id-marker") ?? "";
  if (versionId !== "" && !isVersionId(versionId)) {
    throw invalidArgument("Invalid version id specified");
  }
  const found = versionsAfter(bucket, { key, versionId }, ask, seen);
  const page = cutPage(found, ask, key);
  const next = nameOf(page.last);
  const nextVersion = typeof page.last === "object" ? page.last.versionId : undefined;
  const isLatest = (version: Version): boolean =>
    bucket.versionsOf(version.key).find(seen) === version;
  const versions = page.entries.map((version) => versionXml(version, isLatest(version), ask));
  const ordered = account.markersFirst
    ? versions.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    : versions;
  const elements: XmlElement[] = [
    ...page.prefixes.map(prefixXml(ask)),
    ...ordered,
    ["Delimiter", ask.delimiter === "" ? undefined : ask.shown(ask.delimiter)],
    ["EncodingType", ask.encoding],
    ["IsTruncated", next !== undefined],
    ["KeyMarker", ask.shown(key)],
    ["MaxKeys", ask.max],
    ["Name", bucket.name],
    ["NextKeyMarker", next === undefined ? undefined : ask.shown(next)],
    ["NextVersionIdMarker", nextVersion],
    ["Prefix", ask.shown(ask.prefix)],
    ["VersionIdMarker", versionId],
  ];
  return { status: 200, body: writeXml("ListVersionsResult", elements) };
}

interface VersionMarker {
  readonly key: string;
  readonly versionId: string;
}

/** Names in order, of each the newest first; behind the marker's version, or its name if it has none. */
function* versionsAfter(
  bucket: BucketState,
  marker: VersionMarker,
  ask: Ask,
  seen: Seen,
): Generator<Version> {
  for (const key of keysFrom(bucket, marker.key, ask.prefix)) {
    const all = bucket.versionsOf(key);
    const at = key === marker.key ? all.findIndex((v) => v.versionId === marker.versionId) : -1;
    // The marked version may be gone by now: ids of one name grow with time, so compare them.
    const older =
      key !== marker.key
        ? all
        : at >= 0
          ? all.slice(at + 1)
          : all.filter((v) => marker.versionId !== "" && v.versionId < marker.versionId);
    yield* older.filter(seen);
  }
}

function versionXml(version: Version, latest: boolean, { shown }: Ask): XmlElement {
  const common: XmlElement[] = [
    ["IsLatest", latest],
    ["Key", shown(version.key)],
    ["LastModified", new Date(version.modified).toISOString()],
  ];
  if (version.marker) return ["DeleteMarker", [...common, ["VersionId", version.versionId]]];
  return [
    "Version",
    [
      ["ETag", `"${version.etag}"`],
      ...common,
      ["Size", version.content.bytes],
      ["StorageClass", "STANDARD"],
      ["VersionId", version.versionId],
    ],
  ];
}
