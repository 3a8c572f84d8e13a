// Uploads: those that were begun and neither completed nor aborted, whose parts are paid for.

import { BunkerError } from "../base/errors.ts";
import { ask, documentIn, PAGE_BYTES_MAX, requiredText } from "./ask.ts";
import type { Call, Caller } from "./call.ts";
import { decoderOf, isTruncated, nextKeyIn, Progress } from "./list.ts";
import { abortUpload } from "./multipart.ts";
import { parseTime, timeInHeader } from "./time.ts";
import { children, textOfChild, type XmlNode } from "./xml.ts";

/** An upload that young may be another run's that still sends. */
const STALE_MS = 24 * 60 * 60 * 1000;
/** Services differ in the order of uploads, so only their number can show a listing without end. */
const PAGE_COUNT_MAX = 1000;

export interface ListedUpload {
  readonly key: string;
  readonly uploadId: string;
  /** When it was begun, and how old it was when it was listed, both by the service's clock. */
  readonly initiated: number;
  readonly ageMs: number;
}

/** Lists the unfinished uploads of the keys that start with `prefix`. */
export async function* listUploads(
  caller: Caller,
  prefix: string,
  { signal }: { readonly signal?: AbortSignal } = {},
): AsyncIterable<ListedUpload> {
  const what = `the uploads of ${caller.location}`;
  const progress = new Progress(what);
  let query: Readonly<Record<string, string>> | undefined = { uploads: "", prefix };
  for (let pageCount = 1; query !== undefined; pageCount++) {
    if (pageCount > PAGE_COUNT_MAX)
      throw new BunkerError("unavailable", `${what}: more than ${PAGE_COUNT_MAX} pages`);
    const call = uploadsCall(query, signal);
    const page: UploadPage = await ask(caller, call, (answer) => {
      const root = documentIn(answer, "ListMultipartUploadsResult", what);
      return readUploads(root, timeInHeader(answer.headers, "date"), what);
    });
    progress.add(page.uploads.length, page.next && JSON.stringify(page.next));
    yield* page.uploads;
    query = page.next && { uploads: "", prefix, ...page.next };
  }
}

// Not percent-encoded: radosgw encodes these keys and doesn't say so.
function uploadsCall(query: Readonly<Record<string, string>>, signal?: AbortSignal): Call {
  return {
    operation: "ListMultipartUploads",
    method: "GET",
    query: { ...query, "max-uploads": "1000" },
    answerBytesMax: PAGE_BYTES_MAX,
    ...(signal === undefined ? {} : { signal }),
  };
}

interface UploadPage {
  readonly uploads: readonly ListedUpload[];
  readonly next: Readonly<Record<string, string>> | undefined;
}

function readUploads(root: XmlNode, serverTime: number | undefined, what: string): UploadPage {
  const decode = decoderOf(root, what);
  const uploads = children(root, "Upload").map((node): ListedUpload => {
    const initiated = parseTime(requiredText(node, "Initiated", what), what);
    return {
      key: decode(requiredText(node, "Key", what)),
      uploadId: requiredText(node, "UploadId", what),
      initiated,
      ageMs: Math.max(0, (serverTime ?? initiated) - initiated),
    };
  });
  if (!isTruncated(root, what)) return { uploads, next: undefined };
  const idMarker = textOfChild(root, "NextUploadIdMarker") ?? "";
  const next = {
    "key-marker": nextKeyIn(root, uploads.at(-1)?.key, what),
    ...(idMarker === "" ? {} : { "upload-id-marker": idMarker }),
  };
  return { uploads, next };
}

/**
 * Aborts the uploads under `prefix` that are older than 24 hours by the service's clock, and returns
 * how many. `isOurs` says which keys are of this program; others are left alone.
 */
export async function abortStaleUploads(
  caller: Caller,
  prefix: string,
  options: { readonly isOurs: (key: string) => boolean; readonly signal?: AbortSignal },
): Promise<number> {
  const stale: ListedUpload[] = [];
  for await (const upload of listUploads(caller, prefix, options)) {
    const isOurs = upload.key.startsWith(prefix) && options.isOurs(upload.key);
    if (isOurs && upload.ageMs > STALE_MS) stale.push(upload);
  }
  let abortedCount = 0;
  for (const { key, uploadId } of stale)
    if (await abortUpload(caller, key, uploadId)) abortedCount++;
  return abortedCount;
}
