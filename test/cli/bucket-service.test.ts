// Where a bucket is asked for and by which key: in which order the places are asked, and that no
// half of one key is taken with the other half of another.

import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { serviceOf } from "../../src/cli/bucket-service.ts";
import { parseStoreLocation, type BucketLocation } from "../../src/cli/store-location.ts";
import { checkSettings } from "../../src/cli/store-settings.ts";
import { failureOf } from "../support/failure.ts";
import { tempDir } from "../support/temp.ts";

const B2_KEY = { B2_APPLICATION_KEY_ID: "b2-id", B2_APPLICATION_KEY: "b2-secret" };
const AWS_KEY = { AWS_ACCESS_KEY_ID: "aws-id", AWS_SECRET_ACCESS_KEY: "aws/secret" };
const B2_REGION = "us-west-004";

class Machine implements Disposable {
  readonly #folder = tempDir();
  readonly warnings: string[] = [];
  readonly home = this.#folder.path;

  write(name: string, text: string, mode = 0o600): string {
    const path = join(this.home, name);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, text);
    chmodSync(path, mode);
    return path;
  }

  find(
    location: string,
    environment: Record<string, string> = {},
    settings?: Record<string, string>,
  ) {
    const parsed = parseStoreLocation(location) as BucketLocation;
    const named =
      settings === undefined ? undefined : checkSettings("a", { location, ...settings }, "config");
    return serviceOf(parsed, {
      environment: { HOME: this.home, ...environment },
      warn: (message) => void this.warnings.push(message),
      ...(named === undefined ? {} : { values: named.values }),
    });
  }

  /** The message and the hint of a refusal. */
  async refusal(...what: Parameters<Machine["find"]>): Promise<string> {
    const error = (await failureOf(this.find(...what))) as {
      code: string;
      message: string;
      hint?: string;
    };
    return [error.code, error.message, error.hint ?? ""].join("; ");
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}

const B2 = "b2://my-bucket/prefix";
const S3 = "s3://my-bucket/prefix";

describe("the key", () => {
  test("of b2://: the store's own, then B2's variables, then those of AWS, then its files", async () => {
    using machine = new Machine();
    machine.write(".aws/credentials", ini("default", "file-id", "file-secret"));
    const region = { B2_REGION };
    const own = { "key-id": "own-id", key: "own-secret", region: "eu-central-003" };
    const keyOf = async (...rest: [Record<string, string>, Record<string, string>?]) =>
      (await machine.find(B2, ...rest)).credentials;
    const all = { ...region, ...B2_KEY, ...AWS_KEY, AWS_SESSION_TOKEN: "token" };
    expect(await keyOf(all, own)).toEqual({ keyId: "own-id", secret: "own-secret" });
    expect(await keyOf(all)).toEqual({ keyId: "b2-id", secret: "b2-secret" });
    expect(await keyOf({ ...region, ...AWS_KEY, AWS_SESSION_TOKEN: "token" })).toEqual({
      keyId: "aws-id",
      secret: "aws/secret",
      sessionToken: "token",
    });
    expect(await keyOf(region)).toEqual({ keyId: "file-id", secret: "file-secret" });
  });

  test("of s3:// is never one of B2's variables", async () => {
    using machine = new Machine();
    const AWS_REGION = "eu-central-1";
    expect((await machine.find(S3, { ...B2_KEY, ...AWS_KEY, AWS_REGION })).credentials.keyId).toBe(
      "aws-id",
    );
    expect(await machine.refusal(S3, { ...B2_KEY, AWS_REGION })).toContain(
      "there is no key for the bucket; set AWS_ACCESS_KEY_ID",
    );
  });

  test("that is half there is told, and not made whole from elsewhere", async () => {
    using machine = new Machine();
    for (const [name, other] of [
      ["B2_APPLICATION_KEY_ID", "B2_APPLICATION_KEY"],
      ["AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"],
    ] as const) {
      const half = { ...(name.startsWith("B2") ? AWS_KEY : {}), [name]: "hunter2", B2_REGION };
      if (name.startsWith("AWS")) Object.assign(half, { [other]: "" });
      const text = await machine.refusal(B2, half);
      expect(text).toContain(`invalid-argument; ${name} is set, and ${other} is not`);
      expect(text).not.toContain("hunter");
    }
  });

  test("from a file of its own: its first line; refused where everybody can read it", async () => {
    using machine = new Machine();
    const path = machine.write("key", " hunter2 \r\nmore\n");
    const settings = { "key-id": "own-id", "key-file": path, region: B2_REGION };
    expect((await machine.find(B2, {}, settings)).credentials.secret).toBe("hunter2");
    const atHome = { ...settings, "key-file": "~/key" };
    expect((await machine.find(B2, {}, atHome)).credentials.secret).toBe("hunter2");
    chmodSync(path, 0o640);
    await machine.find(B2, {}, settings);
    expect(machine.warnings).toHaveLength(1);
    chmodSync(path, 0o604);
    const text = await machine.refusal(B2, {}, settings);
    expect(text).toContain("io; holds a secret and is open to everybody: mode 0604");
    expect(text).not.toContain("hunter");
  });

  test("from a command, which is not repeated where it fails", async () => {
    using machine = new Machine();
    const settings = { "key-id": "own-id", region: B2_REGION };
    const good = { ...settings, "key-command": "echo hunter2" };
    expect((await machine.find(B2, {}, good)).credentials.secret).toBe("hunter2");
    const bad = { ...settings, "key-command": "exit 3 # hunter2" };
    expect(await machine.refusal(B2, {}, bad)).toBe(
      "io; expected status 0 of the store's key-command, found 3; ",
    );
  });

  test("with a blank in it is refused, not shown", async () => {
    using machine = new Machine();
    for (const key of ["hunter2 hunter3", "hunter2\n", "hünter2"]) {
      const text = await machine.refusal(B2, { ...B2_KEY, B2_APPLICATION_KEY: key, B2_REGION });
      expect(text).toContain("found other characters");
      expect(text).not.toMatch(/h[uü]nter/);
    }
  });
});

describe("the files of AWS", () => {
  test("a profile by name, from both files, with its region and its service's endpoint", async () => {
    using machine = new Machine();
    machine.write(".aws/credentials", `# keys\n${ini("work", "work-id", "work#secret")}`);
    machine.write(
      ".aws/config",
      `[default]\nregion = us-east-1\n
[profile work]\nregion=eu-west-1 ; here\nservices = mine\n
[services mine]\ndynamodb =\n  endpoint_url = http://localhost:1\ns3 =\n  endpoint_url = https://s3.example.com\n`,
    );
    const found = await machine.find(S3, { AWS_PROFILE: "work" });
    expect(found).toEqual({
      endpoint: "https://s3.example.com",
      region: "eu-west-1",
      credentials: { keyId: "work-id", secret: "work#secret" },
    });
    expect(await machine.find(S3, {}, { profile: "work" })).toEqual(found);
    expect(await machine.refusal(S3, { AWS_PROFILE: "other" })).toContain(
      "there is no AWS profile other",
    );
    expect(await machine.refusal(S3, {})).toContain("there is no key for the bucket");
  });

  test("the region of a profile goes with the keys of the environment", async () => {
    using machine = new Machine();
    machine.write(
      ".aws/config",
      "[default]\nregion = eu-north-1\ncredential_process = /bin/false\n",
    );
    expect((await machine.find(S3, AWS_KEY)).endpoint).toBe("https://s3.eu-north-1.amazonaws.com");
  });

  test("that stand elsewhere", async () => {
    using machine = new Machine();
    const path = machine.write("elsewhere", ini("default", "file-id", "file-secret"), 0o644);
    const environment = { AWS_SHARED_CREDENTIALS_FILE: path, AWS_REGION: "eu-north-1" };
    expect((await machine.find(S3, environment)).credentials.keyId).toBe("file-id");
    expect(machine.warnings).toEqual([
      `${path} holds a secret and is open to other users: chmod 600 it`,
    ]);
  });

  test.each(["credential_process", "sso_session", "role_arn", "web_identity_token_file"])(
    "a profile that gets its keys by %s is refused by name",
    async (key) => {
      using machine = new Machine();
      machine.write(".aws/config", `[profile p]\n${key} = hunter2\n`);
      const text = await machine.refusal(S3, { AWS_PROFILE: "p" });
      expect(text).toContain(`AWS profile p gets its keys by ${key}`);
      expect(text).not.toContain("hunter");
    },
  );
});

describe("the place of b2://", () => {
  const placeOf = async (
    machine: Machine,
    ...rest: [Record<string, string>, Record<string, string>?]
  ) => {
    const { endpoint, region } = await machine.find(B2, ...rest);
    return `${endpoint} ${region}`;
  };

  test("is by the region", async () => {
    using machine = new Machine();
    const expected = "https://s3.us-west-004.backblazeb2.com us-west-004";
    expect(await placeOf(machine, { ...B2_KEY, B2_REGION })).toBe(expected);
    expect(
      await placeOf(machine, { ...B2_KEY, B2_REGION: "eu-central-003" }, { region: B2_REGION }),
    ).toBe(expected);
    const byHost = {
      ...B2_KEY,
      B2_ENDPOINT_URL: "s3.us-west-004.backblazeb2.com",
      B2_REGION: "x-y-001",
    };
    expect(await placeOf(machine, byHost)).toBe(expected);
    const ofAws = { ...AWS_KEY, AWS_ENDPOINT_URL: "https://s3.us-west-004.backblazeb2.com/" };
    expect(await placeOf(machine, ofAws)).toBe(expected);
    expect(await placeOf(machine, { ...AWS_KEY, AWS_REGION: B2_REGION })).toBe(expected);
  });

  test("is not by what is set for AWS", async () => {
    using machine = new Machine();
    const aws = { AWS_REGION: "us-east-1", AWS_ENDPOINT_URL: "http://localhost:9000" };
    for (const environment of [
      { ...AWS_KEY, ...aws },
      { ...B2_KEY, ...aws, AWS_REGION: B2_REGION },
    ]) {
      const text = await machine.refusal(B2, environment);
      expect(text).toContain("the region of the bucket is not known; set B2_REGION");
    }
  });

  test("on this machine, for tests", async () => {
    using machine = new Machine();
    const local = { ...B2_KEY, B2_ENDPOINT_URL: "http://127.0.0.1:4567", B2_REGION };
    expect(await placeOf(machine, local)).toBe("http://127.0.0.1:4567 us-west-004");
  });

  test.each(["s3.us-west-004.backblazeb2.com", "US-WEST", "us_west", "", "-a"])(
    "a region that is none: %j",
    async (region) => {
      using machine = new Machine();
      const text = await machine.refusal(B2, { ...B2_KEY, B2_REGION: region });
      expect(text).toContain(region === "" ? "is not known" : "B2_REGION: expected a region as");
    },
  );
});

describe("the place of s3://", () => {
  const AWS_REGION = "eu-central-1";

  test.each([
    [{ AWS_REGION }, "https://s3.eu-central-1.amazonaws.com", AWS_REGION],
    [{ AWS_DEFAULT_REGION: "cn-north-1" }, "https://s3.cn-north-1.amazonaws.com.cn", "cn-north-1"],
    [
      { AWS_ENDPOINT_URL: "https://minio.example.com:9000/" },
      "https://minio.example.com:9000",
      "us-east-1",
    ],
    [
      {
        AWS_ENDPOINT_URL: "https://one.example.com",
        AWS_ENDPOINT_URL_S3: "https://two.example.com",
        AWS_REGION,
      },
      "https://two.example.com",
      AWS_REGION,
    ],
    [
      {
        AWS_ENDPOINT_URL: "https://one.example.com",
        AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: "true",
        AWS_REGION,
      },
      "https://s3.eu-central-1.amazonaws.com",
      AWS_REGION,
    ],
    [
      { AWS_ENDPOINT_URL: "https://s3.us-west-004.backblazeb2.com", AWS_REGION },
      "https://s3.us-west-004.backblazeb2.com",
      "us-west-004",
    ],
    [
      { AWS_ENDPOINT_URL: "https://s3.us-west-2.amazonaws.com" },
      "https://s3.us-west-2.amazonaws.com",
      "us-west-2",
    ],
    [{ AWS_ENDPOINT_URL: "http://127.9.9.9:80" }, "http://127.9.9.9", "us-east-1"],
    [{ AWS_ENDPOINT_URL: "http://[::1]:9000" }, "http://[::1]:9000", "us-east-1"],
    [{ AWS_ENDPOINT_URL: "http://localhost:9000" }, "http://localhost:9000", "us-east-1"],
  ])("%j", async (environment, endpoint, region) => {
    using machine = new Machine();
    const found = await machine.find(S3, {
      ...AWS_KEY,
      ...(environment as Record<string, string>),
    });
    expect([found.endpoint, found.region]).toEqual([endpoint, region]);
  });

  test("the store's own settings go first", async () => {
    using machine = new Machine();
    const environment = { ...AWS_KEY, AWS_ENDPOINT_URL: "https://one.example.com", AWS_REGION };
    const settings = { endpoint: "https://own.example.com", region: "own-1" };
    const { endpoint, region } = await machine.find(S3, environment, settings);
    expect([endpoint, region]).toEqual(["https://own.example.com", "own-1"]);
  });

  test.each([
    ["http://s3.example.com", "expected https://, found http:// at s3.example.com"],
    ["http://127.0.0.1.example.com", "expected https://"],
    ["http://localhost.example.com", "expected https://"],
    ["ftp://localhost", "expected https://"],
    ["https://hunter1:hunter2@s3.example.com", "expected an address as https://HOST"],
    ["https://s3.example.com?key=hunter2", "expected an address as https://HOST"],
    ["https://s3.example.com/my-bucket", "expected an address without a path"],
    ["https://s3.example.com#hunter2", "expected an address without a path"],
    ["https://", "expected an address as https://HOST"],
    ["a b", "expected an address as https://HOST"],
    ["https://my-bucket.s3.us-west-004.backblazeb2.com", "expected the address of the service"],
  ])("an endpoint that is none: %j", async (endpoint, message) => {
    using machine = new Machine();
    const text = await machine.refusal(S3, { ...AWS_KEY, AWS_ENDPOINT_URL: endpoint });
    expect(text).toContain(`invalid-argument; AWS_ENDPOINT_URL: ${message}`);
    expect(text).not.toContain("hunter");
  });

  test("without a region there is none", async () => {
    using machine = new Machine();
    expect(await machine.refusal(S3, AWS_KEY)).toContain("set AWS_REGION, or AWS_ENDPOINT_URL");
  });
});

describe("certificates", () => {
  const PEM = "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n";

  test("from the store's setting, else AWS_CA_BUNDLE, else the profile", async () => {
    using machine = new Machine();
    const given = { ...AWS_KEY, AWS_REGION: "eu-central-1" };
    const one = machine.write("one", `one ${PEM}`);
    const two = machine.write("two", `two ${PEM}`);
    machine.write(
      ".aws/config",
      `[default]\nca_bundle = ${machine.write("three", `three ${PEM}`)}\n`,
    );
    const found = async (...rest: [Record<string, string>, Record<string, string>?]) =>
      (await machine.find(S3, ...rest)).caPem?.split(" ", 1)[0];
    expect(await found({ ...given, AWS_CA_BUNDLE: two }, { ca: one })).toBe("one");
    expect(await found({ ...given, AWS_CA_BUNDLE: two })).toBe("two");
    expect(await found(given)).toBe("three");
  });

  test("that are none, or not there, are told", async () => {
    using machine = new Machine();
    const given = { ...B2_KEY, B2_REGION };
    const path = machine.write("none", "no certificate");
    const text = await machine.refusal(B2, { ...given, AWS_CA_BUNDLE: path });
    expect(text).toContain("expected certificates in PEM");
    expect(await machine.refusal(B2, { ...given, AWS_CA_BUNDLE: "/nonexistent" })).toStartWith(
      "not-found; cannot read the file with certificates",
    );
  });
});

function ini(name: string, id: string, secret: string): string {
  return `[${name}]\naws_access_key_id = ${id}\naws_secret_access_key=${secret}\n`;
}
