// What must not be taken in, and what must not get out: settings of the working folder, the
// passphrase, the recovery phrase.

import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, lstatSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

import {
  BINARY,
  BY_PASSPHRASE,
  emptyPlace,
  PASSPHRASE,
  type Place,
  placeWithStore,
} from "../support/bunker.ts";
import { converse } from "../support/terminal.ts";

/** All bytes of all files below a folder. */
function bytesBelow(folder: string): Buffer {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
  return Buffer.concat(files.map((path) => readFileSync(path)));
}

function plantSettings(place: Place): void {
  place.write("evil.ts", `require("node:fs").writeFileSync("evil-was-here", "");`);
  place.write("bunfig.toml", `preload = ["./evil.ts"]\n`);
  place.write(".env", "BUNKER_STORE=elsewhere\nBUNKER_PHRASE_FILE=elsewhere\n");
}

test("settings of the working folder are not loaded", () => {
  using place = placeWithStore();
  plantSettings(place);
  const unnamed = { BUNKER_STORE: undefined };
  expect(place.execute([BINARY, "snapshots"], unnamed)).toMatchObject({
    stderr: expect.stringContaining("no store is named") as string,
    status: 2,
  });
  expect(place.execute([BINARY, "backup", ".", "--lanes", "2"]).status).toBe(0);
  expect(existsSync(place.at("work/evil-was-here"))).toBe(false);
});

test("the trap is one: a plain runtime walks into it", () => {
  using place = emptyPlace();
  plantSettings(place);
  place.write("main.ts", "");
  expect(place.execute([process.execPath, "main.ts"]).status).toBe(0);
  expect(existsSync(place.at("work/evil-was-here"))).toBe(true);
});

describe("the passphrase", () => {
  test("is in no output and no file", () => {
    using place = emptyPlace();
    place.write("things/a");
    const outputs: string[] = [];
    for (const words of [
      ["init"],
      ["backup", "things", "--json"],
      ["snapshots", "--json"],
      ["check", "--json", "--read-data"],
      ["key", "list", "--json"],
      ["restore", "latest", "--to", "copy"],
      ["ls", "nothing"],
    ]) {
      const { stdout, stderr } = place.run(words, BY_PASSPHRASE);
      outputs.push(stdout, stderr);
    }
    expect(outputs.join("")).not.toContain(PASSPHRASE);
    expect(bytesBelow(place.at()).includes(PASSPHRASE)).toBe(false);
    expect(bytesBelow(place.at()).includes("store")).toBe(true);
  });

  test("comes from a file, a command, or a pipe, without its line end", () => {
    using place = emptyPlace();
    place.lines(["init"], BY_PASSPHRASE);
    const file = place.write("secret", `${PASSPHRASE}\r\nmore\n`);
    chmodSync(file, 0o600);
    const none = { BUNKER_PHRASE_FILE: undefined };
    place.lines(["snapshots"], { ...none, BUNKER_PASSPHRASE_FILE: "secret" });
    place.lines(["snapshots"], { ...none, BUNKER_PASSPHRASE_COMMAND: "cat secret" });
    const piped = `BUNKER_PASSPHRASE_FILE=<(cat secret)`;
    expect(place.shell(`env ${piped} $BUNKER snapshots`, none).status).toBe(0);
    chmodSync(file, 0o644);
    const { stderr } = place.run(["snapshots"], { ...none, BUNKER_PASSPHRASE_FILE: "secret" });
    expect(stderr).toContain("bunker: warning: secret holds a secret and is open to other users");
  });

  test("is in no message where it opens nothing, nor is a key or a phrase", () => {
    using place = placeWithStore();
    const words = `hunter2 ${"hunter2 ".repeat(22)}hunter2`;
    const cases: [variable: string, text: string][] = [
      ["BUNKER_PASSPHRASE", "hunter2"],
      ["BUNKER_PASSPHRASE_FILE", "hunter2"],
      ["BUNKER_PASSPHRASE_COMMAND", "exit 3 # hunter2"],
    ];
    for (const text of ["hunter2", words, "bunker-key-owner1hunter2", `x${words}`]) {
      cases.push(["BUNKER_KEY_FILE", text], ["BUNKER_PHRASE_FILE", text]);
    }
    for (const [variable, text] of cases) {
      const isFile = variable.endsWith("_FILE");
      if (isFile) chmodSync(place.write("secret", `${text}\n`), 0o600);
      const given = { BUNKER_PHRASE_FILE: undefined, [variable]: isFile ? "secret" : text };
      const found = place.run(["snapshots", "--json"], given);
      expect(found.stdout + found.stderr).not.toContain("hunter");
      expect(found.stderr).toStartWith("bunker: error: ");
      expect([1, 12]).toContain(found.status);
    }
  });

  test("is not handed on to the command that gives another one", () => {
    using place = emptyPlace();
    place.lines(["init"], BY_PASSPHRASE);
    const command = "env >seen; echo new";
    place.lines(["key", "add"], { ...BY_PASSPHRASE, BUNKER_NEW_PASSPHRASE_COMMAND: command });
    expect(place.read("work/seen")).toContain("BUNKER_STORE=");
    expect(place.read("work/seen")).not.toContain("PASSPHRASE");
    place.lines(["snapshots"], { ...BY_PASSPHRASE, BUNKER_PASSPHRASE: "new" });
  });

  test("is no argument of any command", () => {
    using place = emptyPlace();
    for (const words of [["init"], ["backup", "."], ["key", "add"]]) {
      const found = place.run([...words, "--passphrase", PASSPHRASE]);
      expect(found.stderr).toContain("unknown option --passphrase");
      expect(found.stderr).not.toContain(PASSPHRASE);
      expect(found.status).toBe(2);
    }
  });
});

describe("the recovery phrase", () => {
  const SHOWN = /(?: ?\d+\. [a-z]+ +){4}/;

  test("is not shown without a terminal, and init says how to get it", () => {
    using place = emptyPlace();
    const { stdout, stderr, status } = place.run(["init", "--json"], BY_PASSPHRASE);
    expect(stderr).toContain(
      "bunker: without a terminal the recovery phrase is not shown\n" +
        "bunker: hint: get it with: bunker key phrase --phrase-file FILE\n",
    );
    expect(status).toBe(0);
    place.lines(["key", "phrase", "--phrase-file", "phrase.txt"], BY_PASSPHRASE);
    const phrase = place.read("work/phrase.txt").trim();
    expect(phrase).toMatch(/^(?:[a-z]+ ){23}[a-z]+$/);
    for (const text of [stdout, stderr]) expect(text).not.toContain(phrase.slice(0, 20));
    expect(bytesBelow(place.at("store")).includes(phrase.slice(0, 20))).toBe(false);
    expect(bytesBelow(place.at("home")).includes(phrase.slice(0, 20))).toBe(false);
    const opened = { BUNKER_PHRASE_FILE: "phrase.txt" };
    place.lines(["snapshots"], opened);
  });

  test("a store among other files: init names them and leaves them alone", () => {
    using place = emptyPlace();
    place.write("there/letter");
    place.write("there/more/a");
    const store = { ...BY_PASSPHRASE, BUNKER_STORE: "there" };
    const { stderr, status } = place.run(["init"], store);
    expect(stderr).toMatch(/^bunker: \S+there is not empty \((letter|more) and 1 more\): /);
    expect(status).toBe(0);
    expect(place.read("work/there/letter")).toBe("there/letter");
  });

  test("goes to a new file of one's own, made before the store", () => {
    using place = emptyPlace();
    place.write("there");
    const refused = place.run(["init", "--phrase-file", "there"], BY_PASSPHRASE);
    expect(refused.stderr).toStartWith("bunker: error: there is there already\n");
    expect(refused.status).toBe(1);
    expect(place.read("work/there")).toBe("there");
    expect(existsSync(place.at("store/keys"))).toBe(false);
    place.lines(["init", "--phrase-file", "new"], BY_PASSPHRASE);
    expect(lstatSync(place.at("work/new")).mode & 0o777).toBe(0o600);
  });

  describe.skipIf(Bun.which("setsid") === null)("on a terminal", () => {
    const wordAt = (shown: string, position: string): string =>
      new RegExp(`(?:^|\\s)${position}\\. ([a-z]+)`).exec(shown)![1]!;

    test("is shown once, past stdout, and two words are asked for", async () => {
      using place = emptyPlace();
      const { shown, status } = await converse(
        `"$BUNKER" init >out; status=$?`,
        [
          ["new passphrase: ", `${PASSPHRASE}\r`],
          ["new passphrase again: ", `${PASSPHRASE}\r`],
          [/word \d+ of the phrase: /, "wrong\r"],
          ["that is another word", ""],
          [/word (\d+) of the phrase: /, answer],
          [/word (\d+) of the phrase: /, answer],
        ],
        { environment: environmentOf(place), cwd: place.at("work") },
      );
      expect(shown).toMatch(SHOWN);
      expect(shown.match(/ 1\. /g)).toHaveLength(1);
      expect(shown).not.toContain(PASSPHRASE);
      expect(place.read("work/out")).toMatch(/^made store [0-9a-f]{10} at [^\n]+\n$/);
      expect(status).toBe(0);
      expect(place.run(["snapshots"], BY_PASSPHRASE).status).toBe(0);

      function answer(text: string): string {
        const position = [...text.matchAll(/word (\d+) of the phrase: /g)].at(-1)![1]!;
        return `${wordAt(text, position)}\r`;
      }
    });

    test("an empty answer is a wrong word, and whoever gives up hears that the store is made", async () => {
      using place = emptyPlace();
      const { shown, status } = await converse(
        `"$BUNKER" init >out; status=$?`,
        [
          ["new passphrase: ", `${PASSPHRASE}\r`],
          ["new passphrase again: ", `${PASSPHRASE}\r`],
          [/word \d+ of the phrase: /, "\r"],
          ["that is another word", ""],
          [/word \d+ of the phrase: /, "\u0003"],
        ],
        { environment: environmentOf(place), cwd: place.at("work") },
      );
      expect(shown).toContain("bunker: error: interrupted");
      expect(shown).toContain("hint: the store is made; get its recovery phrase with: bunker key");
      expect(status).toBe(130);
      place.lines(["key", "phrase", "--phrase-file", "phrase"], BY_PASSPHRASE);
    });

    test("so does whoever ends it by a signal", async () => {
      using place = emptyPlace();
      const { shown, status } = await converse(
        `bash -c 'echo "pid $$."; exec "$BUNKER" init >out'; status=$?`,
        [
          ["new passphrase: ", `${PASSPHRASE}\r`],
          ["new passphrase again: ", `${PASSPHRASE}\r`],
          [
            /word \d+ of the phrase: /,
            (text) => void process.kill(Number(/pid (\d+)/.exec(text)![1]), "SIGTERM"),
          ],
        ],
        { environment: environmentOf(place), cwd: place.at("work") },
      );
      expect(shown).toContain("hint: the store is made; get its recovery phrase with: bunker key");
      expect(status).toBe(130);
    });

    test("a mistyped passphrase is asked for again, three times in all", async () => {
      using place = emptyPlace();
      place.lines(["init"], BY_PASSPHRASE);
      const run = (...typed: string[]) =>
        converse(
          `"$BUNKER" snapshots >out; status=$?`,
          typed.map((text) => ["passphrase: ", `${text}\r`] as const),
          { environment: environmentOf(place), cwd: place.at("work") },
        );
      const found = await run("wrong", PASSPHRASE);
      expect(found.shown.match(/please try again/g)).toHaveLength(1);
      expect(found.status).toBe(0);
      const refused = await run("one", "two", "three");
      expect(refused.shown).toContain("error: the passphrase opens no key slot of this store");
      expect(refused.status).toBe(12);
    });

    test("can be shown again by its owner", async () => {
      using place = placeWithStore();
      const first = place.read("phrase").split(" ")[0]!;
      const { shown, status } = await converse(`"$BUNKER" key phrase >out; status=$?`, [], {
        environment: { ...environmentOf(place), BUNKER_PHRASE_FILE: place.at("phrase") },
        cwd: place.at("work"),
      });
      expect(shown).toMatch(SHOWN);
      expect(wordAt(shown, "1")).toBe(first);
      expect(place.read("work/out")).toBe("");
      expect(status).toBe(0);
    });

    test("a backup asks for the passphrase and shows its progress past stdout", async () => {
      using place = emptyPlace();
      place.lines(["init"], BY_PASSPHRASE);
      place.write("things/a", new Uint8Array(3_000_000));
      const { shown, status } = await converse(
        `"$BUNKER" backup things >out; status=$?`,
        [["passphrase: ", `${PASSPHRASE}\r`]],
        { environment: environmentOf(place), cwd: place.at("work") },
      );
      expect(shown).toStartWith("passphrase: \r\n");
      expect(shown).not.toContain("error");
      expect(place.read("work/out")).toMatch(/^snapshot [^\n\r]+\n$/);
      expect(status).toBe(0);
    });
  });

  function environmentOf(place: Place): Record<string, string | undefined> {
    return { ...place.environment, BUNKER_PHRASE_FILE: undefined, BUNKER: BINARY };
  }
});
