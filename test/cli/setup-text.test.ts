// Setup text: the commands that make a safe bucket and its keys, and what each key may do.

import { describe, expect, test } from "bun:test";

import { KEY_RIGHTS, parseRetention, setupText } from "../../src/cli/setup-text.ts";
import { runHere } from "../support/program.ts";

const PLACE = { kind: "bucket", scheme: "b2", bucket: "my-bucket", prefix: "laptop/" } as const;
const rightsOf = (role: keyof typeof KEY_RIGHTS): string[] => KEY_RIGHTS[role].split(",");

describe("keys", () => {
  test("only the owner's deletes, and only the keeper's sets locks", () => {
    for (const role of ["writer", "keeper", "reader", "owner"] as const) {
      expect(rightsOf(role).includes("deleteFiles")).toBe(role === "owner");
      expect(rightsOf(role).includes("writeFileRetentions")).toBe(role === "keeper");
      expect(rightsOf(role).includes("writeFiles")).toBe(role !== "reader");
    }
  });

  test("none changes the bucket, makes keys, or lifts locks", () => {
    const all = Object.values(KEY_RIGHTS).join(",");
    expect(all).not.toMatch(/writeBucket|writeKeys|bypassGovernance|deleteBuckets/);
  });
});

describe("the text", () => {
  test("names the bucket, its locks, and the prefix of each key", () => {
    const lines = setupText(PLACE, 45).split("\n");
    expect(lines).toContain("b2 bucket create --file-lock-enabled my-bucket allPrivate");
    expect(lines).toContain(
      "b2 bucket update --default-retention-mode compliance " +
        '--default-retention-period "45 days" my-bucket allPrivate',
    );
    const keys = lines.filter((line) => line.startsWith("b2 key create"));
    expect(keys).toHaveLength(4);
    for (const line of keys) expect(line).toContain("--bucket my-bucket --name-prefix laptop/ ");
    expect(lines).toContain("export BUNKER_STORE=b2://my-bucket/laptop");
  });

  test("does not ask for a key that no command uses", () => {
    const lines = setupText(PLACE, 30).split("\n");
    const keeper = lines.findIndex((line) => line.includes("bunker-keeper"));
    expect(lines[keeper - 1]).toEndWith("leave it out.");
  });

  test("has no prefix where there is none, and quotes what the shell would read", () => {
    expect(setupText({ ...PLACE, prefix: "" }, 30)).not.toContain("--name-prefix");
    const odd = setupText({ ...PLACE, prefix: "it's $mine/" }, 30);
    expect(odd).toContain(`--name-prefix 'it'\\''s $mine/'`);
    const words = `for word in ${/--name-prefix (.*) bunker-writer/.exec(odd)![1]!}; do echo "$word"; done`;
    expect(Bun.spawnSync(["bash", "-c", words]).stdout.toString()).toBe("it's $mine/\n");
  });

  test("is no fault for the shell", () => {
    const { exitCode, stderr } = Bun.spawnSync(["bash", "-n"], {
      stdin: Buffer.from(setupText(PLACE, 30)),
    });
    expect({ exitCode, stderr: stderr.toString() }).toEqual({ exitCode: 0, stderr: "" });
  });
});

test("retention is days, not fewer than a week", () => {
  expect(parseRetention(undefined)).toBe(30);
  expect(parseRetention("3000")).toBe(3000);
  for (const text of ["6", "3001", "30d", "", "-7"]) expect(() => parseRetention(text)).toThrow();
});

describe("init --print-setup", () => {
  test("needs nothing and asks nothing; each time it thinks of another bucket", async () => {
    const [one, two] = [
      await runHere(["init", "--print-setup"], {}),
      await runHere(["init", "--print-setup"], {}),
    ];
    expect(one).toMatchObject({ status: 0, stderr: "" });
    expect(one.stdout).toMatch(/^export BUNKER_STORE=b2:\/\/bunker-[0-9a-f]{10}\/main$/m);
    expect(one.stdout).not.toBe(two.stdout);
  });

  test("is for B2, and --retention is for it", async () => {
    const setup = ["init", "--print-setup"];
    const named = await runHere([...setup, "--store", "b2://my-bucket", "--retention", "60"], {});
    expect(named.stdout).toContain('"60 days" my-bucket');
    for (const store of ["/mnt/disk", "s3://my-bucket"]) {
      expect((await runHere([...setup, "--store", store], {})).status).toBe(2);
    }
    expect((await runHere(["init", "--store", "/x", "--retention", "60"], {})).status).toBe(2);
  });
});
