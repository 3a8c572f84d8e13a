// Multipart: large objects in parts (docs/b2.md A9).

import { createHash } from "node:crypto";

import type { Account } from "./account.ts";
import { Content } from "./content.ts";
import type { Answer, Request } from "./exchange.ts";
import { defaultLock, lockOfWrite, textOfBody } from "./locks.ts";
import { checkPut, copyResult, copySource } from "./objects.ts";
import { S3Error, invalidArgument, invalidRequest } from "./refusal.ts";
import { storedHeaders, tooLarge } from "./rules.ts";
import type { Part, Upload } from "./state.ts";
import { type XmlElement, childrenOf, malformed, readXml, textOf, writeXml } from "./xml.ts";

export function createUpload(account: Account, request: Request): Answer {
  const bucket = account.bucketOf(request);
  checkPut(account, request);
  const upload = bucket.startUpload({
    key: request.key!,
    started: request.now,
    headers: storedHeaders(request),
    ...lockOfWrite(request, request.by, bucket, request.now),
  });
  const body = writeXml("InitiateMultipartUploadResult", [
    ["Bucket", bucket.name],
    ["Key", upload.key],
    ["UploadId", upload.uploadId],
  ]);
  return { status: 200, body };
}

/** Throws `NoSuchUpload`, also for one that was completed or aborted. */
export function uploadOf(account: Account, request: Omit<Request, "body">): Upload {
  const upload = account.bucketOf(request).uploads.get(request.query.get("uploadId") ?? "");
  if (upload !== undefined && upload.key === request.key) return upload;
  throw new S3Error(404, "NoSuchUpload", "The specified multipart upload does not exist.");
}

/** What a part is asked before its body is read. */
export function checkPart(account: Account, request: Omit<Request, "body">): void {
  const upload = uploadOf(account, request);
  partNumberOf(account, request);
  const locked = upload.lock !== undefined || upload.legalHold;
  // docs/b2.md A4: whether parts need their sum too is to be proved live.
  if (locked && request.operation === "UploadPart" && !request.headers.has("content-md5")) {
    throw invalidRequest(
      "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Part requests with Object Lock parameters",
    );
  }
}

function partNumberOf({ limits }: Account, { query }: Omit<Request, "body">): number {
  const number = Number(query.get("partNumber"));
  if (Number.isInteger(number) && number >= 1 && number <= limits.partCountMax) return number;
  throw invalidArgument(`Part number must be an integer between 1 and ${limits.partCountMax}`);
}

export function uploadPart(account: Account, request: Request): Answer {
  const { content, md5: etag } = request.body;
  keepPart(account, request, content, etag);
  return { status: 200, headers: { etag: `"${etag}"` } };
}

function keepPart(account: Account, request: Request, content: Content, etag: string): void {
  const number = partNumberOf(account, request);
  const part: Part = { number, etag, content, modified: request.now };
  uploadOf(account, request).parts.set(number, part);
}

export function uploadPartCopy(account: Account, request: Request): Answer {
  uploadOf(account, request);
  const source = copySource(account, request).content;
  const range = request.headers.get("x-amz-copy-source-range");
  const content = range === undefined ? source : partOfSource(source, range);
  if (content.bytes > account.limits.partBytesMax) throw tooLarge();
  const md5 = createHash("md5");
  for (const piece of content.pieces()) md5.update(piece);
  const etag = md5.digest("hex");
  keepPart(account, request, content, etag);
  return { status: 200, body: writeXml("CopyPartResult", copyResult(etag, request.now)) };
}

function partOfSource(source: Content, range: string): Content {
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? [];
  if (from === undefined || Number(to) < Number(from) || Number(to) >= source.bytes) {
    throw invalidArgument("The x-amz-copy-source-range value must be of the form bytes=first-last");
  }
  return source.slice(Number(from), Number(to) - Number(from) + 1);
}

export function completeUpload(account: Account, request: Request): Answer {
  const bucket = account.bucketOf(request);
  const upload = uploadOf(account, request);
  const parts = partsAsked(upload, request);
  checkParts(account, parts);
  const content = Content.concat(parts.map((part) => part.content));
  if (content.bytes > account.limits.objectBytesMax) throw tooLarge();
  const version = bucket.add({
    key: upload.key,
    modified: request.now,
    content,
    etag: etagOf(parts),
    headers: upload.headers,
    // The bucket's own rule counts from the end; which lock parts get is to be proved live (A4).
    lock: defaultOrAsked(upload, bucket, request.now),
    legalHold: upload.legalHold,
  });
  bucket.uploads.delete(upload.uploadId);
  const body = writeXml("CompleteMultipartUploadResult", [
    ["Bucket", bucket.name],
    ["ETag", `"${version.etag}"`],
    ["Key", version.key],
    ["Location", `https://s3.${account.region}.backblazeb2.com/${bucket.name}`],
  ]);
  return { status: 200, headers: { "x-amz-version-id": version.versionId }, body };
}

function defaultOrAsked(
  upload: Upload,
  bucket: Parameters<typeof defaultLock>[0],
  now: number,
): Upload["lock"] {
  const own = defaultLock(bucket, now);
  return own !== undefined &&
    own.until > (upload.lock?.until ?? 0) &&
    own.mode === upload.lock?.mode
    ? own
    : (upload.lock ?? own);
}

/** The parts that the body names, in its order; a part that is not there, or another, is an error. */
function partsAsked(upload: Upload, request: Request): Part[] {
  const entries = childrenOf(readXml(textOfBody(request), "CompleteMultipartUpload"), "Part");
  if (entries.length === 0) throw malformed();
  return entries.map((entry) => {
    const part = upload.parts.get(Number(textOf(entry, "PartNumber")));
    if (part !== undefined && textOf(entry, "ETag")?.replaceAll('"', "") === part.etag) return part;
    throw new S3Error(
      400,
      "InvalidPart",
      "One or more of the specified parts could not be found, or did not match its entity tag.",
    );
  });
}

function checkParts({ limits }: Account, parts: readonly Part[]): void {
  for (const [i, part] of parts.entries()) {
    if (i > 0 && part.number <= parts[i - 1]!.number) {
      throw new S3Error(
        400,
        "InvalidPartOrder",
        "The list of parts was not in ascending order. Parts must be ordered by part number.",
      );
    }
    const last = i === parts.length - 1;
    if (part.content.bytes < (last ? 1 : limits.partBytesMin)) {
      throw new S3Error(
        400,
        "EntityTooSmall",
        "Your proposed upload is smaller than the minimum allowed size",
      );
    }
  }
}

// docs/b2.md A6: the MD5 of the parts' MD5s, and their count.
function etagOf(parts: readonly Part[]): string {
  const md5 = createHash("md5");
  for (const { etag } of parts) md5.update(Buffer.from(etag, "hex"));
  return `${md5.digest("hex")}-${parts.length}`;
}

export function abortUpload(account: Account, request: Request): Answer {
  account.bucketOf(request).uploads.delete(uploadOf(account, request).uploadId);
  return { status: 204 };
}

export function listParts(account: Account, request: Request): Answer {
  const upload = uploadOf(account, request);
  const { query } = request;
  const asked = Number(query.get("max-parts") ?? account.limits.pageMax);
  const max = Math.min(asked, account.limits.pageMax);
  const after = Number(query.get("part-number-marker") ?? 0);
  if (!Number.isInteger(max) || max < 1 || !Number.isInteger(after)) {
    throw invalidArgument("Argument max-parts and part-number-marker must be integers");
  }
  const all = [...upload.parts.values()]
    .filter(({ number }) => number > after)
    .sort((a, b) => a.number - b.number);
  const page = all.slice(0, max);
  const truncated = all.length > page.length;
  const elements: XmlElement[] = [
    ["Bucket", request.bucket!],
    ["IsTruncated", truncated],
    ["Key", upload.key],
    ["MaxParts", max],
    ["NextPartNumberMarker", truncated ? page.at(-1)!.number : undefined],
    ["PartNumberMarker", after],
    ...page.map(partXml),
    ["StorageClass", "STANDARD"],
    ["UploadId", upload.uploadId],
  ];
  return { status: 200, body: writeXml("ListPartsResult", elements) };
}

function partXml({ number, etag, content, modified }: Part): XmlElement {
  return [
    "Part",
    [
      ["ETag", `"${etag}"`],
      ["LastModified", new Date(modified).toISOString()],
      ["PartNumber", number],
      ["Size", content.bytes],
    ],
  ];
}
