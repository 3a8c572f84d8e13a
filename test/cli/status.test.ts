// Exit statuses and error messages of the real program: what scripts and people depend on.

import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";

import {
  BINARY,
  BY_PASSPHRASE,
  emptyPlace,
  type Environment,
  type Outcome,
  placeWithStore,
} from "../support/bunker.ts";
import { seededRandom } from "../support/random.ts";
import { converse } from "../support/terminal.ts";

/** One line of error, and at most one of hint; no stack, nothing on stdout. */
function expectError({ stdout, stderr }: Outcome, text: string | RegExp): void {
  expect(stderr).toMatch(
    /^bunker: error: (?:[^A-Z\n]|BUNKER_)[^\n]*[^.\n]\n(bunker: hint: [^\n]+\n)?$/,
  );
  expect(stderr).toMatch(text);
  expect(stdout).toBe("");
}

describe("2, wrong usage", () => {
  const CASES: readonly (readonly [text: string | RegExp, words: string, changes?: Environment])[] =
    [
      ["there is no command frob", "frob"],
      ["there is no command toString", "toString"],
      ["there is no command frob", "help frob"],
      [/there is no command snapshot\n.*did you mean: bunker snapshots\?/, "snapshot"],
      [/unknown option --exclud\n.*did you mean: --exclude\?/, "backup . --exclud=a"],
      ["s3://: expected BUCKET/PREFIX and nothing else", "check --store s3://id:word@host/a"],
      ["expected b2:// or s3://, found sftp://", "init --store sftp://me@host"],
      ["expected a command before options, found --json", "--json version"],
      ["unknown option --frob", "snapshots --frob"],
      ["unknown option -z", "ls -z latest"],
      ["unknown option --read-data", "backup --read-data=5% ."],
      ["option --json does not take an argument", "snapshots --json=yes"],
      ["--tag <value>: expected a value", "backup . --tag"],
      ["expected SOURCE…, found nothing", "backup"],
      ["expected options only, found a b", "snapshots a b"],
      ["expected SNAP[:PATH], found nothing", "ls"],
      ["no store is named", "snapshots", { BUNKER_STORE: undefined }],
      ["no store is named", "snapshots", { BUNKER_STORE: "" }],
      ["where to restore to is not said", "restore latest"],
      ["where to restore to is not said", "restore latest --to="],
      ["a path is empty", "backup ''"],
      ["nope: expected 4 or more digits of a snapshot's id, or latest", "ls nope"],
      ["abc:/x: expected 4 or more digits", "cat abc:/x"],
      ["--lanes: expected 1 to 64, found 0", "backup . --lanes 0"],
      ["--lanes: expected 1 to 64, found 1e9", "restore latest --to x --lanes 1e9"],
      ["--lanes: expected 1 to 64, found two", "backup . --lanes two"],
      ["a tag is not empty", "backup . --tag="],
      ["--exclude '': expected a pattern, but it says nothing", "backup . --exclude="],
      ["--exclude #a: expected a pattern, but it says nothing", "backup . --exclude #a"],
      ["--iexclude [a: expected a pattern, but a [ has no ]", "backup . --iexclude [a"],
      [
        "--exclude ./a: expected a pattern, but no path has . or .. in it",
        "backup . --exclude ./a",
      ],
      ["--include a: expected what it takes in again to be left out", "backup . --include a"],
      [
        "--exclude-file none: expected a file that can be read: no such file or folder",
        "backup . --exclude-file none",
      ],
      [
        "--files-from none: expected a file that can be read: no such file or folder",
        "backup --files-from none",
      ],
      ["--files-from /: expected a file that can be read: it is a folder", "backup --files-from /"],
      ["stdin is named twice", "backup --files-from - --files-from0 -"],
      ["--exclude-larger-than: expected a size", "backup . --exclude-larger-than much"],
      [
        "--exclude-if-present: expected the name of a file, found a/b",
        "backup . --exclude-if-present a/b",
      ],
      ["--force reads every file, and --ignore-inode fewer", "backup . --force --ignore-inode"],
      ["a host's name has 1 to 255 bytes", "backup . --host="],
      ["--dry-run is for files and folders", "backup --stdin --stdin-name a --dry-run"],
      ["a label has 1 to 255 bytes", "backup . --label="],
      ["--read-data: expected 1% to 100%, found 0%", "check --read-data=0%"],
      ["--read-data: expected 1% to 100%, found 101%", "check --read-data=101%"],
      ["--read-data: expected 1% to 100%, found x", "check --read-data=x"],
      [
        "expected options only, found 10%\nbunker: hint: for a share write: --read-data=10%",
        "check --read-data 10%",
      ],
      ["expected options only, found 10%\nbunker: hint: see: bunker check --help", "check 10%"],
      ["expected list|add|remove ID", "key frob"],
      ["expected list|add|remove ID", "key remove"],
      ["expected list|add|remove ID", "key list more"],
      ["--key-file FILE", "key writer web"],
      ["there is no terminal to show the phrase on", "key phrase"],
      [
        "expected one secret, found BUNKER_PASSPHRASE and BUNKER_PHRASE_FILE",
        "snapshots",
        { BUNKER_PASSPHRASE: "x" },
      ],
      [
        "BUNKER_PASSPHRASE is set but empty",
        "snapshots",
        { ...BY_PASSPHRASE, BUNKER_PASSPHRASE: "" },
      ],
      ["a passphrase is needed", "snapshots", { BUNKER_PHRASE_FILE: undefined }],
      ["set one of BUNKER_NEW_PASSPHRASE, BUNKER_NEW_PASSPHRASE_FILE", "key add"],
      ["neither XDG_STATE_HOME nor HOME", "snapshots", { HOME: undefined, XDG_CACHE_HOME: "/x" }],
    ];

  // Of the whole length each: a callback with a parameter too many would wait to be called.
  const whole = CASES.map(([text, words, changes]) => [text, words, changes ?? {}] as const);

  test.each(whole)("%s: bunker %s", (text, words, changes) => {
    using place = placeWithStore();
    const list = words.split(" ").map((word) => (word === "''" ? "" : word));
    const found = place.run(list, changes);
    expectError(found, text instanceof RegExp ? text : new RegExp(escaped(text)));
    expect(found.status).toBe(2);
    expect(readdirSync(place.at("work"))).toEqual([]);
  });

  test("phrases and keys that are none", () => {
    using place = placeWithStore();
    place.write("junk", "all the wrong words\n");
    chmodSync(place.at("work/junk"), 0o600);
    for (const variable of ["BUNKER_PHRASE_FILE", "BUNKER_KEY_FILE"]) {
      const found = place.run(["snapshots"], { BUNKER_PHRASE_FILE: undefined, [variable]: "junk" });
      expectError(found, /expected|phrase|key/);
      expect([2, 12]).toContain(found.status);
    }
  });
});

describe("2, a restore into the store", () => {
  function snapshotOfHome(): ReturnType<typeof placeWithStore> {
    const place = placeWithStore();
    place.write("home/store/keys/planted");
    place.write("home/letter");
    place.lines(["backup", "home"]);
    symlinkSync(place.at("store/packs"), place.at("work/link"));
    mkdirSync(place.at("store/empty"));
    return place;
  }

  test.each([
    "../store",
    "../store/empty",
    "../store/new/folder",
    "link/new",
    "link/../new",
    "nothing/../../store/new",
  ])("%s: nothing is written", (target) => {
    using place = snapshotOfHome();
    const before = readdirSync(place.at("store"), { recursive: true });
    for (const more of [[], ["--overwrite"]]) {
      const found = place.run(["restore", "latest", "--to", target, ...more]);
      expectError(found, `${target}: expected a target outside the store`);
      expect(found.status).toBe(2);
    }
    expect(readdirSync(place.at("store"), { recursive: true })).toEqual(before);
    expect(readdirSync(place.at("work")).sort()).toEqual(["home", "link"]);
  });

  test("from above, where the snapshot has a folder of its name", () => {
    using place = snapshotOfHome();
    const before = readdirSync(place.at("store"), { recursive: true });
    for (const words of [
      ["latest", "--to", ".."],
      ["latest:/store", "latest:/letter", "--to", ".."],
    ]) {
      const found = place.run(["restore", ...words, "--overwrite"]);
      expectError(found, /the snapshot has a folder where the store is/);
      expect(found.status).toBe(2);
    }
    expect(readdirSync(place.at("store"), { recursive: true })).toEqual(before);
    // All else may go there.
    const found = place.run(["restore", "latest:/letter", "--to", "..", "--overwrite"]);
    expect(found).toMatchObject({ status: 0, stderr: "" });
    expect(place.read("letter")).toBe("home/letter");
    place.lines(["restore", "latest:/store", "--to", "..", "--overwrite"]);
    expect(place.read("keys/planted")).toBe("home/store/keys/planted");
  });
});

describe("1, failed", () => {
  test("a second init", () => {
    using place = placeWithStore();
    const found = place.run(["init"], BY_PASSPHRASE);
    expectError(found, /there is a store at \S+ already\n.*choose another place/);
    expect(found.status).toBe(1);
  });

  test("what is not in the store", () => {
    using place = placeWithStore();
    expect(place.run(["ls", "latest"])).toMatchObject({
      status: 1,
      stderr:
        "bunker: error: there is no snapshot in the store\n" +
        "bunker: hint: make one with: bunker backup\n",
    });
    place.write("things/a");
    place.lines(["backup", "things"]);
    for (const [word, text] of [
      ["0000", /no snapshot 0000 is in the store/],
      ["latest:nope", /no snapshot has tag nope/],
      ["latest:/nope", /\/nope is not in the snapshot/],
      ["latest:/a/b", /\/a\/b is not in the snapshot/],
    ] as const) {
      const found = place.run(["restore", word, "--to", "copy"]);
      expectError(found, text);
      expect(found.status).toBe(1);
    }
    expect(readdirSync(place.at("work"))).toEqual(["things"]);
  });

  test("an init that fails leaves no file for the phrase", () => {
    using place = emptyPlace();
    for (const changes of [
      { BUNKER_PHRASE_FILE: undefined },
      { ...BY_PASSPHRASE, BUNKER_PASSPHRASE: "" },
      { ...BY_PASSPHRASE, BUNKER_LABEL: "" },
    ]) {
      expect(place.run(["init", "--phrase-file", "new"], changes).status).toBe(2);
    }
    mkdirSync(place.at("home/.local/state/bunker"), { recursive: true });
    // Its place is taken when the store is all but made.
    place.write("../store/keys");
    expect(place.run(["init", "--phrase-file", "new"], BY_PASSPHRASE).status).not.toBe(0);
    expect(readdirSync(place.at("work"))).toEqual([]);
  });

  test.skipIf(Bun.which("setsid") === null)(
    "an init that is given up leaves none either",
    async () => {
      using place = emptyPlace();
      const environment = { ...place.environment, BUNKER_PHRASE_FILE: undefined, BUNKER: BINARY };
      const options = { environment, cwd: place.at("work") };
      const keys = await converse(
        `"$BUNKER" init --phrase-file new; status=$?`,
        [["new passphrase: ", "\u0003"]],
        options,
      );
      expect(keys.status).toBe(130);
      expect(readdirSync(place.at("work"))).toEqual([]);
      // The signal comes while the file is there.
      const signal = await converse(
        `("$BUNKER" init --phrase-file new & echo $! >../pid; wait $!); status=$?`,
        [["new passphrase: ", () => void process.kill(Number(place.read("pid")), "SIGTERM")]],
        options,
      );
      expect(signal.shown).toContain("bunker: error: interrupted");
      expect(signal.status).toBe(130);
      expect(readdirSync(place.at("work"))).toEqual([]);
    },
  );

  test("a state or a cache that others can write to", () => {
    using place = placeWithStore();
    place.write("things/a");
    place.lines(["backup", "things"]);
    const [id = ""] = readdirSync(place.at("home/.cache/bunker"));
    for (const name of [".local/state/bunker", ".cache/bunker"]) {
      for (const folder of [name, `${name}/${id}`]) {
        chmodSync(place.at("home", folder), 0o777);
        const found = place.run(["backup", "things"]);
        expectError(found, /expected a folder that only its owner can write to, found mode 0777/);
        expect(found.stderr).toContain(`bunker: error: ${place.at("home", folder)}: `);
        expect(found.status).toBe(1);
        chmodSync(place.at("home", folder), 0o700);
      }
    }
    place.lines(["backup", "things"]);
  });

  test("a secret that can't be read", () => {
    using place = placeWithStore();
    const found = place.run(["snapshots"], { BUNKER_PHRASE_FILE: "nothing" });
    expectError(found, /cannot read the file with the secret/);
    expect(found.status).toBe(1);
  });

  test("another run that writes to the same store from here", () => {
    using place = placeWithStore();
    place.write("more/a");
    place.lines(["backup", "more"]);
    const [id] = readdirSync(place.at("home/.local/state/bunker")).filter(
      (name) => name.length === 64,
    );
    const lock = place.at("home/.local/state/bunker", id!, "lock");
    const found = place.shell(`exec 9>>"${lock}"; flock 9; $BUNKER backup more`);
    expectError(found, /another run of bunker is writing to this store from here/);
    expect(found.status).toBe(1);
  });
});

describe("10, no store there", () => {
  test.each([
    ["no folder", "nothing", 10],
    ["an empty folder", ".", 10],
    ["a file", "file", 10],
  ] as const)("%s", (_, location, status) => {
    using place = placeWithStore();
    place.write("file");
    for (const words of [["snapshots"], ["backup", "../phrase"], ["check"], ["key", "list"]]) {
      const found = place.run([...words, "--store", location]);
      expectError(found, /there is no (folder|store)|is not a folder/);
      expect<number>(found.status).toBe(status);
    }
    expect(readdirSync(place.at("work"))).toEqual(["file"]);
  });

  test("is said before a passphrase is asked for", () => {
    using place = emptyPlace();
    mkdirSync(place.at("store"));
    const found = place.run(["snapshots"], { BUNKER_PHRASE_FILE: undefined });
    expectError(found, /there is no store at/);
    expect(found.status).toBe(10);
  });
});

test("12, a wrong passphrase, and a phrase of another store", () => {
  using place = placeWithStore();
  const wrong = place.run(["snapshots"], { ...BY_PASSPHRASE, BUNKER_PASSPHRASE: "wrong" });
  expectError(wrong, /the passphrase opens no key slot of this store\n.*hint:/);
  expect(wrong.status).toBe(12);
  const all = { ...BY_PASSPHRASE, BUNKER_STORE: "other" };
  place.lines(["init", "--phrase-file", "other.txt"], all);
  const other = place.run(["snapshots"], { BUNKER_PHRASE_FILE: "other.txt" });
  expectError(other, /this key is not of the store at/);
  expect(readdirSync(place.at("store/keys"))).toHaveLength(1);
  expect(other.status).toBe(12);
});

// Root reads everything: it goes on as somebody who may not.
const asNobody =
  process.getuid?.() === 0
    ? Bun.which("setpriv") === null
      ? undefined
      : "setpriv --reuid=65534 --regid=65534 --clear-groups --"
    : "";

describe.skipIf(asNobody === undefined)("what may not be read or written", () => {
  function openToNobody(place: ReturnType<typeof placeWithStore>): void {
    if (asNobody === "") return;
    const found = place.execute(["chown", "-R", "65534:65534", place.at()]);
    expect(found.status).toBe(0);
  }

  test("a file and a folder of a source: 3, and the rest is stored", () => {
    using place = placeWithStore();
    place.write("things/fine");
    chmodSync(place.write("things/shut"), 0);
    place.write("things/closed/inside");
    chmodSync(place.at("work/things/closed"), 0);
    openToNobody(place);
    const found = place.shell(`${asNobody} $BUNKER backup things`);
    chmodSync(place.at("work/things/closed"), 0o700);
    expect(found.stderr).toContain(`bunker: warning: ${place.at("work/things/shut")}: `);
    expect(found.stderr).toContain(`bunker: warning: ${place.at("work/things/closed")}: `);
    expect(found.stderr.match(/^/gm)).toHaveLength(3);
    expect(found.stdout).toStartWith("snapshot ");
    expect(found.status).toBe(3);
    const listed = place.shell(`${asNobody} $BUNKER ls -R latest; ${asNobody} $BUNKER snapshots`);
    expect(listed.stdout).toMatch(/^fine$/m);
    expect(listed.stdout).toContain("  2 problems\n");
  });

  test("a whole source, a target, a secret, a new file: 1 at once", () => {
    using place = placeWithStore();
    place.write("things/fine");
    place.lines(["backup", "things"]);
    mkdirSync(place.at("work/closed"));
    place.write("secret");
    openToNobody(place);
    chmodSync(place.at("work/closed"), 0);
    chmodSync(place.at("work/secret"), 0);
    for (const script of [
      "$BUNKER backup closed",
      "$BUNKER restore latest --to closed/in",
      "BUNKER_PHRASE_FILE=secret $BUNKER snapshots",
      "$BUNKER key phrase --phrase-file closed/phrase",
    ]) {
      const found = place.shell(`${asNobody} env ${script}`);
      expectError(found, /EACCES/);
      expect(found.status).toBe(1);
    }
    chmodSync(place.at("work/closed"), 0o700);
  });

  test.skipIf(asNobody === "")("a state folder of another user: 1, to root too", () => {
    using place = placeWithStore();
    place.write("things/fine");
    place.lines(["backup", "things"]);
    openToNobody(place);
    const found = place.run(["snapshots"]);
    expectError(found, /expected a folder of user 0, found one of user 65534\n.*XDG_STATE_HOME/);
    expect(found.status).toBe(1);
    expect(place.shell(`${asNobody} $BUNKER snapshots`).status).toBe(0);
  });

  test("a store: 11", () => {
    using place = placeWithStore();
    place.write("things/fine");
    openToNobody(place);
    chmodSync(place.at("store"), 0o500);
    const found = place.shell(`${asNobody} $BUNKER backup things`);
    chmodSync(place.at("store"), 0o700);
    expectError(found, /the store at \S+ can't be written to: permission denied/);
    expect(found.status).toBe(11);
  });
});

// A filesystem of its own that is soon full, in a mount namespace that ends with the script.
function withSmallDisk(
  place: ReturnType<typeof emptyPlace>,
  size: string,
  script: string,
): Outcome {
  mkdirSync(place.at("work/disk"));
  const mount = `mount -t tmpfs -o size=${size} none disk`;
  const user = process.getuid?.() === 0 ? "" : "--map-root-user";
  return place.shell(`unshare --mount ${user} bash -c '${mount} || exit 99; ${script}'`);
}

function canMount(): boolean {
  if (Bun.which("unshare") === null) return false;
  using place = emptyPlace();
  return withSmallDisk(place, "1m", "exit 0").status === 0;
}

describe.skipIf(!canMount())("a full disk", () => {
  const large = seededRandom(1).bytes(6 * 1024 * 1024);

  test("of the storage: 14, and what is there stays whole", () => {
    using place = placeWithStore();
    place.write("things/large", large);
    place.write("small/a");
    const found = withSmallDisk(
      place,
      "3m",
      `cp -a ../store disk/store; export BUNKER_STORE=disk/store;
       $BUNKER backup things; echo "status $?"; $BUNKER check; $BUNKER backup small; echo "status $?"`,
    );
    expect(found.stderr).toMatch(
      /^bunker: error: writing .*ENOSPC[^\n]*\nbunker: hint: run again when there is room\n$/,
    );
    expect(found.stdout).toMatch(
      /^status 14\nchecked 0 snapshots.*no errors\nsnapshot .*\nstatus 0\n$/,
    );
  });

  test("of the destination: 3 or 1, with the files named, and no partial file", () => {
    using place = placeWithStore();
    place.write("things/large", large);
    place.write("things/small");
    place.lines(["backup", "things"]);
    const found = withSmallDisk(
      place,
      "2m",
      `$BUNKER restore latest --to disk/copy; echo "status $?"; ls disk/copy`,
    );
    expect(found.stderr).toMatch(/bunker: warning: large: [^\n]*ENOSPC/);
    // It goes on as long as there is room for anything, and stops where there is none.
    expect(found.stdout).toMatch(/^(restored \d files? .*\nstatus 3|status 1)\n(small\n)?$/);
    if (found.stdout.includes("status 1")) expect(found.stderr).toContain("no room is left");
  });

  test("of the cache: the snapshot is made, and it is said what the next one costs", () => {
    using place = placeWithStore();
    place.write("things/large", large);
    for (let i = 0; i < 3000; i++) place.write(`things/${i}`, "");
    const found = withSmallDisk(
      place,
      "64k",
      `export XDG_CACHE_HOME=$PWD/disk; $BUNKER backup things; echo "status $?"`,
    );
    expect(found.stderr).toMatch(/the next backup will read all files again: [^\n]*ENOSPC/);
    expect(found.stdout).toEndWith("status 0\n");
  });
});

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
