// Server: the emulator by itself, for clients that are other programs.
//
//   bun test/b2/server.ts [--port N] [--bucket NAME] [--lock]
//
// Prints the endpoint, the region and a key that may do all, and runs until it is ended.

import { parseArgs } from "node:util";

import { Emulator } from "./emulator.ts";

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    bucket: { type: "string", default: "bunker-test" },
    lock: { type: "boolean", default: false },
  },
});

const b2 = await Emulator.start({ port: Number(values.port), lock: values.lock });
b2.createBucket(values.bucket);
const { keyId, secret } = b2.createKey();
console.log(`AWS_ENDPOINT_URL=${b2.endpoint}`);
console.log(`AWS_REGION=${b2.region}`);
console.log(`AWS_ACCESS_KEY_ID=${keyId}`);
console.log(`AWS_SECRET_ACCESS_KEY=${secret}`);
console.log(`BUCKET=${values.bucket}`);
