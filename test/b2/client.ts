// Client: signed requests to the emulator, byte for byte as a test wants them.
//
// A signer of its own, apart from the program's and from the emulator's; over a raw socket where
// fetch would change the path.

import { createHash, createHmac } from "node:crypto";

export interface Signer {
  readonly endpoint: string;
  readonly region: string;
  readonly keyId: string;
  readonly secret: string;
  now(): number;
}

export interface Ask {
  readonly method?: string;
  /** The path as it is sent, from "/" on, without the query. */
  readonly path: string;
  /** As it is sent, without "?". */
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** Takes the place of the body's sum. */
  readonly sha256?: string;
  /** Headers to sign beside those that must be; all of `headers` that begin with x-amz- are. */
  readonly signed?: readonly string[];
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly bytes: Uint8Array;
  /** S3's word for the error. */
  readonly code: string | undefined;
}

function sha256(data: Uint8Array | string): string {
  return createHash("sha256").update(data).digest("hex");
}

export function md5Base64(data: Uint8Array | string): string {
  return createHash("md5").update(data).digest("base64");
}

export function md5Hex(data: Uint8Array | string): string {
  return createHash("md5").update(data).digest("hex");
}

/** All of RFC 3986's unreserved characters stay, and slashes. */
export function escapePath(key: string): string {
  const bytes = [...new TextEncoder().encode(key)];
  const plain = /[A-Za-z0-9._~/-]/;
  return bytes
    .map((byte) => {
      const c = String.fromCharCode(byte);
      return plain.test(c) ? c : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    })
    .join("");
}

/** The headers of a signed request. */
export function signedHeaders(signer: Signer, ask: Ask): Record<string, string> {
  const host = new URL(signer.endpoint).host;
  const time = new Date(signer.now()).toISOString().replace(/[-:]|\.\d+/g, "");
  const headers: Record<string, string> = {
    host,
    "x-amz-date": time,
    "x-amz-content-sha256": ask.sha256 ?? sha256(ask.body ?? ""),
    ...ask.headers,
  };
  const names = Object.keys(headers)
    .filter((name) => name === "host" || name.startsWith("x-amz-") || ask.signed?.includes(name))
    .sort();
  const query = (ask.query ?? "")
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => (pair.includes("=") ? pair : `${pair}=`))
    .sort()
    .join("&");
  const canonical = [
    ask.method ?? "GET",
    // Of what was escaped only where it had to be.
    escapePath(decodeURIComponent(ask.path)),
    query,
    ...names.map((name) => `${name}:${headers[name]!.trim()}`),
    "",
    names.join(";"),
    headers["x-amz-content-sha256"],
  ].join("\n");
  const scope = `${time.slice(0, 8)}/${signer.region}/s3/aws4_request`;
  const text = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha256(canonical)}`;
  let key: Uint8Array = Buffer.from(`AWS4${signer.secret}`);
  for (const step of scope.split("/")) key = createHmac("sha256", key).update(step).digest();
  const signature = createHmac("sha256", key).update(text).digest("hex");
  const credential = `Credential=${signer.keyId}/${scope}`;
  const authorization = `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=${names.join(";")}, Signature=${signature}`;
  return { ...headers, authorization };
}

/** Signs, sends, and reads all of the answer. */
export async function call(signer: Signer, ask: Ask): Promise<Reply> {
  const { host: _, ...headers } = signedHeaders(signer, ask);
  const query = ask.query === undefined ? "" : `?${ask.query}`;
  const response = await fetch(signer.endpoint + ask.path + query, {
    method: ask.method ?? "GET",
    headers,
    decompress: false,
    redirect: "error",
    ...(ask.body !== undefined && { body: ask.body as BodyInit }),
  });
  return replyOf(response.status, response.headers, await response.bytes());
}

function replyOf(status: number, headers: Headers, bytes: Uint8Array): Reply {
  const text = new TextDecoder().decode(bytes);
  return { status, headers, bytes, text, code: /<Code>(\w+)<\/Code>/.exec(text)?.[1] };
}

/** The same over a socket, so that the path goes as it is: dot segments, "//", and raw bytes. */
export async function rawCall(signer: Signer, ask: Ask): Promise<Reply> {
  const body = Buffer.from(ask.body ?? "");
  const headers = { ...signedHeaders(signer, ask), "content-length": String(body.length) };
  const query = ask.query === undefined ? "" : `?${ask.query}`;
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const head = `${ask.method ?? "GET"} ${ask.path}${query} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`;
  return exchangeRaw(signer.endpoint, Buffer.concat([Buffer.from(head), body]));
}

/** Sends bytes and reads one answer. */
export async function exchangeRaw(endpoint: string, bytes: Uint8Array): Promise<Reply> {
  const { hostname, port } = new URL(endpoint);
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  const received: Uint8Array[] = [];
  const socket = await Bun.connect({
    hostname,
    port: Number(port),
    socket: {
      data(_, chunk) {
        received.push(new Uint8Array(chunk));
        const reply = parseReply(Buffer.concat(received));
        if (reply !== undefined) resolve(reply);
      },
      close: () => reject(new Error("closed without an answer")),
      error: (_, error) => reject(error),
    },
  });
  socket.write(bytes);
  try {
    return await promise;
  } finally {
    socket.end();
  }
}

function parseReply(bytes: Buffer): Reply | undefined {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [status = "", ...lines] = bytes.subarray(0, end).toString("latin1").split("\r\n");
  const headers = new Headers();
  for (const line of lines)
    headers.append(line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1));
  const body = bytes.subarray(end + 4);
  if (body.length < Number(headers.get("content-length") ?? 0)) return undefined;
  return replyOf(Number(status.split(" ")[1]), headers, body);
}
