// TLS: a certificate that nobody vouches for is refused; one whose authority is named is taken.

import { beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { textOf } from "../../src/base/bytes.ts";
import { isBunkerError } from "../../src/base/errors.ts";
import { S3Failure } from "../../src/s3/failure.ts";
import { tempDir } from "../support/temp.ts";
import { getCall, putCall, rigAt, thrownBy } from "./rig.ts";

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

test("a server without TLS is told from one that is down", async () => {
  using server = Bun.serve({ port: 0, fetch: () => new Response("") });
  const { bucket } = rigAt(`https://127.0.0.1:${server.port}`);
  const error = await thrownBy(bucket.call(getCall()));
  expect(isBunkerError(error, "unavailable")).toBe(true);
  expect(String(error)).toContain(", after 3 attempts");
});
