// Objects: put, get, head, copy, hide and delete (docs/b2.md A3, A4, A9).

import type { Account } from "./account.ts";
import { decode } from "./auth.ts";
import type { Answer, Request } from "./exchange.ts";
import { demand, demandBucket, demandName } from "./keys.ts";
import { bypasses, checkDelete, lockHeaders, lockOfWrite, textOfBody } from "./locks.ts";
import { S3Error, invalidArgument, notImplemented } from "./refusal.ts";
import { checkMetadata, checkName, storedHeaders, tooLarge } from "./rules.ts";
import type { Version } from "./state.ts";
import { type XmlElement, childrenOf, malformed, readXml, textOf, writeXml } from "./xml.ts";

export function putObject(account: Account, request: Request): Answer {
  const bucket = account.bucketOf(request);
  const key = request.key!;
  const { content, md5 } = request.body;
  const made = lockOfWrite(request, request.by, bucket, request.now);
  const headers = storedHeaders(request);
  const version = bucket.add({ key, modified: request.now, content, etag: md5, headers, ...made });
  return { status: 200, headers: { ...idHeaders(version), etag: `"${md5}"` } };
}

/** What a write is asked before its body is read. */
export function checkPut(account: Account, request: Omit<Request, "body">): void {
  const bucket = account.bucketOf(request);
  checkName(request.key!, account.limits);
  checkMetadata(request, bucket, account.limits);
  if (request.headers.get("content-encoding")?.includes("aws-chunked")) throw notImplemented();
  lockOfWrite(request, request.by, bucket, request.now);
}

function idHeaders({ versionId }: Version): Record<string, string> {
  return { "x-amz-version-id": versionId };
}

export function headersOf(version: Version, request: Request): Record<string, string> {
  return {
    "content-type": "application/octet-stream",
    ...version.headers,
    ...idHeaders(version),
    ...lockHeaders(version, request.by),
    etag: `"${version.etag}"`,
    "last-modified": new Date(version.modified).toUTCString(),
    "accept-ranges": "bytes",
  };
}

/** GET, and HEAD alike: who sends the answer leaves a HEAD's body out. */
export function getObject(account: Account, request: Request): Answer {
  const version = account.versionOf(request);
  const headers = { ...headersOf(version, request), ...overridesOf(request) };
  const unchanged = checkConditions(version, request);
  if (unchanged) return { status: 304, headers };
  const { content } = version;
  const range = parseRange(request.headers.get("range"), content.bytes);
  const { offset, length } = range ?? { offset: 0, length: content.bytes };
  if (request.method === "GET") account.caps.countDownload(length, request.now);
  const body = { content, offset, length };
  if (range === undefined) return { status: 200, headers, body };
  const contentRange = `bytes ${offset}-${offset + length - 1}/${content.bytes}`;
  return { status: 206, headers: { ...headers, "content-range": contentRange }, body };
}

function overridesOf({ query }: Request): Record<string, string> {
  const asked = [...query].filter(([name]) => name.startsWith("response-"));
  return Object.fromEntries(asked.map(([name, value]) => [name.slice("response-".length), value]));
}

// docs/b2.md A5: reads may have conditions.
function checkConditions({ etag, modified }: Version, { headers }: Request): boolean {
  const matches = (name: string): boolean | undefined => {
    const list = headers.get(name)?.split(",");
    return list?.some((text) => ["*", etag].includes(text.trim().replaceAll('"', "")));
  };
  const seconds = Math.floor(modified / 1000);
  const since = (name: string): boolean | undefined => {
    const text = headers.get(name);
    return text === undefined ? undefined : seconds > Date.parse(text) / 1000;
  };
  const match = matches("if-match");
  if (match === false || (match === undefined && since("if-unmodified-since") === true)) {
    throw new S3Error(412, "PreconditionFailed", "At least one precondition did not hold");
  }
  const noneMatch = matches("if-none-match");
  return noneMatch === true || (noneMatch === undefined && since("if-modified-since") === false);
}

/** Undefined where there is none, or one of several ranges, which gives the whole. */
function parseRange(
  text: string | undefined,
  bytes: number,
): { offset: number; length: number } | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(text?.trim() ?? "");
  if (match === null || (match[1] === "" && match[2] === "")) return undefined;
  const [, from, to] = match;
  const offset = from === "" ? Math.max(bytes - Number(to), 0) : Number(from);
  const last = from === "" || to === "" ? bytes - 1 : Math.min(Number(to), bytes - 1);
  if (offset >= bytes || last < offset) {
    throw new S3Error(416, "InvalidRange", "The requested range is not satisfiable", {
      "content-range": `bytes */${bytes}`,
    });
  }
  return { offset, length: last - offset + 1 };
}

/** The version that `x-amz-copy-source` names; the key must be able to read it. */
export function copySource(account: Account, request: Request): Version {
  const [path = "", query] = request.headers.get("x-amz-copy-source")!.split("?");
  const [bucketName = "", ...segments] = path.replace(/^\//, "").split("/").map(decode);
  const key = segments.join("/");
  const versionId = /^versionId=(.+)$/.exec(query ?? "")?.[1];
  if (key === "" || (query !== undefined && versionId === undefined)) {
    throw invalidArgument("Copy Source must mention the source bucket and key");
  }
  demandBucket(request.by, bucketName);
  demandName(request.by, key);
  const bucket = account.bucketOf({ ...request, bucket: bucketName });
  const version = account.findVersion(bucket, key, versionId);
  checkCopyConditions(version, request);
  return version;
}

function checkCopyConditions(version: Version, request: Request): void {
  const prefix = "x-amz-copy-source-";
  const conditions = [...request.headers].filter(([name]) => name.startsWith(`${prefix}if-`));
  const headers = new Map(conditions.map(([name, text]) => [name.slice(prefix.length), text]));
  if (checkConditions(version, { ...request, headers })) {
    throw new S3Error(412, "PreconditionFailed", "At least one precondition did not hold");
  }
}

/** docs/b2.md A9: 5 GB at most. A lock is not copied: it is asked for, or the bucket's own. */
export function copyObject(account: Account, request: Request): Answer {
  const bucket = account.bucketOf(request);
  checkPut(account, request);
  const source = copySource(account, request);
  if (source.content.bytes > account.limits.copyBytesMax) throw tooLarge();
  const directive = request.headers.get("x-amz-metadata-directive") ?? "COPY";
  if (directive !== "COPY" && directive !== "REPLACE") {
    throw invalidArgument("Unknown metadata directive.");
  }
  const version = bucket.add({
    key: request.key!,
    modified: request.now,
    content: source.content,
    etag: source.etag,
    headers: directive === "COPY" ? source.headers : storedHeaders(request),
    ...lockOfWrite(request, request.by, bucket, request.now),
  });
  const body = writeXml("CopyObjectResult", copyResult(version.etag, version.modified));
  return { status: 200, headers: idHeaders(version), body };
}

export function copyResult(etag: string, modified: number): XmlElement[] {
  return [
    ["ETag", `"${etag}"`],
    ["LastModified", new Date(modified).toISOString()],
  ];
}

/** Without a version id a marker goes on top; with one it is gone. docs/b2.md A3, A7 */
export function deleteObject(account: Account, request: Request): Answer {
  const versionId = request.query.get("versionId");
  const gone = deleteOne(account, request, request.key!, versionId);
  const headers: Record<string, string> = {};
  if (gone?.marker === true) headers["x-amz-delete-marker"] = "true";
  if (gone !== undefined) headers["x-amz-version-id"] = gone.versionId;
  return { status: 204, headers };
}

/** The marker that was added, or the version that went; undefined where there was no such name. */
function deleteOne(
  account: Account,
  request: Request,
  key: string,
  versionId: string | undefined,
): Version | undefined {
  const bucket = account.bucketOf(request);
  demandName(request.by, key);
  demand(request.by, versionId === undefined ? "writeFiles" : "deleteFiles");
  if (versionId === undefined) {
    const newest = bucket.newest(key);
    if (newest === undefined || newest.marker) return newest;
    return bucket.add({ key, modified: request.now, marker: true });
  }
  const version = account.findAny(bucket, key, versionId);
  checkDelete(version, request.now, bypasses(request));
  bucket.remove(version);
  return version;
}

const DELETES_MAX = 1000;

export function deleteObjects(account: Account, request: Request): Answer {
  account.bucketOf(request);
  const root = readXml(textOfBody(request), "Delete");
  const entries = childrenOf(root, "Object");
  if (entries.length === 0 || entries.length > DELETES_MAX) throw malformed();
  const quiet = textOf(root, "Quiet") === "true";
  const results = entries.map((entry) => {
    // Not trimmed: spaces are part of a name.
    const key = childrenOf(entry, "Key")[0]?.text;
    if (key === undefined) throw malformed();
    return deleteEntry(account, request, key, textOf(entry, "VersionId"));
  });
  const shown = results.filter(([name]) => !quiet || name === "Error");
  return { status: 200, body: writeXml("DeleteResult", shown) };
}

function deleteEntry(
  account: Account,
  request: Request,
  key: string,
  versionId: string | undefined,
): XmlElement {
  try {
    const gone = deleteOne(account, request, key, versionId);
    const hid = versionId === undefined && gone !== undefined;
    return [
      "Deleted",
      [
        ["DeleteMarker", gone?.marker === true ? true : undefined],
        ["DeleteMarkerVersionId", hid ? gone.versionId : undefined],
        ["Key", key],
        ["VersionId", versionId],
      ],
    ];
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
    const { code, message } = error;
    return [
      "Error",
      [
        ["Code", code],
        ["Key", key],
        ["Message", message],
        ["VersionId", versionId],
      ],
    ];
  }
}
