// restore, end to end: what contradicts itself, what is only looked at, and what goes on after a
// restore was cut off.

import { describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";

import { type Place, placeWithStore } from "../support/bunker.ts";
import { compareFolders } from "../support/compare.ts";
import { withSeed } from "../support/random.ts";

interface RestoreJson {
  readonly files: number;
  readonly left: number;
  readonly bytes: number;
  readonly fetchedBytes: number;
}

/** Everything about a folder that a change would show in. */
function stateOf(root: string): string {
  return Bun.spawnSync(["find", root, "-printf", "%p %i %s %m %T@ %C@\n"]).stdout.toString();
}

function plantThings(place: Place): void {
  place.write("things/a/one", "the first");
  place.write("things/b/two", "the second");
  place.write("things/large", Buffer.alloc(3_000_000, "0123456789abcdef"));
}

describe("2, what contradicts itself", () => {
  test.each([
    [["--delete"], "--delete: expected --overwrite with it"],
    [["--in-place"], "--in-place: expected files that may be changed"],
    [["--in-place", "--overwrite=never"], "--in-place: expected files that may be changed"],
    [["--verify", "--dry-run"], "--verify: with --dry-run there is nothing to read back"],
    [["--verify", "--overwrite=never"], "--verify: what --overwrite=never leaves"],
    [["--overwrite=newer"], "--overwrite=newer: expected always, if-changed, if-newer or never"],
    [["--overwrite", "if-changed"], "--overwrite if-changed: expected ="],
    [["--include", "a\\"], "it ends in a backslash"],
  ])("%j", (words, message) => {
    using place = placeWithStore();
    const found = place.run(["restore", "latest", "--to", "copy", ...words]);
    expect(found).toMatchObject({ status: 2, stdout: "" });
    expect(found.stderr).toContain(message);
    expect(fs.readdirSync(place.at("work"))).toEqual([]);
  });
});

test("two things of one name have no place in one folder: 2", () => {
  using place = placeWithStore();
  place.write("a/name/one", "1");
  place.write("b/name/two", "2");
  place.lines(["backup", "a", "b"]);
  const paths = ["a/name", "b/name"].map((path) => `latest:${place.at(`work/${path}`)}`);
  const found = place.run(["restore", ...paths, "--to", "copy", "--overwrite", "--delete"]);
  expect(found.stderr).toContain("two of the paths have the same name");
  expect(found.status).toBe(2);
  expect(fs.existsSync(place.at("work/copy"))).toBe(false);
});

describe("a snapshot of which something could not be read", () => {
  const TOLD = "bunker: 2 things could not be read when this snapshot was made\n";

  function placeWithGaps(): Place {
    const place = placeWithStore();
    plantThings(place);
    place.lines(["backup", "things/large"]);
    expect(place.run(["backup", "things", "gone", "gone-too"]).status).toBe(3);
    return place;
  }

  test.each([
    ["into a folder", ["restore", "latest", "--to", "copy"]],
    ["a part of it", ["restore", "latest:./", "--to", "copy"]],
    ["as a dry run", ["restore", "latest", "--to", "copy", "--dry-run"]],
    ["into an archive", ["restore", "latest", "--to", "copy.tar", "--format", "tar"]],
    ["into a pipe", ["restore", "latest", "--to", "-", "--format", "zip"]],
  ])("is told of once, %s", (_what, words) => {
    using place = placeWithGaps();
    const found = place.run(words);
    expect(found.stderr).toBe(TOLD);
    expect(found.status).toBe(0);
  });

  test("is told of as JSON", () => {
    using place = placeWithGaps();
    const { id } = place.json(["snapshots"])[0]!;
    for (const [file, ...more] of [["a"], ["b", "--format", "tar"]] as const) {
      const words = ["--to", file, ...more];
      expect(place.json(["restore", "latest", ...words])).toMatchObject([{ sourceProblems: 2 }]);
      const [whole] = place.json(["restore", String(id), "--to", `${file}2`, ...more]);
      expect(Object.keys(whole!)).not.toContain("sourceProblems");
    }
  });

  test("is named where there are several", () => {
    using place = placeWithGaps();
    const [whole, gappy] = place.json(["snapshots"]).map(({ id }) => String(id).slice(0, 10));
    const words = [`${whole}:/large`, `${gappy}:/a`, `${gappy}:/b`, "--to", "copy"];
    const found = place.run(["restore", ...words]);
    expect(found.stderr).toBe(TOLD.replace("this snapshot", `snapshot ${gappy}`));
  });
});

describe("a dry run", () => {
  test("says what would be done, and changes nothing", () => {
    using place = placeWithStore();
    plantThings(place);
    place.lines(["backup", "things"]);
    expect(place.lines(["restore", "latest", "--to", "copy", "--dry-run"])).toEqual([
      ...["a/one", "b/two", "large"].map((name) => `make    ${name}`),
      "would restore 3 files and 3 folders, 2.9 MiB (2.9 MiB to fetch), to copy",
    ]);
    expect(fs.readdirSync(place.at("work"))).toEqual(["things"]);
    place.lines(["restore", "latest", "--to", "copy"]);
    fs.writeFileSync(place.at("work/copy/a/one"), "another");
    fs.mkdirSync(place.at("work/copy/b/more"));
    fs.writeFileSync(place.at("work/copy/b/more/file"), "more");
    const part = place.at(`work/copy/.bunker-${"0".repeat(32)}.part`);
    fs.writeFileSync(part, "of another restore");
    const before = stateOf(place.at("work/copy"));
    const words = ["restore", "latest", "--to", "copy", "--overwrite", "--delete"];
    expect(place.lines([...words, "--dry-run"])).toEqual([
      "replace a/one",
      "delete  b/more/file",
      "delete  b/more",
      expect.stringMatching(/^would restore 1 file .* 1 replaced, 2 left as they were, 2 deleted$/),
    ]);
    expect(stateOf(place.at("work/copy"))).toBe(before);
    const [found] = place.json<Record<string, unknown>>([...words, "--dry-run"]);
    expect(found).toMatchObject({ dryRun: true, replaced: 1, left: 2, deleted: 2 });
    const [done] = place.json<Record<string, unknown>>([...words, "--verify"]);
    expect(done).toMatchObject({ replaced: 1, left: 2, deleted: 2, verified: 6 });
    expect(compareFolders(place.at("work/things"), place.at("work/copy")).differences).toEqual([]);
  });

  test("leaves files with several names that are as they should be, as the restore does", () => {
    using place = placeWithStore();
    place.write("things/one", "1");
    fs.linkSync(place.at("work/things/one"), place.at("work/things/two"));
    place.lines(["backup", "things"]);
    const words = ["restore", "latest", "--to", "copy", "--overwrite"];
    place.lines(words);
    const counts = { files: 0, replaced: 0, left: 2 };
    expect(place.json<Record<string, unknown>>([...words, "--dry-run"])[0]).toMatchObject(counts);
    expect(place.json<Record<string, unknown>>(words)[0]).toMatchObject(counts);
    fs.chmodSync(place.at("work/copy/one"), 0o600);
    expect(place.lines([...words, "--dry-run"])[0]).toBe("replace one");
  });
});

describe("a restore that was cut off", () => {
  /** Kills a restore when it has made so many things; false where it was finished before. */
  async function cutOff(place: Place, words: readonly string[], count: number): Promise<boolean> {
    const run = place.start(words);
    let ended = false;
    void run.exited.then(() => (ended = true));
    while (!ended && countIn(place.at("work/copy")) < count) await Bun.sleep(0);
    run.kill("SIGKILL");
    await run.exited;
    return run.signalCode === "SIGKILL";
  }

  function countIn(root: string): number {
    try {
      return fs.readdirSync(root, { recursive: true }).length;
    } catch {
      return 0; // Not there yet, or a part was renamed while it was listed.
    }
  }

  const isPart = (name: string): boolean => /\.bunker-[0-9a-f]{32}\.(?:part|restore)$/.test(name);

  test(
    "is finished by the same command, and nothing is fetched twice",
    () =>
      withSeed(async (random) => {
        using place = placeWithStore();
        const total = 400;
        for (let i = 0; i < total; i++) {
          place.write(`things/folder ${i % 20}/file ${i}`, random.bytes(random.int(20_000)));
        }
        for (let i = 0; i < 4; i++) place.write(`things/large ${i}`, random.bytes(5_000_000));
        fs.linkSync(
          place.at("work/things/folder 1/file 1"),
          place.at("work/things/folder 2/again"),
        );
        fs.chmodSync(place.at("work/things/folder 3"), 0o500);
        place.lines(["backup", "things"]);
        const words = ["restore", "latest", "--to", "copy"];
        let cuts = 0;
        for (let round = 0; round < 6; round++) {
          fs.rmSync(place.at("work/copy"), { recursive: true, force: true });
          if (!(await cutOff(place, words, 1 + random.int(total + 20)))) continue;
          // Cut again in the middle of going on.
          if (random.int(2) === 0) await cutOff(place, words, 1 + random.int(total + 20));
          cuts += 1;
          const finished = finishedBytes(place);
          const [found] = place.json<RestoreJson>([...words]);
          expect(found!.fetchedBytes).toBeLessThanOrEqual(bytesOf(place) - finished);
          const { differences } = compareFolders(place.at("work/things"), place.at("work/copy"));
          expect(differences).toEqual([]);
          const left = fs.readdirSync(place.at("work/copy"), { recursive: true, encoding: "utf8" });
          expect(left.filter(isPart)).toEqual([]);
        }
        expect(cuts).toBeGreaterThan(0);
      }),
    240_000,
  );

  function filesOf(place: Place, root: string): string[] {
    const names = fs.readdirSync(place.at("work", root), { recursive: true, encoding: "utf8" });
    return names.filter((name) => fs.lstatSync(place.at("work", root, name)).isFile());
  }

  function bytesOf(place: Place): number {
    const sizes = filesOf(place, "things").map((name) =>
      fs.lstatSync(place.at("work/things", name)),
    );
    return sizes.reduce((sum, { size }) => sum + size, 0);
  }

  /** The bytes of files that are whole: same length, same time. */
  function finishedBytes(place: Place): number {
    return filesOf(place, "copy")
      .filter((name) => !isPart(name))
      .map((name) => ({
        copy: fs.lstatSync(place.at("work/copy", name), { bigint: true }),
        original: fs.lstatSync(place.at("work/things", name), { bigint: true }),
      }))
      .filter(
        ({ copy, original }) => copy.size === original.size && copy.mtimeNs === original.mtimeNs,
      )
      .reduce((sum, { copy }) => sum + Number(copy.size), 0);
  }

  async function cutPlace(): Promise<Place> {
    const place = placeWithStore();
    for (let i = 0; i < 300; i++) place.write(`things/file ${i}`, `${i}`.repeat(500));
    place.lines(["backup", "things"]);
    for (;;) {
      if (await cutOff(place, ["restore", "latest", "--to", "copy"], 20)) return place;
      fs.rmSync(place.at("work/copy"), { recursive: true });
    }
  }

  test("by no other command: that is told what is not finished", async () => {
    using place = await cutPlace();
    const [{ id }] = place.json<{ id: string }>(["snapshots"]) as [{ id: string }];
    const found = place.run(["restore", "latest:/file 1", "--to", "copy"]);
    expect(found.status).toBe(1);
    expect(found.stderr).toContain("copy is not empty");
    expect(found.stderr).toContain(`a restore of ${id.slice(0, 10)} is not finished there`);
    place.write("things/more");
    place.lines(["backup", "things"]);
    expect(place.run(["restore", "latest", "--to", "copy"]).status).toBe(1);
    place.lines(["restore", id.slice(0, 10), "--to", "copy"]);
    fs.rmSync(place.at("work/things/more"));
    place.lines(["restore", id.slice(0, 10), "--to", "other"]);
    expect(compareFolders(place.at("work/other"), place.at("work/copy")).differences).toEqual([]);
    expect(place.run(["restore", id.slice(0, 10), "--to", "copy"]).status).toBe(1);
  });

  test("before the machine was started again: what is there is compared by content", async () => {
    using place = await cutPlace();
    const note = fs.readdirSync(place.at("work/copy")).find((name) => name.endsWith(".restore"))!;
    const path = place.at("work/copy", note);
    expect(fs.statSync(path).mode & 0o7777).toBe(0o600);
    const { boot, ...text } = JSON.parse(fs.readFileSync(path, "utf8")) as Record<string, unknown>;
    expect(boot).toBeString();
    fs.writeFileSync(path, JSON.stringify({ boot: "another", ...text }));
    // As a disk may be found that lost what was not written yet.
    const victim = fs
      .readdirSync(place.at("work/copy"))
      .find(
        (name) => name.startsWith("file ") && fs.statSync(place.at("work/copy", name)).size > 0,
      )!;
    const original = place.at("work/things", victim);
    fs.writeFileSync(place.at("work/copy", victim), Buffer.alloc(fs.statSync(original).size));
    Bun.spawnSync(["touch", "-r", original, place.at("work/copy", victim)]);
    place.lines(["restore", "latest", "--to", "copy"]);
    expect(compareFolders(place.at("work/things"), place.at("work/copy")).differences).toEqual([]);
  });

  test("a note that is somebody else's, or a link, opens nothing", async () => {
    using place = await cutPlace();
    const note = fs.readdirSync(place.at("work/copy")).find((name) => name.endsWith(".restore"))!;
    const path = join(place.at("work/copy"), note);
    const elsewhere = place.at("elsewhere");
    fs.renameSync(path, elsewhere);
    fs.symlinkSync(elsewhere, path);
    expect(place.run(["restore", "latest", "--to", "copy"]).status).toBe(1);
    fs.rmSync(path);
    fs.linkSync(elsewhere, path); // Some file of this user, under another name.
    expect(place.run(["restore", "latest", "--to", "copy"]).status).toBe(1);
    fs.rmSync(elsewhere);
    const text = fs.readFileSync(path);
    fs.writeFileSync(path, "another file of this user");
    expect(place.run(["restore", "latest", "--to", "copy"]).status).toBe(1);
    fs.writeFileSync(path, text);
    if (process.geteuid?.() !== 0) return;
    fs.chownSync(path, 12345, 12345);
    expect(place.run(["restore", "latest", "--to", "copy"]).status).toBe(1);
  });
});
