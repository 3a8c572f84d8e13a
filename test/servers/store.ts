// A store on a server that others wrote: the contract of a storage, backups and restores end to end,
// and the bucket looked at by a client that others wrote.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";

import { hexOf } from "../../src/base/bytes.ts";
import { putObject } from "../../src/s3/objects.ts";
import { openBucket } from "../../src/s3/service.ts";
import { openBucketStorage } from "../../src/storage/bucket.ts";
import type { Storage } from "../../src/storage/storage.ts";
import { thoroughStorage } from "../../src/storage/thorough.ts";
import { systemWorld } from "../../src/system/world.ts";
import { HASH } from "../s3/rig.ts";
import { nameFor } from "../storage/naming.ts";
import { failureOf, namesOf, numbered, storageSuite } from "../storage/suite.ts";
import { compareFolders } from "../support/compare.ts";
import { writeTree } from "../support/files.ts";
import { backUp, restoreTo, runCheck } from "../support/jobs.ts";
import { runHere } from "../support/program.ts";
import { seededRandom } from "../support/random.ts";
import { Client, makeStore, namesIn } from "../support/store.ts";
import { tempDir } from "../support/temp.ts";
import { hasClients, runBoto3, runRclone } from "./clients.ts";
import type { Server } from "./server.ts";

const BUCKETS = { versions: "versions", locks: "locks" } as const;
const TREE = {
  "a/one": "one",
  "a/large": seededRandom(1).bytes(3_000_000),
  "b c+d/ü": seededRandom(2).bytes(70_000),
};

/** Declares the tests of a store on a server, which is started once. */
export function storeOnServerSuite(
  name: string,
  isThere: boolean,
  start: () => Promise<Server>,
): void {
  describe.skipIf(!isThere || !hasClients())(`a store on ${name}`, () => {
    let server: Server;
    let lastPrefix = 0;
    beforeAll(async () => {
      server = await start();
      await server.createBucket(BUCKETS.versions, { versions: true });
      await server.createBucket(BUCKETS.locks, { lock: true });
    });
    afterAll(async () => {
      await server?.[Symbol.asyncDispose]();
    });

    function openAt(bucketName: string, prefix: string) {
      const { endpoint, region, keyId, secret } = server;
      const service = { endpoint, region, credentials: { keyId, secret } };
      const bucket = openBucket(service, bucketName, { world: systemWorld, hash: HASH });
      return { bucket, storage: openBucketStorage(bucket, { prefix, location: bucketName }) };
    }
    const newPrefix = () => `store ${++lastPrefix}/`;

    storageSuite(name, async () => {
      const prefix = newPrefix();
      const { bucket, storage } = openAt(BUCKETS.versions, prefix);
      return {
        storage,
        plant: async (object, bytes) => void (await putObject(bucket, prefix + object, bytes)),
        [Symbol.asyncDispose]: () => storage.close(),
      };
    });

    test("a lock keeps a version, and only grows", async () => {
      const { storage } = openAt(BUCKETS.locks, newPrefix());
      const [bytes] = numbered(1);
      const object = nameFor(bytes!);
      const until = Math.ceil(systemWorld.now() / 1000) * 1000 + 60_000;
      const lock = { mode: "compliance", until } as const;
      await storage.put(object, bytes!);
      const [version] = await Array.fromAsync(storage.listVersions(object));
      const { versionId } = version!;
      expect(await storage.lockOf(object, versionId)).toBeUndefined();
      await storage.setLock(object, lock, versionId);
      expect(await storage.lockOf(object, versionId)).toEqual(lock);
      await failureOf("denied", storage.delete(object, versionId));
      const longer = { ...lock, until: until + 60_000 };
      await storage.setLock(object, longer, versionId);
      await failureOf("denied", storage.setLock(object, lock, versionId));
      await storage.delete(object);
      expect(hexOf((await storage.get(object, { versionId }))!)).toBe(hexOf(bytes!));
    });

    test("a backup, an unchanged one, a check of all data and a restore", async () => {
      using temp = tempDir();
      const source = join(temp.path, "source");
      writeTree(source, TREE);
      const { storage } = openAt(BUCKETS.versions, newPrefix());
      await makeStore(storage);
      const client = new Client();
      await backUp(client, await client.open(storage), [source]);
      await backUp(client, await client.open(storage), [source]);
      expect(await findingsOf(storage)).toEqual([]);
      const to = join(temp.path, "restored");
      await restoreTo(await new Client().open(storage), to);
      expect(compareFolders(source, to).differences).toEqual([]);
    });

    test("what a thief hides or puts in front comes back from the versions, and is named", async () => {
      using temp = tempDir();
      const source = join(temp.path, "source");
      writeTree(source, TREE);
      const prefix = newPrefix();
      const { bucket, storage } = openAt(BUCKETS.versions, prefix);
      await makeStore(storage);
      const client = new Client();
      await backUp(client, await client.open(storage), [source]);
      for (const top of ["keys/", "owner/", "index/", "snapshots/"]) {
        for (const object of await namesIn(storage, top)) await storage.delete(object);
      }
      const packs = await namesIn(storage, "packs/");
      for (const object of packs) await putObject(bucket, prefix + object, new Uint8Array(9999));
      const store = await new Client().open(storage);
      const to = join(temp.path, "restored");
      await restoreTo(store, to);
      expect(compareFolders(source, to).differences).toEqual([]);
      const named = new Set(store.findings.all.map(({ subject }) => subject));
      expect([...named].sort()).toEqual(packs);
    });

    test("the commands: an unsafe bucket is refused; init, backup, check and restore", async () => {
      using temp = tempDir();
      const source = join(temp.path, "source");
      writeTree(source, TREE);
      const { endpoint, region, keyId, secret } = server;
      const run = (...words: readonly string[]) =>
        runHere(words, {
          HOME: temp.path,
          PATH: process.env["PATH"],
          BUNKER_STORE: `s3://${BUCKETS.versions}/commands`,
          BUNKER_PASSPHRASE: "a passphrase of the tests",
          AWS_ACCESS_KEY_ID: keyId,
          AWS_SECRET_ACCESS_KEY: secret,
          AWS_REGION: region,
          AWS_ENDPOINT_URL: endpoint,
        });
      const phrase = join(temp.path, "phrase");
      const refused = await run("init", "--phrase-file", phrase);
      expect(refused.stderr).toContain("Object Lock");
      expect(refused.status).toBe(2);
      const to = join(temp.path, "restored");
      for (const words of [
        ["init", "--lock", "none", "--phrase-file", phrase],
        ["backup", source, "--lanes", "1"],
        ["check", "--read-data"],
        ["restore", "latest", "--to", to, "--lanes", "1"],
        ["store", "test", "--lock", "none"],
      ]) {
        const { stderr, status } = await run(...words);
        expect([words[0]!, status, stderr]).toEqual([words[0]!, 0, expect.any(String)]);
      }
      expect(compareFolders(source, to).differences).toEqual([]);
    });

    test("boto3 and rclone see objects whose names are the SHA-256 of their bytes", async () => {
      using temp = tempDir();
      const source = join(temp.path, "source");
      writeTree(source, TREE);
      const { storage } = openAt(BUCKETS.versions, "seen/");
      await makeStore(storage);
      const client = new Client();
      await backUp(client, await client.open(storage), [source]);
      const sums = await runBoto3(server, SUMS, BUCKETS.versions, "seen/");
      const seen = JSON.parse(sums) as Record<string, string>;
      const names = await namesOf(storage);
      expect(Object.keys(seen).sort()).toEqual(names.map((object) => `seen/${object}`));
      for (const [key, sum] of Object.entries(seen)) expect(key.slice(-64)).toBe(sum);
      const list = ["lsf", "--recursive", "--files-only", `server:${BUCKETS.versions}/seen`];
      const listed = await runRclone(server, ...list);
      expect(listed.trimEnd().split("\n").sort()).toEqual(names);
    });
  });
}

async function findingsOf(storage: Storage): Promise<readonly string[]> {
  const store = await new Client().open(thoroughStorage(storage));
  const { findings } = await runCheck(store, 1);
  return findings.map(({ subject, message }) => `${subject}: ${message}`);
}

const SUMS = `
import hashlib, json
bucket, prefix = sys.argv[1], sys.argv[2]
sums = {}
for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
    for found in page.get("Contents", []):
        body = s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].read()
        sums[found["Key"]] = hashlib.sha256(body).hexdigest()
print(json.dumps(sums))
`;
