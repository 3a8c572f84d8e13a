// Plain puts: what a number of connections can carry to a server, and nothing else: the same 16 MiB
// of random bytes, hashed beforehand, put again and again under other names.
//
//   bun test/bench/plain-puts.ts ENDPOINT REGION BUCKET CONNECTIONS BYTES    keys: AWS_ACCESS_KEY_ID, …

import { TaskPool } from "../../src/base/queue.ts";
import { putObject } from "../../src/s3/objects.ts";
import { openBucket } from "../../src/s3/service.ts";
import { nativePlatform } from "../../src/system/platform.ts";
import { systemWorld } from "../../src/system/world.ts";

const BYTES = 16 * 1024 * 1024;

const [endpoint = "", region = "", name = "", count = "", total = ""] = Bun.argv.slice(2);
const { AWS_ACCESS_KEY_ID: keyId = "", AWS_SECRET_ACCESS_KEY: secret = "" } = process.env;
const connections = Number(count);
const bucket = openBucket({ endpoint, region, credentials: { keyId, secret } }, name, {
  world: systemWorld,
  hash: nativePlatform,
  limits: { connections },
});
const body = nativePlatform.random(BYTES);
const hashes = { md5: nativePlatform.md5(body), sha256: nativePlatform.sha256(body) };
const pool = new TaskPool(connections);
for (let put = 0; put * BYTES < Number(total); put++) {
  const part = body.subarray(0, Math.min(BYTES, Number(total) - put * BYTES));
  const known = part.length === BYTES ? hashes : {};
  await pool.add(async () => void (await putObject(bucket, `plain/${put}`, part, known)));
}
await pool.finish();
