// Signature Version 4 once more, from AWS's documents and with node:crypto, as a service does it
// that got the request: it shares no line with what it checks.

import { createHash, createHmac } from "node:crypto";

export interface GotRequest {
  readonly method: string;
  /** As it stood in the request line. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Reads "GET /a?b HTTP/1.1" and the headers below it. */
export function parseHead(head: string): GotRequest {
  const [first = "", ...lines] = head.split("\r\n");
  const [method = "", target = ""] = first.split(" ");
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  return { method, target, headers };
}

function encode(text: string, keep: string): string {
  const unreserved = `ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~${keep}`;
  return [...Buffer.from(text, "utf8")]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      if (unreserved.includes(character)) return character;
      return `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    })
    .join("");
}

function canonicalRequest({ method, target, headers }: GotRequest, signed: string): string {
  const [path = "", search = ""] = target.split("?");
  const pairs = search === "" ? [] : search.split("&").map((pair) => pair.split("="));
  const query = pairs
    .map(([name = "", value = ""]) =>
      [decodeURIComponent(name), decodeURIComponent(value)].map((text) => encode(text, "")),
    )
    .sort(([a = ""], [b = ""]) => (a < b ? -1 : 1))
    .map((pair) => pair.join("="))
    .join("&");
  const names = signed.split(";");
  return [
    method,
    encode(decodeURIComponent(path), "/"),
    query,
    ...names.map((name) => `${name}:${(headers[name] ?? "MISSING").replace(/ +/g, " ")}`),
    "",
    signed,
    headers["x-amz-content-sha256"],
  ].join("\n");
}

/** The signature that the request should have. */
export function signatureOf(
  request: GotRequest,
  signed: string,
  secret: string,
  region: string,
): string {
  const date = request.headers["x-amz-date"] ?? "";
  const day = date.slice(0, 8);
  const scope = `${day}/${region}/s3/aws4_request`;
  const hashed = createHash("sha256").update(canonicalRequest(request, signed)).digest("hex");
  const hmac = (key: string | Buffer, text: string): Buffer =>
    createHmac("sha256", key).update(text).digest();
  const keys = [day, region, "s3", "aws4_request"];
  const key = keys.reduce<string | Buffer>((last, part) => hmac(last, part), `AWS4${secret}`);
  return hmac(key, `AWS4-HMAC-SHA256\n${date}\n${scope}\n${hashed}`).toString("hex");
}

/** What the request's own Authorization says. */
export function claimOf(request: GotRequest): { signed: string; signature: string } {
  const pattern = /SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/;
  const found = pattern.exec(request.headers["authorization"] ?? "");
  return { signed: found?.[1] ?? "", signature: found?.[2] ?? "" };
}
