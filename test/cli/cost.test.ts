// What a bucket costs: what a run says of it, what `stats --cost` estimates, and what caps do.

import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { Emulator } from "../b2/emulator.ts";
import { BY_PASSPHRASE, type Environment, emptyPlace, type Place } from "../support/bunker.ts";
import { compareFolders } from "../support/compare.ts";
import { runHere } from "../support/program.ts";
import { seededRandom } from "../support/random.ts";

const BUCKET = "my-bucket";
const MIB = 1024 * 1024;
const LINE =
  /^bunker: [\d,]+ requests \(class A \d+, B \d+, C \d+\), .* up, .* down: costs .* by B2's prices of \d{4}-\d\d-\d\d$/m;

class Remote implements AsyncDisposable {
  readonly place: Place;
  readonly b2: Emulator;
  readonly environment: Environment;

  private constructor(b2: Emulator, place: Place) {
    this.b2 = b2;
    this.place = place;
    const defaultRetention = { mode: "compliance", days: 30 } as const;
    b2.createBucket(BUCKET, { lock: true, defaultRetention });
    const { keyId, secret } = b2.createKey({ bucket: BUCKET });
    this.environment = {
      ...place.environment,
      BUNKER_STORE: `b2://${BUCKET}/laptop`,
      B2_APPLICATION_KEY_ID: keyId,
      B2_APPLICATION_KEY: secret,
      B2_REGION: b2.region,
      B2_ENDPOINT_URL: b2.endpoint,
    };
  }

  /** A bucket with a new store. */
  static async start(): Promise<Remote> {
    const remote = new Remote(await Emulator.start(), emptyPlace());
    const { status, stderr } = await remote.run(
      ["init", "--phrase-file", remote.place.at("phrase")],
      BY_PASSPHRASE,
    );
    expect(stderr).toMatch(LINE);
    expect(status).toBe(0);
    remote.b2.requests.length = 0;
    return remote;
  }

  run(words: readonly string[], changes: Environment = {}) {
    return runHere(words, { ...this.environment, ...changes });
  }

  /** Like a machine that has never seen the store. */
  onNewMachine(): Environment {
    return { HOME: this.place.at("work") };
  }

  async json(words: readonly string[], changes: Environment = {}) {
    const { stdout, stderr, status } = await this.run([...words, "--json"], changes);
    expect(stderr).not.toMatch(LINE);
    if (status !== 0) throw new Error(`${words.join(" ")}: ${status} ${stderr}`);
    const lines = stdout.split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** What the service itself has counted since it was asked last. */
  counted(): { byOperation: Record<string, number>; bytesIn: number } {
    const byOperation: Record<string, number> = {};
    let bytesIn = 0;
    for (const one of this.b2.requests) {
      byOperation[one.operation] = (byOperation[one.operation] ?? 0) + 1;
      bytesIn += one.bytesIn;
    }
    this.b2.requests.length = 0;
    return { byOperation, bytesIn };
  }

  packVersions(): number {
    const keys = this.b2.keysOf(BUCKET).filter((key) => key.includes("/packs/"));
    return keys.reduce((sum, key) => sum + this.b2.versionsOf(BUCKET, key).length, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.place[Symbol.dispose]();
    await this.b2.stop();
  }
}

/** Files of some chunks each. */
function writeLarge(place: Place, count: number, bytes: number): string {
  const random = seededRandom(count);
  for (let i = 0; i < count; i++) place.write(`things/${i}`, random.bytes(bytes));
  return place.at("work/things");
}

interface Requests {
  readonly classA: number;
  readonly classB: number;
  readonly classC: number;
  readonly byOperation: Record<string, number>;
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly retries: number;
}

test("a run says what it has asked of the service, as the service counted it", async () => {
  await using remote = await Remote.start();
  const { place } = remote;
  const from = writeLarge(place, 2, 100_000);
  const [saved] = await remote.json(["backup", from]);
  const requests = saved!["requests"] as Requests;
  const { byOperation, bytesIn } = remote.counted();
  expect(requests.byOperation).toEqual(byOperation);
  expect(requests).toMatchObject({
    classA: byOperation["PutObject"],
    bytesUp: bytesIn,
    retries: 0,
  });
  expect(saved!["cost"]).toMatchObject({ currency: "USD" });
  const { storagePerMonth } = saved!["cost"] as { storagePerMonth: number };
  expect(storagePerMonth).toBeCloseTo((Number(saved!["storedBytes"]) / 1e9) * 0.006, 8);
  const target = place.at("work/copy");
  for (const words of [["backup", from], ["restore", "latest", "--to", target], ["check"]]) {
    const { stderr, status } = await remote.run(words);
    expect([words[0], status]).toEqual([words[0]!, 0]);
    expect(stderr).toMatch(LINE);
  }
  for (const words of [
    ["check"],
    ["restore", "latest", "--to", place.at("work/b")],
    ["restore", "latest", "--to", place.at("work/c.tar"), "--format", "tar"],
  ]) {
    remote.counted();
    const values = await remote.json(words);
    expect(values.length).toBe(1);
    const { byOperation: own } = values[0]!["requests"] as Requests;
    expect(own).toEqual(remote.counted().byOperation);
  }
});

test("other commands say nothing of it; each field is described", async () => {
  await using remote = await Remote.start();
  await remote.json(["backup", remote.place.write("file")]);
  for (const words of [["snapshots"], ["ls", "-R", "latest"], ["key", "list"], ["stats"]]) {
    const values = await remote.json(words);
    expect(values.filter((value) => "requests" in value)).toEqual([]);
    const plain = await remote.run(words);
    expect([plain.stderr, plain.status]).toEqual(["", 0]);
  }
  const [saved] = await remote.json(["backup", remote.place.write("file")]);
  expect(fieldsOf(pick(saved!, ["requests", "cost"]))).toEqual(described("Requests and cost"));
  const [estimate] = await remote.json(["stats", "--cost"]);
  expect(fieldsOf(estimate!)).toEqual(described("stats --cost"));
});

test("a folder costs nothing, and nothing is said of it; its store can be estimated", async () => {
  using place = emptyPlace();
  const environment = { ...place.environment, BUNKER_STORE: place.at("store") };
  const run = (words: readonly string[], changes = {}) =>
    runHere(words, { ...environment, ...changes });
  await run(["init", "--phrase-file", place.at("phrase")], BY_PASSPHRASE);
  const saved = await run(["backup", place.write("file"), "--json"]);
  expect(saved.stderr).not.toContain("requests");
  expect(Object.keys(JSON.parse(saved.stdout) as object)).not.toContain("cost");
  expect((await run(["snapshots", "--json"])).stdout.split("\n").length).toBe(2);
  const estimate = await run(["stats", "--cost"]);
  expect(estimate.stdout).toMatch(/^what this store costs if it were at Backblaze B2/);
  expect(estimate.status).toBe(0);
});

test("the estimate of a restore is near what one takes on a new machine", async () => {
  await using remote = await Remote.start();
  const { place } = remote;
  const from = writeLarge(place, 6, 3 * MIB);
  for (let i = 0; i < 300; i++) place.write(`things/small/${i}`, `content ${i}`);
  await remote.json(["backup", from, "--lanes", "1"]);
  await remote.json(["backup", from]);
  remote.b2.requests.length = 0;
  const [estimate] = await remote.json(["stats", "--cost"]);
  // Folders are read for it, and no content.
  const down = remote.b2.requests.reduce((sum, { bytesOut }) => sum + bytesOut, 0);
  expect(down).toBeLessThan(MIB);
  const [guess] = estimate!["restores"] as { classB: number; classC: number; bytes: number }[];
  const words = ["restore", "latest", "--lanes", "1", "--to", place.at("work/copy")];
  const [done] = await remote.json(words, remote.onNewMachine());
  const { classB, classC, bytesDown } = done!["requests"] as Requests;
  for (const [guessed, real] of [
    [guess!.classB, classB],
    [guess!.classC, classC],
    [guess!.bytes, bytesDown],
  ] as const) {
    expect(guessed / real).toBeGreaterThan(0.75);
    expect(guessed / real).toBeLessThan(1.34);
  }
  const { storage } = estimate as { storage: { bytes: number; objects: number } };
  const versions = remote.b2
    .keysOf(BUCKET)
    .flatMap((key) => remote.b2.versionsOf(BUCKET, key))
    .map(({ bytes }) => bytes);
  expect(storage.objects).toBe(versions.length);
  expect(storage.bytes).toBe(versions.reduce((sum, bytes) => sum + bytes, 0));
  // The guess of a backup, too: one that finds nothing new, and one that does.
  const { classC: guessedLists } = estimate!["backup"] as { classC: number };
  place.write("things/new", "new");
  for (let run = 0; run < 2; run++) {
    const [saved] = await remote.json(["backup", from]);
    const lists = (saved!["requests"] as Requests).classC;
    expect(Math.abs(lists - guessedLists)).toBeLessThanOrEqual(3);
  }
});

test("the storage cap ends a backup with 14; the next one puts the rest, and nothing twice", async () => {
  await using remote = await Remote.start();
  const { place, b2 } = remote;
  const from = writeLarge(place, 12, 5 * MIB);
  const { caps } = b2.account;
  caps.storageBytesMax = 40 * MIB;
  const words = ["backup", from, "--lanes", "1"];
  const first = await remote.run(words);
  expect(first.status).toBe(14);
  expect(first.stderr).toMatch(
    /^bunker: error: .*the account's storage cap is reached; it resets at 00:00 GMT/m,
  );
  expect(first.stderr).toMatch(/^bunker: hint: .*raise the cap/m);
  expect(first.stderr).toMatch(LINE);
  const stored = remote.packVersions();
  expect(stored).toBeGreaterThanOrEqual(2);
  // Still no room: the same end, and the same packs.
  expect((await remote.run(words)).status).toBe(14);
  caps.storageBytesMax = undefined;
  const [second] = await remote.json(words);
  expect(second!["packs"]).toBe(remote.packVersions() - stored);
  expect(b2.keysOf(BUCKET).filter((key) => key.includes("/packs/")).length).toBe(
    remote.packVersions(),
  );
  await remote.json(["restore", "latest", "--lanes", "1", "--to", place.at("work/copy")]);
  expect(compareFolders(from, place.at("work/copy")).differences).toEqual([]);
});

test("a transaction cap ends every command with 14, and says which it is", async () => {
  await using remote = await Remote.start();
  const { place, b2 } = remote;
  const { caps } = b2.account;
  const from = writeLarge(place, 3, MIB);
  const lists = caps.calls.C;
  let status = 14;
  // Wherever in the run it is reached.
  for (let more = 0; status === 14; more++) {
    caps.callsMax.C = caps.calls.C + more;
    const outcome = await remote.run(["backup", from]);
    ({ status } = outcome);
    if (status === 14) expect(outcome.stderr).toContain("transaction cap");
    expect(more).toBeLessThan(100);
  }
  expect(status).toBe(0);
  expect(caps.calls.C).toBeGreaterThan(lists);
  // Data and folders, once.
  expect(remote.packVersions()).toBe(2);
  caps.callsMax.C = caps.calls.C;
  for (const command of ["snapshots", "check"]) {
    expect((await remote.run([command])).status).toBe(14);
  }
  // Of reading: what can't be read now is no damage.
  delete caps.callsMax.C;
  for (const words of [
    ["check", "--read-data"],
    ["restore", "latest", "--lanes", "1", "--to", place.at("work/copy")],
    ["restore", "latest", "--to", place.at("work/copy.tar"), "--format", "tar"],
    ["cat", "latest:/0"],
  ]) {
    // The first reads may be allowed, the rest not.
    for (const more of [0, 1]) {
      caps.callsMax.B = caps.calls.B + more;
      const outcome = await remote.run(words);
      expect([words, more, outcome.status]).toEqual([words, more, 14]);
      expect(outcome.stderr).toContain("transaction cap");
    }
  }
});

test("the download cap ends a restore with 14; what is whole stays, and the same command goes on", async () => {
  await using remote = await Remote.start();
  const { place, b2 } = remote;
  const { caps } = b2.account;
  const from = writeLarge(place, 10, 4 * MIB);
  await remote.json(["backup", from, "--lanes", "1"]);
  const target = place.at("work/copy");
  const words = ["restore", "latest", "--lanes", "1", "--to", target];
  caps.downloadBytesMax = caps.downloadBytes + 20 * MIB;
  const first = await remote.run(words);
  expect(first.status).toBe(14);
  expect(first.stderr).toMatch(/the account's download or transaction cap is reached/);
  const whole = readdirSync(target).filter((name) => !name.startsWith("."));
  expect(whole.length).toBeGreaterThanOrEqual(2);
  for (const name of whole) {
    expect(readFileSync(join(target, name)).equals(readFileSync(join(from, name)))).toBe(true);
  }
  caps.downloadBytesMax = undefined;
  const [second] = await remote.json(words);
  expect(second!["left"]).toBe(whole.length);
  expect(compareFolders(from, target).differences).toEqual([]);
});

test("--connections bounds what is under way at once", async () => {
  await using remote = await Remote.start();
  const { place, b2 } = remote;
  const from = writeLarge(place, 10, 4 * MIB);
  await remote.json(["backup", from, "--lanes", "1"]);
  b2.latencyMs = 10;
  const most: number[] = [];
  for (const options of [[], ["--connections", "1"]]) {
    b2.concurrentMax = 0;
    const target = place.at("work", `copy ${options.length}`);
    await remote.json(["restore", "latest", "--lanes", "1", "--to", target, ...options]);
    most.push(b2.concurrentMax);
  }
  expect(most[0]).toBeGreaterThan(2);
  // One for data, and one for all else.
  expect(most[1]).toBeLessThanOrEqual(2);
});

const DOCUMENT = readFileSync(join(import.meta.dir, "../../docs/json.md"), "utf8");

function described(title: string): string[] {
  const section = DOCUMENT.split(/^##+ /m).find((text) => text.startsWith(`${title}\n`))!;
  return [...section.matchAll(/^\| `([^`]+)` +\|/gm)].map(([, name]) => name!).sort();
}

function pick(value: Record<string, unknown>, names: readonly string[]): object {
  return Object.fromEntries(names.map((name) => [name, value[name]]));
}

/** The names of what is in a value; those of operations are `NAME`. */
function fieldsOf(value: unknown, prefix = ""): string[] {
  if (Array.isArray(value)) return fieldsOf(value[0], `${prefix}[]`);
  if (typeof value !== "object" || value === null) return [prefix];
  const names = Object.entries(value).flatMap(([name, member]) => {
    const shown = prefix.endsWith("byOperation") ? "NAME" : name;
    return fieldsOf(member, prefix === "" ? shown : `${prefix}.${shown}`);
  });
  return [...new Set(names)].sort();
}
