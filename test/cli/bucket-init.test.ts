// init and store test on buckets, end to end, against the emulator of B2; and key slots under locks.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";

import { type BucketOptions, Emulator } from "../b2/emulator.ts";
import type { Capability, KeyOptions } from "../b2/keys.ts";
import type { Environment, Outcome } from "../support/bunker.ts";
import { runHere } from "../support/program.ts";
import { tempDir, type TempDir } from "../support/temp.ts";

setDefaultTimeout(60_000); // Argon2id takes long on purpose.

const WRITER: readonly Capability[] = [
  "listBuckets",
  "listFiles",
  "readFiles",
  "writeFiles",
  "readBucketRetentions",
  "readFileRetentions",
];
const LOCKED: BucketOptions = { defaultRetention: { mode: "compliance", days: 30 } };

let b2: Emulator;
let temp: TempDir;
let bucketCount = 0;
beforeAll(async () => {
  b2 = await Emulator.start();
  temp = tempDir();
});
afterAll(async () => {
  temp[Symbol.dispose]();
  await b2.stop();
});

function newBucket(options: BucketOptions): string {
  const name = `bucket-${++bucketCount}`;
  b2.createBucket(name, options);
  return name;
}

function environmentOf(key: KeyOptions = {}): Environment {
  const { keyId, secret } = b2.createKey(key);
  return {
    HOME: temp.path,
    BUNKER_LABEL: "here",
    BUNKER_PASSPHRASE: "a passphrase of the tests",
    B2_ENDPOINT_URL: b2.endpoint,
    B2_REGION: b2.region,
    B2_APPLICATION_KEY_ID: keyId,
    B2_APPLICATION_KEY: secret,
  };
}

const run = (words: readonly string[], key: KeyOptions = {}): Promise<Outcome> =>
  runHere(words, environmentOf(key));

const init = (name: string, ...words: string[]): Promise<Outcome> =>
  run(["init", "--store", `b2://${name}/a`, ...words]);

const jsonOf = ({ stdout }: Outcome) =>
  stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe("init", () => {
  test("on a safe bucket says what is promised, and everything of the store is locked", async () => {
    const name = newBucket(LOCKED);
    const writer = { capabilities: WRITER, bucket: name, prefix: "a/" };
    const made = await run(["init", "--store", `b2://${name}/a`, "--json"], writer);
    expect(made).toMatchObject({ status: 0 });
    const [fields] = jsonOf(made);
    expect(fields).toMatchObject({
      location: `b2://${name}/a`,
      lock: "compliance",
      lockSeconds: 30 * 86_400,
    });
    expect(made.stderr).toContain("locked for 30 days in COMPLIANCE mode");
    expect(made.stderr).toContain(`locked until ${String(fields!["lockedUntil"]).slice(0, 10)}`);
    expect(made.stderr).toContain("lifecycle rules: not known: the key lacks readBuckets");
    expect(made.stderr).not.toContain("warning");
    expect(b2.keysOf(name)).toHaveLength(5);
    for (const key of b2.keysOf(name)) {
      expect(b2.versionsOf(name, key)).toMatchObject([{ lock: { mode: "COMPLIANCE" } }]);
    }
  });

  test("refuses one that is not safe, says what to change, and stores nothing", async () => {
    const name = newBucket({ lock: false, lifecycle: [{ prefix: "", daysToDeleting: 1 }] });
    const { status, stdout, stderr } = await init(name);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toContain("Object Lock: off");
    expect(stderr).toContain("deletes hidden versions after 1 day");
    expect(stderr).toContain("b2 bucket update --file-lock-enabled");
    expect(stderr).toContain("--lock none");
    expect(b2.keysOf(name)).toEqual([]);
  });

  test("takes an unsafe one by --lock none, and promises nothing", async () => {
    const name = newBucket({ lock: false });
    const made = await init(name, "--lock", "none", "--json");
    expect(made.status).toBe(0);
    expect(jsonOf(made)).toEqual([expect.objectContaining({ lock: "none" })]);
    expect(made.stderr).toContain("no locks are promised");
  });

  test("takes GOVERNANCE only by its name", async () => {
    const name = newBucket({ defaultRetention: { mode: "governance", days: 30 } });
    const refused = await init(name);
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain("bypassGovernance");
    expect(refused.stderr).toContain("--lock governance");
    const made = await init(name, "--lock", "governance", "--json");
    expect(jsonOf(made)).toEqual([expect.objectContaining({ lock: "governance" })]);
  });

  test("refuses a bucket whose locks the key may not see", async () => {
    const name = newBucket(LOCKED);
    const capabilities = WRITER.filter((right) => right !== "readBucketRetentions");
    const refused = await run(["init", "--store", `b2://${name}`], { capabilities });
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain("give the key readBucketRetentions");
  });

  test("finds a store whose objects somebody has hidden", async () => {
    const name = newBucket({ lock: false });
    expect((await init(name, "--lock", "none")).status).toBe(0);
    for (const key of b2.keysOf(name)) b2.plant(name, key, "", { marker: true });
    const again = await init(name, "--lock", "none");
    expect(again.status).toBe(1);
    expect(again.stderr).toContain("there is a store at");
  });

  test("leaves alone what else is in the bucket, and says so; canaries are nothing", async () => {
    const name = newBucket({ lock: false });
    b2.plant(name, "a/probe/0000000000000000/canary", "x");
    b2.plant(name, "a/things/photo.jpg", "x");
    const made = await init(name, "--lock", "none");
    expect(made.stderr).toContain("is not empty (a/things/photo.jpg and perhaps more)");
    const other = newBucket({ lock: false });
    b2.plant(other, "a/probe/0000000000000000/canary", "x");
    b2.plant(other, "b/photo.jpg", "x");
    expect((await init(other, "--lock", "none")).stderr).not.toContain("is not empty");
  });

  test("makes no bucket", async () => {
    const refused = await init("bucket-none");
    expect(refused.status).toBe(10);
    expect(refused.stderr).toContain("bunker init --print-setup");
    expect(b2.account.buckets.has("bucket-none")).toBe(false);
  });

  test("knows no other locks, and none for folders", async () => {
    const wrong = await init(newBucket(LOCKED), "--lock", "weak");
    expect(wrong).toMatchObject({ status: 2, stdout: "" });
    const folder = await run(["init", "--store", temp.path, "--lock", "compliance"]);
    expect(folder.status).toBe(2);
    expect(folder.stderr).toContain("a folder has no locks");
  });
});

describe("store test", () => {
  test("ends with 0 where all that is needed works", async () => {
    const name = newBucket(LOCKED);
    const key = { capabilities: WRITER, bucket: name, prefix: "a/" };
    const tested = await run(["store", "test", `b2://${name}/a`], key);
    expect(tested.status).toBe(0);
    expect(tested.stdout).toMatch(/^ok {4}default retention {6}COMPLIANCE, 30 days$/m);
    expect(tested.stdout).not.toMatch(/^bad /m);
  });

  test("ends with 1 where something does not, and with 11 where it is not allowed", async () => {
    const name = newBucket({ lock: false });
    const unsafe = await run(["store", "test", `b2://${name}`, "--json"]);
    expect(unsafe.status).toBe(1);
    const bad = jsonOf(unsafe).filter(({ judgement }) => judgement === "bad");
    expect(bad.map(({ what }) => what)).toEqual(["Object Lock", "default retention", "lock"]);
    expect((await run(["store", "test", `b2://${name}`, "--lock", "none"])).status).toBe(0);
    const reader = { capabilities: ["listBuckets", "listFiles", "readFiles"] as const };
    expect((await run(["store", "test", `b2://${name}`], reader)).status).toBe(11);
    expect((await run(["store", "test", "b2://bucket-none"])).status).toBe(10);
  });

  test("moves more with --speed, and takes it away again", async () => {
    const name = newBucket({ lock: false });
    const words = ["store", "test", `b2://${name}`, "--lock", "none", "--speed", "--json"];
    const rows = jsonOf(await run(words));
    const rates = rows.filter(({ bytesPerSecond }) => bytesPerSecond !== undefined);
    expect(rates.map(({ what }) => what)).toEqual(["speed up", "speed down"]);
    expect(b2.keysOf(name)).toEqual([]);
  });

  test("looks at a folder too", async () => {
    const tested = await run(["store", "test", temp.path]);
    expect(tested.status).toBe(0);
    expect(tested.stdout).toContain("whoever can write to the folder can delete the store");
  });

  test("keeps its options to itself", async () => {
    for (const words of [
      ["add", "x", "b2://bucket-1", "--speed"],
      ["list", "--lock", "none"],
    ]) {
      expect((await run(["store", ...words])).status).toBe(2);
    }
  });
});

test("a passphrase that is changed under locks: how long the old one opens the store is told", async () => {
  const name = newBucket(LOCKED);
  const store = ["--store", `b2://${name}`];
  expect((await run(["init", ...store])).status).toBe(0);
  const words = ["key", "passphrase", ...store, "--json"];
  const environment = { ...environmentOf(), BUNKER_NEW_PASSPHRASE: "another passphrase" };
  const changed = await runHere(words, environment);
  expect(changed.status).toBe(0);
  const [fields] = jsonOf(changed);
  expect(fields).toMatchObject({ stays: true });
  const until = String(fields!["lockedUntil"]).slice(0, 10);
  expect(changed.stderr).toContain(`its passphrase opens the store until ${until}`);
  const old = `keys/${String(fields!["removed"])}`;
  expect(b2.versionsOf(name, old).map(({ hidden }) => hidden)).toEqual([true, false]);
  const opened = { ...environmentOf(), BUNKER_PASSPHRASE: "another passphrase" };
  const listed = await runHere(["key", "list", ...store], opened);
  expect(listed).toMatchObject({ status: 0, stderr: "" });
  expect(listed.stdout.trimEnd().split("\n")).toHaveLength(1);
  expect((await run(["key", "list", ...store])).status).toBe(12);
});
