// What each server must do before the tests that use it mean anything, seen by clients of others.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { hasClients, runBoto3, runRclone } from "./clients.ts";
import type { BucketOptions, Server } from "./server.ts";

/** Declares the tests of one server, which is started once; `isThere` is whether it's installed. */
export function serverSuite(name: string, isThere: boolean, start: () => Promise<Server>): void {
  describe.skipIf(!isThere || !hasClients())(name, () => {
    let server: Server;
    beforeAll(async () => {
      server = await start();
    });
    afterAll(async () => {
      await server?.[Symbol.asyncDispose]();
    });

    test("refuses a call without a signature, and one with a wrong secret", async () => {
      await server.createBucket("closed");
      const { status } = await fetch(`${server.endpoint}/closed?list-type=2`);
      expect(status).toBe(403);
      const stranger = { ...server, secret: "a guess" };
      await expect(runRclone(stranger, "lsf", "server:closed")).rejects.toThrow("403");
    });

    test("a bucket and an object of boto3 are listed and read by rclone", async () => {
      await runBoto3(server, WRITING, "boto");
      const list = ["lsf", "--recursive", "--files-only", "server:boto"];
      expect(await runRclone(server, ...list)).toBe("a/b c.txt\n");
      expect(await runRclone(server, "cat", "server:boto/a/b c.txt")).toBe("text");
    });

    test.each<[string, BucketOptions, (string | null)[]]>([
      ["plain", {}, [null, "null"]],
      ["versions", { versions: true }, ["Enabled", "null"]],
      ["lock", { lock: true }, ["Enabled", "Enabled"]],
    ])("makes a bucket: %s", async (bucket, options, expected) => {
      await server.createBucket(bucket, options);
      expect(JSON.parse(await runBoto3(server, STATES, bucket))).toEqual(expected);
    });

    test("a lock keeps a version that a plain delete only hides", async () => {
      await server.createBucket("kept", { lock: true });
      expect(JSON.parse(await runBoto3(server, LOCKING, "kept"))).toEqual({
        plain: "hidden",
        version: "AccessDenied",
        body: "first",
      });
    });
  });
}

const WRITING = `
s3.create_bucket(Bucket=sys.argv[1])
s3.put_object(Bucket=sys.argv[1], Key="a/b c.txt", Body=b"text")
`;

const STATES = `
bucket = sys.argv[1]
try:
    lock = s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]["ObjectLockEnabled"]
except ClientError as error:
    lock = "null" if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404 else str(error)
print(json.dumps([s3.get_bucket_versioning(Bucket=bucket).get("Status"), lock]))
`;

const LOCKING = `
name = dict(Bucket=sys.argv[1], Key="name")
until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
version = s3.put_object(**name, Body=b"first", ObjectLockMode="COMPLIANCE",
    ObjectLockRetainUntilDate=until)["VersionId"]
found = {"plain": "hidden" if s3.delete_object(**name)["DeleteMarker"] else "deleted"}
try:
    s3.delete_object(**name, VersionId=version, BypassGovernanceRetention=True)
    found["version"] = "deleted"
except ClientError as error:
    found["version"] = error.response["Error"]["Code"]
found["body"] = s3.get_object(**name, VersionId=version)["Body"].read().decode()
print(json.dumps(found))
`;
