// The command `store`, and what a name does for the other commands: the store's place, its secret,
// and its id, which the first use notes.

import { describe, expect, test } from "bun:test";
import { chmodSync, cpSync, existsSync, renameSync, statSync } from "node:fs";

import {
  BINARY,
  BY_PASSPHRASE,
  emptyPlace,
  PASSPHRASE,
  placeWithStore,
} from "../support/bunker.ts";
import { converse } from "../support/terminal.ts";

const CONFIG = "home/.config/bunker/config.toml";
const NO_SECRET = { BUNKER_PHRASE_FILE: undefined };
const NAMED = { BUNKER_STORE: "@home" };

describe("store add", () => {
  test("keeps what is given, with paths that hold everywhere", () => {
    using place = emptyPlace();
    const words = "--region us-west-004 --key-id 004abc --key-file b2.key --connections 4";
    place.lines(["store", "add", "home", "b2://my-bucket/laptop", ...words.split(" ")]);
    place.lines(["store", "add", "@nas", "nas/../store", "--passphrase-file", "secret"]);
    expect(place.read(CONFIG)).toBe(
      [
        `[stores.home]`,
        `location = "b2://my-bucket/laptop"`,
        `region = "us-west-004"`,
        `key-id = "004abc"`,
        `key-file = "${place.at("work/b2.key")}"`,
        `connections = 4`,
        ``,
        `[stores.nas]`,
        `location = "${place.at("work/store")}"`,
        `passphrase-file = "${place.at("work/secret")}"`,
        ``,
      ].join("\n"),
    );
    expect(statSync(place.at(CONFIG)).mode & 0o777).toBe(0o600);
    expect(place.lines(["store", "list"])).toEqual([
      "home  b2://my-bucket/laptop",
      `nas   ${place.at("work/store")}`,
    ]);
    expect(place.json(["store", "list"])[0]).toEqual({
      name: "home",
      location: "b2://my-bucket/laptop",
      region: "us-west-004",
      keyId: "004abc",
      keyFile: place.at("work/b2.key"),
      connections: 4,
      keyFrom: "key-file",
    });
    expect(place.json(["store", "remove", "home"])).toEqual([{ removed: "home" }]);
    expect(place.lines(["store", "list"])).toEqual([`nas  ${place.at("work/store")}`]);
  });

  const SECRET = "K004hunter2/+hunter2";
  const add = ["store", "add", "home", "b2://my-bucket", "--key-id", "004abc"];

  test("keeps a key from the variable or from stdin, and shows it to nobody", () => {
    for (const how of ["variable", "stdin"]) {
      using place = emptyPlace();
      const added =
        how === "variable"
          ? place.run(add, { B2_APPLICATION_KEY_ID: "004abc", B2_APPLICATION_KEY: SECRET })
          : place.shell(`echo '${SECRET}' | $BUNKER ${add.join(" ")} --key-file -`);
      expect(added.status).toBe(0);
      expect(added.stderr).toBe(`bunker: the key is kept in ${place.at(CONFIG)}\n`);
      expect(place.read(CONFIG)).toContain(`key = "${SECRET}"\n`);
      const shown = [added, place.run(["store", "show", "home"])];
      for (const words of [["list"], ["list", "--json"], ["show", "home", "--json"]]) {
        shown.push(place.run(["store", ...words]));
      }
      for (const { stdout, stderr, status } of shown) {
        expect(stdout + stderr).not.toContain("hunter");
        expect(status).toBe(0);
      }
      expect(shown[1]!.stdout).toContain("key: (kept, not shown)\nkey from: config\n");
    }
  });

  test("does not take the key of another id from the variable", () => {
    using place = emptyPlace();
    const other = { B2_APPLICATION_KEY_ID: "005", B2_APPLICATION_KEY: SECRET };
    const { stderr, status } = place.run(add, other);
    expect(stderr).toStartWith(
      "bunker: error: a key of the bucket is needed, and there is no terminal",
    );
    expect(status).toBe(2);
    expect(existsSync(place.at(CONFIG))).toBe(false);
  });

  test.skipIf(Bun.which("setsid") === null)("asks for a key without showing it", async () => {
    using place = emptyPlace();
    const { shown, status } = await converse(
      `"$BUNKER" ${add.join(" ")} >out; status=$?`,
      [["key of the bucket: ", `${SECRET}\r`]],
      { environment: { ...place.environment, BUNKER: BINARY }, cwd: place.at("work") },
    );
    expect(shown).not.toContain("hunter");
    expect(place.read(CONFIG)).toContain(SECRET);
    expect(status).toBe(0);
  });

  test.each([
    [["add", "home"], "expected add NAME LOCATION"],
    [["add", "a b", "/x"], "a store's name has"],
    [["add", "home", "b2://id:hunter2@my-bucket"], "expected BUCKET/PREFIX and nothing else"],
    [["add", "home", "@nas"], "expected an absolute path"],
    [["add", "home", "/x", "--region", "r"], "region is for buckets"],
    [["add", "home", "b2://my-bucket", "--key-file", "k"], "key-file wants key-id"],
    [["add", "home", "b2://my-bucket", "--key", "hunter2"], "unknown option --key"],
    [["add", "home", "b2://my-bucket", "--limit-upload", "fast"], "expected a size"],
    [
      ["add", "home", "b2://my-bucket", "--endpoint", "https://id:hunter2@s3.example.com"],
      "endpoint: expected an address as https://HOST",
    ],
    [["add", "home", "b2://my-bucket", "--region", "s3.x"], "region: expected a region as us-west"],
    [["list", "--region", "r"], "--region goes with bunker store add"],
    [["show", "home"], "there is no store named home"],
    [["nope"], "expected add NAME LOCATION"],
  ])("%j is refused", (words, message) => {
    using place = emptyPlace();
    const { stderr, stdout, status } = place.run(["store", ...words]);
    expect(stderr).toContain(message);
    expect(stdout + stderr).not.toContain("hunter");
    expect(status).toBe(2);
    expect(existsSync(place.at(CONFIG))).toBe(false);
  });
});

describe("a named store", () => {
  test("is opened by its own secret, and its id is noted", () => {
    using place = emptyPlace();
    chmodSync(place.write("secret", PASSPHRASE), 0o600);
    place.lines(["store", "add", "home", place.at("store"), "--passphrase-file", "secret"]);
    const environment = { ...NO_SECRET, ...NAMED };
    const [made] = place.json(["init"], environment);
    const [{ storeId }] = [made!] as [{ storeId: string }];
    expect(place.read(CONFIG)).toEndWith(`store-id = "${storeId}"\n`);
    place.write("things/a");
    place.lines(["backup", "things"], environment);
    expect(place.lines(["snapshots", "--store", "@home"], NO_SECRET)).toHaveLength(1);
    const again = place.run(["init"], environment);
    expect(again.stderr).toContain(
      `error: @home is store ${storeId.slice(0, 10)} by the config file`,
    );
    expect(again.status).toBe(1);
  });

  test("the environment's secret goes before its own", () => {
    using place = placeWithStore();
    chmodSync(place.write("secret", "wrong"), 0o600);
    place.lines(["store", "add", "home", place.at("store"), "--passphrase-file", "secret"]);
    place.lines(["snapshots"], NAMED);
    expect(place.run(["snapshots"], { ...NAMED, ...NO_SECRET }).status).toBe(12);
    place.lines(["snapshots"], { ...NAMED, ...BY_PASSPHRASE });
  });

  test("a setting is called by its name where its file is missing", () => {
    using place = placeWithStore();
    place.lines(["store", "add", "home", place.at("store"), "--passphrase-command", "exit 3"]);
    const { stderr } = place.run(["snapshots"], { ...NAMED, ...NO_SECRET });
    expect(stderr).toContain("expected status 0 of passphrase-command of @home, found 3");
  });

  test("the first use notes the id, and another store in its place is refused", () => {
    using place = placeWithStore();
    place.lines(["store", "add", "home", place.at("store")]);
    place.lines(["snapshots"], NAMED);
    expect(place.read(CONFIG)).toMatch(/store-id = "[0-9a-f]{64}"\n$/);
    const phrase2 = place.at("phrase2");
    const other = ["init", "--store", place.at("other"), "--phrase-file", phrase2];
    place.lines(other, BY_PASSPHRASE);
    // On a machine that remembers nothing, the id is all that is known.
    const fresh = { ...NAMED, XDG_STATE_HOME: place.at("fresh") };
    renameSync(place.at("store"), place.at("moved"));
    renameSync(place.at("other"), place.at("store"));
    const byPassphrase = place.run(["snapshots"], { ...fresh, ...BY_PASSPHRASE });
    expect(byPassphrase.stderr).toMatch(
      /error: \S+: expected store [0-9a-f]{10}, found another one/,
    );
    expect(byPassphrase.status).toBe(13);
    const byPhrase = place.run(["snapshots"], { ...fresh, BUNKER_PHRASE_FILE: phrase2 });
    expect(byPhrase.stderr).toMatch(/expected store [0-9a-f]{10}, found the key of [0-9a-f]{10}/);
    expect(byPhrase.status).toBe(12);
    for (const { stderr } of [byPassphrase, byPhrase]) {
      expect(stderr).toContain("hint: if another store is meant, change its store-id");
    }
  });

  test("whoever knows the id is not stopped by a key slot of another store", () => {
    using place = placeWithStore();
    place.lines(["store", "add", "home", place.at("store")]);
    place.lines(["snapshots"], NAMED);
    place.lines(["init", "--store", place.at("other"), "--phrase-file", "p"], BY_PASSPHRASE);
    cpSync(place.at("other/keys"), place.at("store/keys"), { recursive: true });
    place.write("things/a");
    const fresh = { XDG_STATE_HOME: place.at("fresh") };
    const unnamed = place.run(["backup", "things"], fresh);
    expect(unnamed.stderr).toContain("holds key slots of several stores");
    expect(unnamed.stdout).toBe("");
    const named = place.run(["backup", "things"], { ...fresh, ...NAMED });
    expect(named.stdout).toStartWith("snapshot ");
    expect(named.stderr).toContain("this key slot is of another store");
    expect(named.status).toBe(13);
  });

  test("a dry run notes nothing", () => {
    using place = placeWithStore();
    place.lines(["store", "add", "home", place.at("store")]);
    place.write("things/a");
    place.lines(["backup", "things", "--dry-run"], NAMED);
    expect(place.read(CONFIG)).not.toContain("store-id");
  });

  test("its folder is kept out of backups, and restores out of it, as is the config file", () => {
    using place = placeWithStore();
    place.lines(["store", "add", "home", place.at("store")]);
    const { stderr } = place.run(["backup", place.at()], NAMED);
    expect(stderr).toContain(`${place.at("store")} is bunker's own: it is left out`);
    expect(stderr).toContain(`${place.at("home/.config/bunker")} is bunker's own: it is left out`);
    const inside = place.run(["restore", "latest", "--to", place.at("store/in")], NAMED);
    expect(inside.stderr).toContain("expected a target outside the store");
    expect(inside.status).toBe(2);
    const archive = ["restore", "latest", "--format", "tar", "--to", place.at("store/a.tar")];
    expect(place.run(archive, NAMED).status).toBe(2);
  });

  test("a limit for buckets is no option of a folder", () => {
    using place = placeWithStore();
    const { stderr, status } = place.run(["snapshots", "--limit-upload", "1M"]);
    expect(stderr).toContain("--limit-upload is for buckets, and this store is a folder");
    expect(status).toBe(2);
  });
});
