// Server: the emulator by itself, to try a bucket by hand, and for clients that are other programs.
//
//   bun test/b2/server.ts [--port N] [--bucket NAME] [--lock] [--retention DAYS]
//
// --retention makes a bucket that locks what is stored, as a store wants it. Prints lines for `export`:
// the endpoint, the region and a key that may do all, by B2's names and by those of AWS. Runs until it is ended.

import { parseArgs } from "node:util";

import { Emulator } from "./emulator.ts";

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    bucket: { type: "string", default: "bunker-test" },
    lock: { type: "boolean", default: false },
    retention: { type: "string" },
  },
});

const b2 = await Emulator.start({ port: Number(values.port), lock: values.lock });
const days = Number(values.retention);
b2.createBucket(
  values.bucket,
  values.retention === undefined ? {} : { defaultRetention: { mode: "compliance", days } },
);
const { keyId, secret } = b2.createKey();
console.log(`export B2_ENDPOINT_URL=${b2.endpoint} AWS_ENDPOINT_URL=${b2.endpoint}`);
console.log(`export B2_REGION=${b2.region} AWS_REGION=${b2.region}`);
console.log(`export B2_APPLICATION_KEY_ID=${keyId} AWS_ACCESS_KEY_ID=${keyId}`);
console.log(`export B2_APPLICATION_KEY=${secret} AWS_SECRET_ACCESS_KEY=${secret}`);
console.log(`export BUNKER_STORE=b2://${values.bucket}`);
