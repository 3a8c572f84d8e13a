// Open bucket: from the moment that a bucket's key is in memory, the process is not dumped, whichever
// command asked for the bucket.

import { expect, test } from "bun:test";
import { join } from "node:path";

import { openLibc } from "../../src/system/libc.ts";

const SOURCE = join(import.meta.dir, "../../src");

test.skipIf(openLibc() === undefined)("a process that opens a bucket is not dumped", () => {
  const script = `
    const { openBucketOf } = await import("${SOURCE}/cli/open-bucket.ts");
    const { openLibc } = await import("${SOURCE}/system/libc.ts");
    const number = process.arch === "x64" ? 157 : 167;
    const isDumped = () => Number(openLibc().call.syscall(number, 3, null, 0, 0, null));
    const before = isDumped();
    const environment = { B2_APPLICATION_KEY_ID: "id", B2_APPLICATION_KEY: "key", B2_REGION: "us-west-004" };
    const location = { kind: "bucket", scheme: "b2", bucket: "my-bucket", prefix: "" };
    const words = { text: () => undefined, isGiven: () => false };
    await openBucketOf({ environment, messages: {} }, words, { location });
    process.stdout.write(JSON.stringify([before, isDumped()]));`;
  const { stdout } = Bun.spawnSync([process.execPath, "-e", script], { stderr: "inherit" });
  expect(JSON.parse(stdout.toString())).toEqual([1, 0]);
});
