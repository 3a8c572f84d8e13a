// Secrets: one variable or the terminal, nothing in between.

import { describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type BunkerError, isBunkerError } from "../../src/base/errors.ts";
import type { PromptOptions } from "../../src/cli/prompt.ts";
import {
  findSecret,
  type Secret,
  SECRET_VARIABLES,
  withoutSecrets,
} from "../../src/cli/secrets.ts";

interface Outcome {
  readonly secret?: Secret;
  readonly error?: unknown;
  readonly warnings: readonly string[];
  readonly asked: readonly PromptOptions[];
}

async function find(environment: Record<string, string>, confirm = false): Promise<Outcome> {
  const warnings: string[] = [];
  const asked: PromptOptions[] = [];
  const options = {
    confirm,
    warn: (message: string) => void warnings.push(message),
    ask: async (question: PromptOptions) => {
      asked.push(question);
      return "typed";
    },
  };
  try {
    return { secret: await findSecret(environment, options), warnings, asked };
  } catch (error) {
    return { error, warnings, asked };
  }
}

function fileWith(content: string | Uint8Array, mode = 0o600): Disposable & { path: string } {
  const folder = mkdtempSync(join(tmpdir(), "bunker-test-"));
  const path = join(folder, "secret");
  writeFileSync(path, content);
  chmodSync(path, mode);
  return { path, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}

function codeOf({ error }: Outcome): string | undefined {
  return isBunkerError(error) ? error.code : undefined;
}

test("the variable's own text is taken as it is", async () => {
  const { secret } = await find({ BUNKER_PASSPHRASE: " with spaces\n" });
  expect(secret).toEqual({ kind: "passphrase", text: " with spaces\n" });
});

describe("files", () => {
  test.each([
    ["pass word\n", "pass word"],
    ["pass word", "pass word"],
    ["pass word\r\nsecond line\n", "pass word"],
    [" spaces stay \n", " spaces stay "],
  ])("of a passphrase give the first line: %p", async (content, text) => {
    using file = fileWith(content);
    const outcome = await find({ BUNKER_PASSPHRASE_FILE: file.path });
    expect(outcome).toEqual({ secret: { kind: "passphrase", text }, warnings: [], asked: [] });
  });

  test("of a key give the first line", async () => {
    using file = fileWith("key-text\n");
    expect((await find({ BUNKER_KEY_FILE: file.path })).secret).toEqual({
      kind: "key",
      text: "key-text",
    });
  });

  test("of a recovery phrase give the words, from several lines too", async () => {
    using file = fileWith("one two\n three\tfour\n");
    expect((await find({ BUNKER_PHRASE_FILE: file.path })).secret).toEqual({
      kind: "phrase",
      text: "one two three four",
    });
  });

  test.each([0o640, 0o604, 0o620])("open to others (%o) are warned of", async (mode) => {
    using file = fileWith("x\n", mode);
    const { secret, warnings } = await find({ BUNKER_PASSPHRASE_FILE: file.path });
    expect(secret?.text).toBe("x");
    expect(warnings).toEqual([
      `${file.path} holds a secret and is open to other users: chmod 600 it`,
    ]);
  });

  test.each<[string, string | Uint8Array]>([
    ["empty", ""],
    ["an empty first line", "\nx"],
    ["no UTF-8", new Uint8Array([0xff, 0x0a])],
    ["too large", "x".repeat(70_000)],
  ])("that hold no secret are refused: %s", async (_, content) => {
    using file = fileWith(content);
    expect(codeOf(await find({ BUNKER_PASSPHRASE_FILE: file.path }))).toBe("invalid-argument");
  });

  test("that are not there are named", async () => {
    const outcome = await find({ BUNKER_KEY_FILE: "/nonexistent/key" });
    expect(codeOf(outcome)).toBe("not-found");
    expect((outcome.error as BunkerError).subject).toBe("/nonexistent/key");
  });
});

describe("commands", () => {
  test("give the first line of what they say", async () => {
    const command = "printf 'a b\\nsecond\\n'";
    expect((await find({ BUNKER_PASSPHRASE_COMMAND: command })).secret).toEqual({
      kind: "passphrase",
      text: "a b",
    });
  });

  test("get no secret of ours in their environment", async () => {
    const planted = { BUNKER_PASSPHRASE: "old", BUNKER_NEW_PASSPHRASE: "new", BUNKER_STORE: "/s" };
    const before = { ...process.env };
    Object.assign(process.env, planted);
    try {
      const command = `env | grep ^BUNKER_ | sort | tr '\\n' ' '`;
      const { secret } = await find({ BUNKER_PASSPHRASE_COMMAND: command });
      expect(secret?.text).toBe("BUNKER_STORE=/s ");
    } finally {
      for (const name of Object.keys(planted)) delete process.env[name];
      Object.assign(process.env, before);
    }
  });

  test("leave out every variable that has to do with a secret", () => {
    const kept = { PATH: "/bin", BUNKER_STORE: "/s", BUNKER_LABEL: "l", BUNKER_KEYRING: "other" };
    const ours = [...SECRET_VARIABLES, "BUNKER_NEW_PASSPHRASE", "BUNKER_NEW_PASSPHRASE_COMMAND"];
    const environment = { ...kept, ...Object.fromEntries(ours.map((name) => [name, "x"])) };
    expect(withoutSecrets(environment)).toEqual(kept);
  });

  test("that fail are named by their variable: they may hold the secret themselves", async () => {
    const { error } = await find({ BUNKER_PASSPHRASE_COMMAND: "exit 3 # hunter2" });
    expect(String(error)).not.toContain("hunter2");
    expect(String(error)).toContain("BUNKER_PASSPHRASE_COMMAND");
  });

  test("that fail or say nothing give no passphrase", async () => {
    expect(codeOf(await find({ BUNKER_PASSPHRASE_COMMAND: "echo x; exit 3" }))).toBe("io");
    expect(codeOf(await find({ BUNKER_PASSPHRASE_COMMAND: "true" }))).toBe("invalid-argument");
  });
});

describe("the terminal", () => {
  test("is asked where no variable is set, twice for a new passphrase", async () => {
    const { secret, asked } = await find({ HOME: "/h" }, true);
    expect(secret).toEqual({ kind: "passphrase", text: "typed" });
    expect(asked).toHaveLength(1);
    expect(asked[0]!.confirm).toBe(true);
    expect(asked[0]!.hint).toContain("BUNKER_PASSPHRASE_COMMAND");
  });

  test("is not asked where a variable is set", async () => {
    expect((await find({ BUNKER_PASSPHRASE: "x" }, true)).asked).toEqual([]);
  });
});

test("two variables contradict each other", async () => {
  const outcome = await find({ BUNKER_PASSPHRASE: "secret", BUNKER_KEY_FILE: "/k" });
  expect(codeOf(outcome)).toBe("invalid-argument");
  const { message } = outcome.error as BunkerError;
  expect(message).toBe("expected one secret, found BUNKER_PASSPHRASE and BUNKER_KEY_FILE");
});

test("an empty variable is refused, not passed over", async () => {
  const outcome = await find({ BUNKER_PASSPHRASE: "" });
  expect(codeOf(outcome)).toBe("invalid-argument");
  expect(outcome.asked).toEqual([]);
});
