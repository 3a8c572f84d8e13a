// A store in a bucket, from the command line: how it is named and opened, and that the bucket's key
// is in no output, no file and no object.

import { describe, expect, test } from "bun:test";
import { chmodSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

import { KEY_RIGHTS } from "../../src/cli/setup-text.ts";
import { Emulator } from "../b2/emulator.ts";
import type { Capability } from "../b2/keys.ts";
import {
  BY_PASSPHRASE,
  type Environment,
  emptyPlace,
  type Outcome,
  PASSPHRASE,
  type Place,
} from "../support/bunker.ts";

const BUCKET = "my-bucket";
const STORE = `b2://${BUCKET}/laptop`;
const CONFIG = "home/.config/bunker/config.toml";
const NO_KEY = { B2_APPLICATION_KEY_ID: undefined, B2_APPLICATION_KEY: undefined };

class Remote implements AsyncDisposable {
  readonly place: Place = emptyPlace();
  readonly b2: Emulator;
  readonly key: { readonly keyId: string; readonly secret: string };

  private constructor(b2: Emulator) {
    this.b2 = b2;
    const defaultRetention = { mode: "compliance", days: 30 } as const;
    b2.createBucket(BUCKET, { lock: true, defaultRetention });
    this.key = b2.createKey({ bucket: BUCKET });
  }

  static async start(): Promise<Remote> {
    return new Remote(await Emulator.start());
  }

  get environment(): Environment {
    return {
      ...BY_PASSPHRASE,
      BUNKER_STORE: STORE,
      B2_APPLICATION_KEY_ID: this.key.keyId,
      B2_APPLICATION_KEY: this.key.secret,
      B2_REGION: this.b2.region,
      B2_ENDPOINT_URL: this.b2.endpoint,
    };
  }

  /** The emulator is in this process, which must not stand still meanwhile. */
  async run(words: readonly string[], changes: Environment = {}): Promise<Outcome> {
    const child = this.place.start(words, { ...this.environment, ...changes });
    const texts = [child.stdout, child.stderr].map((stream) => new Response(stream).text());
    const [stdout = "", stderr = ""] = await Promise.all(texts);
    return { stdout, stderr, status: await child.exited };
  }

  async lines(words: readonly string[], changes: Environment = {}): Promise<string[]> {
    const { stdout, stderr, status } = await this.run(words, changes);
    if (status !== 0) throw new Error(`bunker ${words.join(" ")}: status ${status}\n${stderr}`);
    return stdout.split("\n").slice(0, -1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.place[Symbol.dispose]();
    await this.b2.stop();
  }
}

describe("a store in a bucket", () => {
  test("is made, filled and read, and called by its address", async () => {
    await using remote = await Remote.start();
    const { place } = remote;
    const [made] = await remote.lines(["init", "--json"]);
    expect(JSON.parse(made!)).toMatchObject({ location: STORE });
    place.write("things/a", "content");
    await remote.lines(["backup", "things"]);
    await remote.lines(["restore", "latest", "--to", "copy"]);
    expect(place.read("work/copy/a")).toBe("content");
    expect(
      Object.keys(JSON.parse(place.read("home/.local/state/bunker/known.json")) as object),
    ).toEqual([STORE]);
    const keys = remote.b2.keysOf(BUCKET);
    expect(keys.length).toBeGreaterThan(3);
    expect(keys.filter((key) => !key.startsWith("laptop/"))).toEqual([]);
    // Nothing of an address becomes a folder here, and a name like it is no store.
    expect(readdirSync(place.at("work")).sort()).toEqual(["copy", "things"]);
  });

  test("by a name with a key of its own, whose id the first use notes", async () => {
    await using remote = await Remote.start();
    const { place, b2, key } = remote;
    chmodSync(place.write("key", `${key.secret}\n`), 0o600);
    const words = `--key-id ${key.keyId} --key-file key --region ${b2.region} --endpoint ${b2.endpoint}`;
    place.lines(["store", "add", "home", STORE, ...words.split(" "), "--limit-requests", "1000"]);
    const named = {
      ...NO_KEY,
      B2_REGION: undefined,
      B2_ENDPOINT_URL: undefined,
      BUNKER_STORE: "@home",
    };
    const [made] = await remote.lines(["init", "--json"], named);
    const { storeId, location } = JSON.parse(made!) as Record<string, string>;
    expect(location).toBe(STORE);
    expect(place.read(CONFIG)).toEndWith(`store-id = "${storeId!}"\n`);
    expect(await remote.lines(["snapshots", "--connections", "2"], named)).toEqual([]);
    // The same store by its address, with the key of the environment.
    expect(await remote.lines(["snapshots"])).toEqual([]);
  });

  test("is checked as it is there, and otherwise opened by what this machine knows", async () => {
    await using remote = await Remote.start();
    const { place, b2 } = remote;
    place.write("things/a", "content");
    await remote.lines(["init"]);
    await remote.lines(["backup", "things"]);
    const record = b2.keysOf(BUCKET).find((key) => key.startsWith("laptop/owner/"))!;
    b2.damage(BUCKET, record, (bytes) => bytes.fill(0, 100, 200));
    expect((await remote.run(["snapshots"])).status).toBe(0);
    const { status, stderr } = await remote.run(["check"]);
    expect(stderr).toContain(record.slice("laptop/".length));
    expect(status).toBe(13);
  });

  test("opened by a machine that knows it: at most five requests; ten for an unchanged backup", async () => {
    await using remote = await Remote.start();
    const { place, b2 } = remote;
    place.write("things/a", "content");
    await remote.lines(["init"]);
    await remote.lines(["backup", "things"]);
    await remote.lines(["backup", "things"]); // The day's listing of packs is made by now.
    const count = async (...words: readonly string[]) => {
      b2.requests.length = 0;
      await remote.lines(words);
      return b2.requests.length;
    };
    expect(await count("snapshots")).toBeLessThanOrEqual(5);
    expect(await count("backup", "things")).toBeLessThanOrEqual(10);
    // Two more for each further writer.
    await remote.lines(["backup", "things", "--label", "other"]);
    await remote.lines(["backup", "things"]);
    expect(await count("snapshots")).toBeLessThanOrEqual(7);
    expect(await count("backup", "things")).toBeLessThanOrEqual(12);
  });

  test("takes the backups of several machines at once", async () => {
    await using remote = await Remote.start();
    const { place } = remote;
    place.write("shared/a", "content".repeat(1000));
    await remote.lines(["init"]);
    const labels = ["one", "two", "three"];
    for (const label of labels) place.write(`${label}/own`, label);
    await Promise.all(
      labels.map((label) => {
        const state = { XDG_STATE_HOME: place.at(label, "state") };
        const own = { ...state, XDG_CACHE_HOME: place.at(label, "cache"), BUNKER_LABEL: label };
        return remote.lines(["backup", "shared", label, "--tag", label], own);
      }),
    );
    expect(await remote.lines(["snapshots"])).toHaveLength(3);
    for (const label of labels) {
      await remote.lines(["restore", `latest:${label}`, "--to", `to-${label}`]);
      const whole = place.at("work", label).slice(1);
      expect(place.read(`work/to-${label}/${whole}/own`)).toBe(label);
    }
    await remote.lines(["check", "--read-data"]);
  });

  test("is used with the keys that --print-setup makes, each for its prefix alone", async () => {
    await using remote = await Remote.start();
    const { place, b2 } = remote;
    const asRole = (role: keyof typeof KEY_RIGHTS): Environment => {
      const capabilities = KEY_RIGHTS[role].split(",") as Capability[];
      const { keyId, secret } = b2.createKey({ bucket: BUCKET, prefix: "laptop/", capabilities });
      const state = { XDG_STATE_HOME: place.at(role), XDG_CACHE_HOME: place.at(`${role}-cache`) };
      return { ...state, B2_APPLICATION_KEY_ID: keyId, B2_APPLICATION_KEY: secret };
    };
    const [writer, reader] = [asRole("writer"), asRole("reader")];
    place.write("things/a", "content");
    await remote.lines(["init"], writer);
    await remote.lines(["store", "test"], writer);
    await remote.lines(["backup", "things"], writer);
    for (const words of [["snapshots"], ["ls", "latest"], ["check", "--read-data"], ["stats"]]) {
      expect(await remote.lines(words, reader)).not.toEqual([]);
    }
    await remote.lines(["restore", "latest", "--to", "copy"], reader);
    expect(place.read("work/copy/a")).toBe("content");
    const refused = await remote.run(["backup", "things", "--label", "other"], reader);
    expect(refused.stderr).toContain("the key may not do this");
    expect(refused.status).toBe(11);
  });

  test("of a service whose names are its own is called with its host", async () => {
    await using remote = await Remote.start();
    const { b2, key } = remote;
    const { stdout } = await remote.run(["init", "--json"], {
      BUNKER_STORE: `s3://${BUCKET}/laptop`,
      AWS_ACCESS_KEY_ID: key.keyId,
      AWS_SECRET_ACCESS_KEY: key.secret,
      AWS_REGION: b2.region,
      AWS_ENDPOINT_URL: b2.endpoint,
    });
    const { host } = new URL(b2.endpoint);
    expect(JSON.parse(stdout)).toMatchObject({ location: `s3://${BUCKET}/laptop (${host})` });
  });

  test("what is missing or wrong is told before anything is sent", async () => {
    await using remote = await Remote.start();
    const cases: [Environment, string][] = [
      [NO_KEY, "there is no key for the bucket"],
      [
        { B2_APPLICATION_KEY: undefined },
        "B2_APPLICATION_KEY_ID is set, and B2_APPLICATION_KEY is not",
      ],
      [
        { B2_ENDPOINT_URL: undefined, B2_REGION: undefined },
        "the region of the bucket is not known",
      ],
      [{ B2_ENDPOINT_URL: "http://192.0.2.1" }, "B2_ENDPOINT_URL: expected https://"],
      [{ BUNKER_STORE: `b2://i:hunter2@${BUCKET}` }, "b2://: expected BUCKET/PREFIX"],
      [{ BUNKER_STORE: `b2:${BUCKET}` }, "expected b2://BUCKET/PREFIX"],
    ];
    for (const [changes, message] of cases) {
      const { stderr, status } = await remote.run(["snapshots"], changes);
      expect(stderr).toContain(`bunker: error: ${message}`);
      expect(stderr).not.toContain("hunter");
      expect(status).toBe(2);
    }
    expect(remote.b2.requests).toEqual([]);
  });

  test("a wrong key is status 11", async () => {
    await using remote = await Remote.start();
    const { stderr, status } = await remote.run(["snapshots"], { B2_APPLICATION_KEY: "hunter2" });
    expect(stderr).toStartWith("bunker: error: ");
    expect(stderr).not.toContain("hunter");
    expect(status).toBe(11);
  });
});

test("the bucket's key is in no output, no file of this machine, and no object", async () => {
  await using remote = await Remote.start();
  const { place, b2, key } = remote;
  const outputs: string[] = [];
  const run = async (words: readonly string[], changes: Environment = {}): Promise<void> => {
    const { stdout, stderr } = await remote.run(words, changes);
    outputs.push(stdout, stderr);
  };
  place.write("things/a", "content");
  await run(["init", "--json"]);
  for (const words of [
    ["backup", "things", "--json"],
    ["snapshots", "--json"],
    ["check", "--json"],
  ]) {
    await run(words);
  }
  await run(["restore", "latest", "--to", "copy"]);
  await run(["backup", "--stdin-name", "seen", "--command", "--", "env"]);
  await run(["snapshots"], { B2_REGION: "eu-central-003" });
  await run(["snapshots"], { B2_APPLICATION_KEY_ID: "other" });
  await run(["snapshots"], { BUNKER_STORE: `b2://other-bucket` });
  await run(["cat", "latest:/seen"]);
  expect(outputs.join("")).toContain("B2_APPLICATION_KEY_ID=");
  expect(outputs.join("")).not.toContain(key.secret);
  for (const path of filesBelow(place.at()))
    expect(readFileSync(path).includes(key.secret)).toBe(false);
  expect(filesBelow(place.at("home")).length).toBeGreaterThan(2);
  expect(b2.requests.length).toBeGreaterThan(10);
  expect(JSON.stringify(b2.requests)).not.toContain(key.secret);
  expect(outputs.join("")).not.toContain(PASSPHRASE);
});

describe("what goes wrong is named, ends with its status, and costs nothing", () => {
  test.each<[string, (remote: Remote) => Environment, string, number]>([
    ["a wrong secret", () => ({ B2_APPLICATION_KEY: "other" }), "signature is not accepted", 11],
    ["an unknown key", () => ({ B2_APPLICATION_KEY_ID: "other" }), "key id is not known", 11],
    ["a wrong region", () => ({ B2_REGION: "eu-central-003" }), "region", 11],
    [
      "no such bucket",
      ({ b2 }) => {
        const { keyId, secret } = b2.createKey();
        return {
          BUNKER_STORE: "b2://other-bucket",
          B2_APPLICATION_KEY_ID: keyId,
          B2_APPLICATION_KEY: secret,
        };
      },
      "there is no such bucket",
      10,
    ],
    ["another prefix", () => ({ BUNKER_STORE: `b2://${BUCKET}/other` }), "there is no store", 10],
    [
      "an expired key",
      ({ b2 }) => {
        const { keyId, secret } = b2.createKey({ bucket: BUCKET, lifetimeMs: 1000 });
        b2.clock.advance(60_000);
        return { B2_APPLICATION_KEY_ID: keyId, B2_APPLICATION_KEY: secret };
      },
      "",
      11,
    ],
    [
      "a clock that is an hour off",
      ({ b2 }) => {
        b2.clock.advance(3_600_000);
        return {};
      },
      "clock",
      11,
    ],
    [
      // The service itself takes fifteen minutes.
      "a clock that is ten minutes off",
      ({ b2 }) => {
        b2.clock.advance(600_000);
        return {};
      },
      "this machine's clock says",
      11,
    ],
    ["nobody there", () => ({ B2_ENDPOINT_URL: "http://127.0.0.1:1" }), "cannot be reached", 1],
  ])("%s", async (_, meddle, expected, status) => {
    await using remote = await Remote.start();
    remote.place.write("things/a", "content");
    await remote.lines(["init"]);
    await remote.lines(["backup", "things"]);
    const before = remote.b2.keysOf(BUCKET).length;
    const outcome = await remote.run(["backup", "things"], meddle(remote));
    expect(outcome.stderr).toContain(expected);
    expect(outcome.stderr).toMatch(/bunker: error: /);
    expect(outcome.status).toBe(status);
    expect(remote.b2.keysOf(BUCKET)).toHaveLength(before);
  });

  test("a proxy that answers HTML for good", async () => {
    await using remote = await Remote.start();
    await remote.lines(["init"]);
    remote.b2.faults.plan({ what: "html", times: 1000, status: 403 });
    const { stderr, status } = await remote.run(["snapshots"]);
    expect(stderr).toContain("something other than an S3 service");
    expect(status).toBe(11);
  });
});

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}
