// TLS: a certificate that nobody vouches for is refused; one whose authority is named is taken.

import { beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { textOf } from "../../src/base/bytes.ts";
import { isBunkerError } from "../../src/base/errors.ts";
import { S3Failure } from "../../src/s3/failure.ts";
import { tempDir } from "../support/temp.ts";
import { getCall, putCall, rigAt, thrownBy } from "./rig.ts";

const SOURCE = join(import.meta.dir, "../../src");
const openssl = Bun.which("openssl");
// Without it there is no certificate to serve with.
const needsOpenssl = test.skipIf(openssl === null);

interface Certificate {
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
}

let good: Certificate;
let other: Certificate;

beforeAll(async () => {
  if (openssl === null) return;
  good = await makeCertificate("IP:127.0.0.1,DNS:localhost");
  other = await makeCertificate("DNS:elsewhere.invalid");
});

/** An authority, and what it signed for those names. */
async function makeCertificate(names: string): Promise<Certificate> {
  using dir = tempDir();
  const run = (...args: string[]): void => {
    const { exitCode, stderr } = Bun.spawnSync([openssl!, ...args], { cwd: dir.path });
    if (exitCode !== 0) throw new Error(textOf(stderr));
  };
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const authority = ["-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority"];
  run("req", "-x509", ...key, ...authority, "-days", "3650");
  run("req", ...key, "-keyout", "key.pem", "-out", "csr.pem", "-subj", "/CN=server");
  await Bun.write(join(dir.path, "names"), `subjectAltName=${names}\n`);
  const signer = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"];
  run("x509", "-req", "-in", "csr.pem", ...signer, "-extfile", "names", "-out", "cert.pem");
  const read = (name: string): Promise<string> => Bun.file(join(dir.path, name)).text();
  return { key: await read("key.pem"), cert: await read("cert.pem"), ca: await read("ca.pem") };
}

function serveWith({ key, cert }: Certificate): Bun.Server<undefined> {
  return Bun.serve({
    port: 0,
    tls: { key, cert },
    fetch: async (request) => new Response(String((await request.bytes()).length)),
  });
}

needsOpenssl("with its authority named, a service is trusted, large bodies too", async () => {
  using server = serveWith(good);
  const endpoint = `https://127.0.0.1:${server.port}`;
  const { bucket } = rigAt(endpoint, {}, { caPem: good.ca });
  expect(textOf((await bucket.call(getCall())).bytes)).toBe("0");
  const { bytes } = await bucket.call(putCall(new Uint8Array(3_000_000)));
  expect(textOf(bytes)).toBe("3000000");
});

needsOpenssl.each(["without any", "with another's"])("%s, it is not, at once", async (which) => {
  using server = serveWith(good);
  const trust = which === "without any" ? {} : { caPem: other.ca };
  const { bucket, retries } = rigAt(`https://127.0.0.1:${server.port}`, {}, trust);
  const error = await thrownBy(bucket.call(getCall()));
  expect(isBunkerError(error, "denied")).toBe(true);
  expect(String(error)).toContain("the service's certificate is not trusted");
  expect((error as Error).cause).toBeInstanceOf(S3Failure);
  expect(retries).toEqual([]);
});

needsOpenssl("a certificate for another name is not trusted", async () => {
  using server = serveWith(other);
  const { bucket } = rigAt(`https://127.0.0.1:${server.port}`, {}, { caPem: other.ca });
  const error = await thrownBy(bucket.call(getCall()));
  expect(isBunkerError(error, "denied")).toBe(true);
  expect(String(error)).toContain("ERR_TLS_CERT_ALTNAME_INVALID");
});

needsOpenssl("no variable of the environment switches the checks off", async () => {
  using server = serveWith(good);
  using _ = withVariable("NODE_TLS_REJECT_UNAUTHORIZED", "0");
  const endpoint = `https://127.0.0.1:${server.port}`;
  for (const trust of [{}, { caPem: other.ca }]) {
    const { bucket } = rigAt(endpoint, {}, trust);
    expect(isBunkerError(await thrownBy(bucket.call(getCall())), "denied")).toBe(true);
  }
  using elsewhere = serveWith(other);
  const { bucket } = rigAt(`https://127.0.0.1:${elsewhere.port}`, {}, { caPem: other.ca });
  expect(isBunkerError(await thrownBy(bucket.call(getCall())), "denied")).toBe(true);
});

test("without TLS a proxy gets nothing: what is for this machine stays on it", async () => {
  let seen = 0;
  using proxy = Bun.serve({ port: 0, fetch: () => new Response(String(++seen)) });
  using server = Bun.serve({ port: 0, fetch: () => new Response("itself") });
  using _ = withVariable("http_proxy", `http://127.0.0.1:${proxy.port}`);
  const { bucket } = rigAt(`http://127.0.0.1:${server.port}`);
  expect(textOf((await bucket.call(getCall())).bytes)).toBe("itself");
  expect(seen).toBe(0);
});

test("no variable of the environment has requests printed, which hold the session's token", async () => {
  const script = `
    const { openBucket } = await import(${JSON.stringify(join(SOURCE, "s3/service.ts"))});
    const { nativePlatform: hash } = await import(${JSON.stringify(join(SOURCE, "system/platform.ts"))});
    const { systemWorld: world } = await import(${JSON.stringify(join(SOURCE, "system/world.ts"))});
    using server = Bun.serve({ port: 0, fetch: () => new Response("") });
    const credentials = { keyId: "id", secret: "secret", sessionToken: "a token" };
    const service = { endpoint: server.url.origin, region: "here", credentials };
    const bucket = openBucket(service, "bucket", { world, hash });
    await bucket.call({ operation: "GetObject", method: "GET", key: "a", answerBytesMax: 10 });
    process.stdout.write("done");`;
  const env = { ...process.env, BUN_CONFIG_VERBOSE_FETCH: "curl" };
  const child = Bun.spawnSync([process.execPath, "-e", script], { env });
  expect(textOf(child.stdout) + textOf(child.stderr)).toBe("done");
});

/** Sets a variable of this process until the end of the block. */
function withVariable(name: string, value: string): Disposable {
  const before = process.env[name];
  process.env[name] = value;
  return {
    [Symbol.dispose]() {
      if (before === undefined) delete process.env[name];
      else process.env[name] = before;
    },
  };
}

test("a server without TLS is told from one that is down", async () => {
  using server = Bun.serve({ port: 0, fetch: () => new Response("") });
  const { bucket } = rigAt(`https://127.0.0.1:${server.port}`);
  const error = await thrownBy(bucket.call(getCall()));
  expect(isBunkerError(error, "unavailable")).toBe(true);
  expect(String(error)).toContain(", after 3 attempts");
});
