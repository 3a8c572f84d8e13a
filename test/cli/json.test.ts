// The JSON of every command against its document: each field that is written is described, and each
// that is described is written.

import { describe, expect, test } from "bun:test";
import { linkSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";

import { BY_PASSPHRASE, emptyPlace, type Place, placeWithStore } from "../support/bunker.ts";

interface Field {
  readonly name: string;
  readonly optional: boolean;
}

const DOCUMENT = readFileSync(join(import.meta.dir, "../../docs/json.md"), "utf8");

function sections(): Map<string, Field[]> {
  const found = new Map<string, Field[]>();
  for (const section of DOCUMENT.split(/^## /m).slice(1)) {
    const rows = [...section.matchAll(/^\| `([^`]+)` +\| (.*) \|$/gm)];
    const fields = rows.map(([, name, text]) => ({
      name: name!,
      optional: text!.startsWith("_(optional)_"),
    }));
    found.set(section.slice(0, section.indexOf("\n")), fields);
  }
  return found;
}

const SECTIONS = sections();

/** `counts.files`, `roots[].path`, `tags[]`. */
function namesIn(value: unknown, prefix = ""): string[] {
  if (Array.isArray(value)) {
    if (value.length === 0) return [`${prefix}[]`];
    return value.flatMap((member) => namesIn(member, `${prefix}[]`));
  }
  if (typeof value !== "object" || value === null) return [prefix];
  return Object.entries(value).flatMap(([name, member]) =>
    namesIn(member, prefix === "" ? name : `${prefix}.${name}`),
  );
}

/** All values are as the document says; `unseen` are optional fields that none of them has. */
function expectDescribed(section: string, values: readonly unknown[], unseen: string[] = []): void {
  const fields = SECTIONS.get(section)!;
  const known = new Set(fields.map(({ name }) => name));
  const seen = new Set<string>();
  expect(values.length).toBeGreaterThan(0);
  for (const value of values) {
    const names = new Set(namesIn(value));
    // An empty list says nothing of its members.
    for (const name of names) {
      if (name.endsWith("[]") && fields.some((field) => field.name.startsWith(`${name}.`)))
        continue;
      seen.add(name);
      expect(known).toContain(name);
    }
    for (const { name, optional } of fields) if (!optional) expect(names).toContain(name);
  }
  const missing = fields.map(({ name }) => name).filter((name) => !seen.has(name));
  expect(missing.sort()).toEqual(unseen.toSorted());
}

/** Written where the store is in a bucket with locks: test/cli/bucket-init.test.ts. */
const UNSEEN_LOCK = ["lock", "lockSeconds", "lockedUntil"];
const UNSEEN_END = ["lockedUntil", "stays"];

const BAD_NAME = Buffer.from([0x62, 0xff]);

function plantAll(place: Place): void {
  place.write("things/file", "content");
  linkSync(place.at("work/things/file"), place.at("work/things/again"));
  const bad = Buffer.concat([Buffer.from(`${place.at("work/things")}/`), BAD_NAME]);
  symlinkSync(BAD_NAME, bad);
}

/** What no entry of these tests has. */
const UNSEEN_ENTRY = [
  "attributes[].name",
  "attributes[].nameBase64",
  "attributes[].valueBase64",
  "contentLists[]",
  "device.major",
  "device.minor",
  "holes[].length",
  "holes[].offset",
  "unstable",
];

describe("what is written is described, and the other way round", () => {
  test("init, version", () => {
    using place = emptyPlace();
    expectDescribed("init", place.json(["init"], BY_PASSPHRASE), UNSEEN_LOCK);
    expectDescribed("version", place.json(["version"]));
  });

  test("backup, snapshots, ls, restore, check", () => {
    using place = placeWithStore();
    plantAll(place);
    const words = ["--tag", "z", "--tag", "a", "--description", "all kinds"];
    const [saved] = place.json(["backup", "things", ...words]);
    const [read, dry] = place.json(["backup", "things", "--force", "--dry-run", "--list"]);
    expectDescribed("backup", [saved, dry]);
    expectDescribed("backup --list", [read], ["pathBase64"]);
    expect(place.run(["backup", "things", place.write("other"), "gone"]).status).toBe(3);
    const snapshots = place.json(["snapshots"]);
    expectDescribed("snapshots", snapshots, ["roots[].pathBase64"]);
    expect(snapshots[0]).toMatchObject({ id: saved!["snapshot"], tags: ["a", "z"] });
    const entries = [
      ...place.json(["ls", "-R", "latest:z"]),
      ...place.json(["ls", "-R", "latest"]),
    ];
    expectDescribed("ls", entries, UNSEEN_ENTRY);
    const base64 = BAD_NAME.toString("base64");
    expect(entries).toContainEqual(
      expect.objectContaining({ path: "b\ufffd", pathBase64: base64, targetBase64: base64 }),
    );
    expectDescribed("restore", [
      ...place.json(["restore", "latest", "--to", "copy", "--verify"]),
      ...place.json(["restore", "latest", "--to", "another", "--dry-run"]),
      ...place.json(["restore", "latest", "--to", "archive.tar", "--format", "tar"]),
    ]);
    const whole = place.json(["check", "--read-data"]);
    expectDescribed("check", whole, ["findings[].message", "findings[].subject"]);
    for (const fan of readdirSync(place.at("store/packs"))) {
      rmSync(place.at("store/packs", fan), { recursive: true });
    }
    const damaged = place.run(["check", "--json"]);
    expectDescribed("check", [JSON.parse(damaged.stdout)]);
    expect(damaged.status).toBe(13);
  });

  test("find, diff, stats", () => {
    using place = placeWithStore();
    plantAll(place);
    const [first] = place.json(["backup", "things"]);
    const found = place.json(["find", "*"]).map(({ snapshot, time, ...entry }) => {
      expectDescribed("find", [{ snapshot, time }]);
      expect(snapshot).toBe(first!["snapshot"]);
      return entry;
    });
    const unseen = UNSEEN_ENTRY.filter((name) => name !== "targetBase64");
    expectDescribed("ls", found, unseen);
    rmSync(place.at("work/things/again"));
    place.write("things/file", "other content");
    place.write("things/again/new", "a file that became a folder");
    rmSync(Buffer.concat([Buffer.from(`${place.at("work/things")}/`), BAD_NAME]));
    place.json(["backup", "things"]);
    const changes = place.json(["diff", String(first!["snapshot"]).slice(0, 10), "latest"]);
    expectDescribed("diff", changes);
    const stats = place.json(["stats"]);
    expectDescribed("stats", stats);
    expect(stats.map((one) => Object.keys(one)[0]!)).toEqual(["snapshot", "snapshot", "store"]);
  });

  test("key", () => {
    using place = placeWithStore();
    const fresh = { BUNKER_NEW_PASSPHRASE: "new" };
    expectDescribed("key list", place.json(["key", "list"]));
    const added = place.json(["key", "add"], fresh);
    expectDescribed("key add", added);
    const removed = place.json(["key", "remove", String(added[0]!["added"])]);
    expectDescribed("key remove", removed, UNSEEN_END);
    const changed = [
      ...place.json(["key", "passphrase"], fresh),
      ...place.json(["key", "passphrase"], { ...fresh, ...BY_PASSPHRASE }),
    ];
    expectDescribed("key passphrase", changed, UNSEEN_END);
    expectDescribed("key phrase", place.json(["key", "phrase", "--phrase-file", "phrase"]));
    expectDescribed("key writer", place.json(["key", "writer", "web", "--key-file", "web"]));
  });
});

test("store", () => {
  using place = emptyPlace();
  const limits = "--limit-upload 10M --limit-download 1G --limit-requests 50 --connections 4";
  const id = "0123456789abcdef".repeat(4);
  const words = `--endpoint https://s3.example.com --region r ${limits} --ca ca.pem --store-id ${id}`;
  const own = ["--key-id", "i", "--key-file", "k", "--passphrase-file", "p"];
  const added = [
    ["one", ...words.split(" "), ...own],
    ["two", "--profile", "p", "--store-key-file", "k"],
    ["three"],
  ].flatMap(([name, ...options]) =>
    place.json(["store", "add", name!, "b2://my-bucket/laptop", ...options]),
  );
  added.push(...place.json(["store", "add", "four", place.at("store")]));
  expectDescribed("store list", added);
  expectDescribed("store list", place.json(["store", "list"]));
  expect(place.json(["store", "list"])).toEqual(added);
  const shown = ["one", "two", "four"].flatMap((name) => place.json(["store", "show", name]));
  expectDescribed("store list", shown);
  expectDescribed("store remove", place.json(["store", "remove", "one"]));
  expectDescribed("store test", place.json(["store", "test", place.at("home"), "--speed"]));
});

test("problems are counted, and JSON is written all the same", () => {
  using place = placeWithStore();
  place.write("things/a");
  place.lines(["backup", "things"]);
  place.write("copy/a", "in the way");
  // The folder "a" can't take the place of a file.
  rmSync(place.at("work/things/a"));
  place.write("things/a/b");
  place.lines(["backup", "things"]);
  const found = place.run(["restore", "latest", "--to", "copy", "--overwrite", "--json"]);
  expect(JSON.parse(found.stdout)).toMatchObject({ target: "copy", problems: 1 });
  expect(found.status).toBe(3);
});

test("a field that is not described is noticed, and one that is never written", () => {
  expect(() => expectDescribed("init", [{ storeId: "", location: "", more: 1 }])).toThrow();
  expect(() => expectDescribed("init", [{ storeId: "" }])).toThrow();
  expect(() => expectDescribed("key passphrase", [{ added: "" }])).toThrow();
  expectDescribed("init", [{ storeId: "", location: "" }], UNSEEN_LOCK);
});

test("every command with --json has its section", () => {
  using place = emptyPlace();
  const names = [...place.run(["help"]).stdout.matchAll(/^ {2}([a-z]+) {2,}/gm)].map(([, n]) => n!);
  const speaking = names.filter((name) => place.run(["help", name]).stdout.includes("--json"));
  expect(speaking.length).toBeGreaterThan(5);
  const described = new Set([...SECTIONS.keys()].map((name) => name.split(" ")[0]!));
  expect(speaking.sort()).toEqual([...described].sort());
});
