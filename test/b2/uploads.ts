// Uploads: the list of unfinished large objects (docs/b2.md A2, A9).

import type { Account } from "./account.ts";
import type { Answer, Request } from "./exchange.ts";
import { type Ask, askOf, cutPage, nameOf, prefixXml } from "./page.ts";
import { type BucketState, type Upload, compareNames } from "./state.ts";
import { type XmlElement, writeXml } from "./xml.ts";

export function listUploads(account: Account, request: Request): Answer {
  const bucket = account.bucketOf(request);
  const ask = askOf(account, request, "max-uploads");
  const key = request.query.get("key-marker") ?? "";
  const uploadId = request.query.get("upload-id-marker") ?? "";
  const page = cutPage(uploadsAfter(bucket, { key, uploadId }, ask), ask, key);
  const next = nameOf(page.last);
  const nextId = typeof page.last === "object" ? page.last.uploadId : undefined;
  const elements: XmlElement[] = [
    ["Bucket", bucket.name],
    ...page.prefixes.map(prefixXml(ask)),
    ["Delimiter", ask.delimiter === "" ? undefined : ask.shown(ask.delimiter)],
    ["EncodingType", ask.encoding],
    ["IsTruncated", next !== undefined],
    ["KeyMarker", ask.shown(key)],
    ["MaxUploads", ask.max],
    ["NextKeyMarker", next === undefined ? undefined : ask.shown(next)],
    ["NextUploadIdMarker", nextId],
    ["Prefix", ask.shown(ask.prefix)],
    ...page.entries.map((upload) => uploadXml(upload, ask)),
    ["UploadIdMarker", uploadId],
  ];
  return { status: 200, body: writeXml("ListMultipartUploadsResult", elements) };
}

function uploadsAfter(
  bucket: BucketState,
  marker: { key: string; uploadId: string },
  { prefix }: Ask,
): Upload[] {
  const order = (a: { key: string; uploadId: string }, b: typeof marker): number =>
    compareNames(a.key, b.key) || (a.uploadId < b.uploadId ? -1 : Number(a.uploadId > b.uploadId));
  return [...bucket.uploads.values()]
    .filter(({ key }) => key.startsWith(prefix))
    .filter((upload) =>
      marker.uploadId === "" ? compareNames(upload.key, marker.key) > 0 : order(upload, marker) > 0,
    )
    .sort(order);
}

function uploadXml({ key, uploadId, started }: Upload, { shown }: Ask): XmlElement {
  return [
    "Upload",
    [
      ["Initiated", new Date(started).toISOString()],
      ["Key", shown(key)],
      ["StorageClass", "STANDARD"],
      ["UploadId", uploadId],
    ],
  ];
}
