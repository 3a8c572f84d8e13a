// List: the objects of a bucket, and their versions, by pages of a thousand.
//
// A short list is worse than none: what is not in it may be taken for lost, or for new. So a page
// that fails or makes no sense fails the listing, as do keys out of order, a marker that leads
// nowhere and an end that is not told. Keys come percent-encoded, since XML can't carry all of them;
// services that do not encode them do not say that they did.

import { BunkerError } from "../base/errors.ts";
import { ask, documentIn, PAGE_BYTES_MAX, requiredCount, requiredText } from "./ask.ts";
import type { Call, Caller } from "./call.ts";
import { etagOf } from "./etag.ts";
import { compareKeys, KeyOrder } from "./key-order.ts";
import { signalOf } from "./objects.ts";
import { parseTime } from "./time.ts";
import { children, decodeUrlText, textOfChild, type XmlNode } from "./xml.ts";

/** Services may skip what is hidden and give pages of nothing; but not for ever. */
const EMPTY_PAGES_MAX = 1000;

export interface ListOptions {
  /** Only keys after this one. */
  readonly after?: string;
  /** Only keys without it after the prefix; those with it are what `listPrefixes` gives. */
  readonly delimiter?: string;
  readonly signal?: AbortSignal;
}

export interface ListedObject {
  readonly key: string;
  readonly bytes: number;
  /** "" where the service does not list it. */
  readonly etag: string;
  readonly modified: number;
  readonly storageClass?: string;
}

/** Lists the objects whose keys start with `prefix`, in the order of their keys' UTF-8. */
export async function* listObjects(
  caller: Caller,
  prefix: string,
  options: ListOptions = {},
): AsyncIterable<ListedObject> {
  const order = new KeyOrder(`the list of ${caller.location}`, prefix, options.after);
  for await (const page of pagesOf(caller, prefix, options))
    for (const object of page.objects) {
      order.add(object.key);
      yield object;
    }
}

/** Lists what keys start with, up to and with the first delimiter after `prefix`: their "folders". */
export async function* listPrefixes(
  caller: Caller,
  prefix: string,
  options: ListOptions & { readonly delimiter: string },
): AsyncIterable<string> {
  const order = new KeyOrder(`the list of ${caller.location}`, prefix, undefined);
  for await (const page of pagesOf(caller, prefix, options))
    for (const found of page.prefixes) {
      order.add(found);
      yield found;
    }
}

interface ObjectPage {
  readonly objects: readonly ListedObject[];
  readonly prefixes: readonly string[];
  /** Where the next page begins; `undefined` after the last one. */
  readonly next: string | undefined;
}

async function* pagesOf(
  caller: Caller,
  prefix: string,
  { after, delimiter, signal }: ListOptions,
): AsyncIterable<ObjectPage> {
  const what = `the list of ${caller.location}`;
  const progress = new Progress(what);
  let token: string | undefined;
  do {
    const query = {
      "list-type": "2",
      prefix,
      ...(delimiter === undefined ? {} : { delimiter }),
      ...(token !== undefined ? { "continuation-token": token } : {}),
      ...(token === undefined && after !== undefined && after !== ""
        ? { "start-after": after }
        : {}),
    };
    const call = pageCall("ListObjects", query, signal);
    const page = await ask(caller, call, (answer) =>
      readObjects(documentIn(answer, "ListBucketResult", what), what),
    );
    progress.add(page.objects.length + page.prefixes.length, page.next);
    yield page;
    token = page.next;
  } while (token !== undefined);
}

function pageCall(
  operation: "ListObjects" | "ListObjectVersions",
  query: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
): Call {
  return {
    operation,
    method: "GET",
    query: { ...query, "encoding-type": "url", "max-keys": "1000" },
    answerBytesMax: PAGE_BYTES_MAX,
    ...signalOf(signal === undefined ? {} : { signal }),
  };
}

function readObjects(root: XmlNode, what: string): ObjectPage {
  const decode = decoderOf(root, what);
  const keyOf = (node: XmlNode, name: string): string => decode(requiredText(node, name, what));
  const objects = children(root, "Contents").map((node): ListedObject => {
    const storageClass = textOfChild(node, "StorageClass");
    return {
      key: keyOf(node, "Key"),
      bytes: requiredCount(node, "Size", what),
      etag: etagOf(textOfChild(node, "ETag") ?? ""),
      modified: parseTime(requiredText(node, "LastModified", what), what),
      ...(storageClass === undefined ? {} : { storageClass }),
    };
  });
  const prefixes = children(root, "CommonPrefixes").map((node) => keyOf(node, "Prefix"));
  const next = isTruncated(root, what)
    ? requiredText(root, "NextContinuationToken", what)
    : undefined;
  return { objects, prefixes, next };
}

/** Whether there are more pages; a page that does not tell may be a cut one. */
export function isTruncated(root: XmlNode, what: string): boolean {
  const text = requiredText(root, "IsTruncated", what);
  if (text === "true" || text === "false") return text === "true";
  throw new BunkerError("unavailable", `${what}: expected true or false, found ${text}`);
}

/** How a page's keys are read: decoded, where the service says that it encoded them. */
export function decoderOf(root: XmlNode, what: string): (text: string) => string {
  const isEncoded = textOfChild(root, "EncodingType")?.toLowerCase() === "url";
  return isEncoded ? (text) => decodeUrlText(text, what) : (text) => text;
}

/** The key where the next page begins; radosgw gives its last key as it is among encoded ones. */
export function nextKeyIn(root: XmlNode, lastKey: string | undefined, what: string): string {
  const text = requiredText(root, "NextKeyMarker", what);
  return text === lastKey ? text : decoderOf(root, what)(text);
}

/** Sees that a listing gets on: its markers change, and it does not give empty pages for ever. */
export class Progress {
  readonly #what: string;
  #marker: string | undefined;
  #emptyCount = 0;

  constructor(what: string) {
    this.#what = what;
  }

  add(entryCount: number, next: string | undefined): void {
    this.#emptyCount = entryCount === 0 ? this.#emptyCount + 1 : 0;
    const isStuck = next !== undefined && next === this.#marker;
    if (isStuck || this.#emptyCount > EMPTY_PAGES_MAX)
      throw new BunkerError("unavailable", `${this.#what}: its pages lead nowhere`);
    this.#marker = next;
  }
}

export interface ListedVersion {
  readonly key: string;
  /** "null" where it was written while the bucket kept no versions. */
  readonly versionId: string;
  /** 0 for a delete marker. */
  readonly bytes: number;
  /** "" for a delete marker, and where the service does not list it. */
  readonly etag: string;
  readonly modified: number;
  /** Whether it is what its key stands for now. */
  readonly latest: boolean;
  /** Whether it is a delete marker, which hides what is below it. */
  readonly hidden: boolean;
}

/**
 * Lists all versions of the keys that start with `prefix` and come after `after`: by key, the newest
 * first.
 */
export async function* listVersions(
  caller: Caller,
  prefix: string,
  { after, signal }: { readonly after?: string; readonly signal?: AbortSignal } = {},
): AsyncIterable<ListedVersion> {
  const what = `the versions of ${caller.location}`;
  const order = new KeyOrder(what, prefix, undefined);
  const progress = new Progress(what);
  let query: Readonly<Record<string, string>> | undefined = {
    versions: "",
    prefix,
    // Without a version id beside it, the marker stands for all versions of its key.
    ...(after === undefined || after === "" ? {} : { "key-marker": after }),
  };
  let last: ListedVersion | undefined;
  while (query !== undefined) {
    const page: VersionPage = await ask(
      caller,
      pageCall("ListObjectVersions", query, signal),
      (answer) => readVersions(documentIn(answer, "ListVersionsResult", what), what),
    );
    const versions = page.versions.filter((version) => isAfter(version, after, last));
    progress.add(versions.length, page.next && JSON.stringify(page.next));
    for (const version of versions) {
      order.add(version.key, version.versionId);
      yield version;
    }
    last = page.versions.at(-1);
    query = page.next && { versions: "", prefix, ...page.next };
  }
}

// Some services begin a page with what its markers name, and so with the end of the one before it
// (versitygw; B2's documents call a marker what to start from).
function isAfter(
  { key, versionId }: ListedVersion,
  after: string | undefined,
  last: ListedVersion | undefined,
): boolean {
  if (after !== undefined && compareKeys(key, after) <= 0) return false;
  return key !== last?.key || versionId !== last.versionId;
}

interface VersionPage {
  readonly versions: readonly ListedVersion[];
  readonly next: Readonly<Record<string, string>> | undefined;
}

function readVersions(root: XmlNode, what: string): VersionPage {
  const decode = decoderOf(root, what);
  const nodes = root.children.filter(({ name }) => name === "Version" || name === "DeleteMarker");
  const versions = nodes.map((node): ListedVersion => {
    const hidden = node.name === "DeleteMarker";
    return {
      key: decode(requiredText(node, "Key", what)),
      versionId: requiredText(node, "VersionId", what),
      bytes: hidden ? 0 : requiredCount(node, "Size", what),
      etag: etagOf(textOfChild(node, "ETag") ?? ""),
      modified: parseTime(requiredText(node, "LastModified", what), what),
      latest: requiredText(node, "IsLatest", what) === "true",
      hidden,
    };
  });
  if (!isTruncated(root, what)) return { versions: inOrder(versions), next: undefined };
  const versionMarker = textOfChild(root, "NextVersionIdMarker") ?? "";
  const next = {
    "key-marker": nextKeyIn(root, versions.at(-1)?.key, what),
    ...(versionMarker === "" ? {} : { "version-id-marker": versionMarker }),
  };
  return { versions: inOrder(versions), next };
}

/**
 * A page's entries in one order. Some services write all delete markers, then all versions (versitygw;
 * B2's documents look like it): the two are merged. Where they are mixed, the order is the service's.
 */
function inOrder(versions: readonly ListedVersion[]): readonly ListedVersion[] {
  const split = versions.findIndex(({ hidden }) => hidden !== versions[0]!.hidden);
  const isMixed = versions.slice(split).some(({ hidden }) => hidden === versions[0]!.hidden);
  if (split < 0 || isMixed) return versions;
  const [first, second] = [versions.slice(0, split), versions.slice(split)];
  const merged: ListedVersion[] = [];
  // What is itself out of order stays so, for the check to find.
  for (const version of second) {
    while (first.length > 0 && compareVersions(first[0]!, version) <= 0)
      merged.push(first.shift()!);
    merged.push(version);
  }
  return [...merged, ...first];
}

function compareVersions(a: ListedVersion, b: ListedVersion): number {
  const byKey = compareKeys(a.key, b.key);
  if (byKey !== 0) return byKey;
  return Number(b.latest) - Number(a.latest) || b.modified - a.modified;
}
