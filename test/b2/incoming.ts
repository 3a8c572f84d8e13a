// Incoming: a request of HTTP as a target and a body; the path stays as it was sent.

import type { IncomingMessage } from "node:http";

import { decode, decodeQuery } from "./auth.ts";
import { operationOf } from "./classify.ts";
import { ContentWriter } from "./content.ts";
import type { Body, RequestRecord, Target } from "./exchange.ts";

/** Reads what is asked, without a word about who asks; throws for what is no call at all. */
export function targetOf(message: IncomingMessage): Target {
  const [rawPath = "/", ...rest] = (message.url ?? "/").split("?");
  const rawQuery = rest.join("?");
  const headers = headersOf(message);
  const [, bucket = "", ...segments] = rawPath.split("/");
  const key = segments.map(decode).join("/");
  const query = queryOf(rawQuery);
  const level = bucket === "" ? "service" : key === "" ? "bucket" : "object";
  const method = message.method ?? "GET";
  return {
    method,
    rawPath,
    rawQuery,
    query,
    headers,
    bucket: level === "service" ? undefined : decode(bucket),
    key: level === "object" ? key : undefined,
    operation: operationOf(method, level, query, headers),
  };
}

function headersOf({ rawHeaders }: IncomingMessage): Map<string, string> {
  const headers = new Map<string, string>();
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase();
    const before = headers.get(name);
    headers.set(name, before === undefined ? rawHeaders[i + 1]! : `${before},${rawHeaders[i + 1]}`);
  }
  return headers;
}

function queryOf(rawQuery: string): Map<string, string> {
  const pairs = rawQuery.split("&").filter((pair) => pair !== "");
  return new Map(
    pairs.map((pair) => {
      const [name = "", ...rest] = pair.split("=");
      return [decodeQuery(name), decodeQuery(rest.join("="))];
    }),
  );
}

/** The whole body, kept or thrown away; undefined where it did not come to its end. */
export function receive(
  message: IncomingMessage,
  record: RequestRecord,
  { kept, resets }: { kept: boolean; resets: boolean },
): Promise<Body | undefined> {
  const { promise, resolve } = Promise.withResolvers<Body | undefined>();
  const writer = new ContentWriter();
  const md5 = new Bun.CryptoHasher("md5");
  const sha256 = new Bun.CryptoHasher("sha256");
  const summed = /^[0-9a-f]{64}$/.test(record.headers.get("x-amz-content-sha256") ?? "");
  const stop = (): void => {
    message.socket.destroy();
    resolve(undefined);
  };
  message.on("data", (chunk: Uint8Array) => {
    record.bytesIn += chunk.length;
    if (resets) stop();
    if (!kept || resets) return;
    writer.add(chunk);
    md5.update(chunk);
    if (summed) sha256.update(chunk);
  });
  message.on("end", () => {
    if (resets) return stop();
    resolve({ content: writer.finish(), md5: md5.digest("hex"), sha256: sha256.digest("hex") });
  });
  // A body that breaks off has no end.
  message.on("error", () => resolve(undefined));
  message.on("close", () => resolve(undefined));
  return promise;
}
