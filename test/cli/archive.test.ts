// Archives of the real program, read by GNU tar and unzip; streams of bytes to stdout.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  closeSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";

import { type Place, placeWithStore } from "../support/bunker.ts";
import { compareFolders } from "../support/compare.ts";
import { seededRandom } from "../support/random.ts";

const IS_ROOT = process.getuid?.() === 0;
const HAS_TAR = process.platform === "linux" && Bun.which("tar") !== null;
const HAS_ACLS = Bun.which("setfacl") !== null && Bun.which("setfattr") !== null;
const HAS_UNZIP = Bun.which("unzip") !== null;
const MIB = 1024 * 1024;

/** No byte of a name that unzip drops: control characters and 0xff. */
const RAW = Buffer.from([0x72, 0xfe, 0x80]);

let place: Place;
let things: string;

beforeAll(() => {
  place = placeWithStore();
  things = place.at("work/things");
  plant();
  place.lines(["backup", "things"]);
});

afterAll(() => place[Symbol.dispose]());

function raw(folder: string, name: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${folder}/`), name]);
}

function plant(): void {
  const random = seededRandom(1);
  const deep = join("d".repeat(200), "e".repeat(120));
  mkdirSync(join(things, deep), { recursive: true });
  mkdirSync(join(things, "empty folder"));
  place.write("things/text", "line\n".repeat(100_000));
  place.write("things/large", random.bytes(11 * MIB));
  place.write("things/nothing", "");
  place.write("things/ü", "not ASCII");
  place.write(`things/${deep}/${"f".repeat(250)}`, "far below");
  writeFileSync(raw(things, RAW), "raw name");
  linkSync(join(things, "text"), join(things, deep, "another name"));
  symlinkSync("../nowhere", join(things, "link"));
  symlinkSync("t".repeat(150), join(things, "long link"));
  chmodSync(join(things, "text"), 0o4755);
  chmodSync(join(things, "empty folder"), 0o500);
  utimesSync(join(things, "nothing"), 1, 1_234_567_890.5);
  lutimesSync(join(things, "link"), 1, 1_234_567_890);
  if (IS_ROOT) chownSync(join(things, "nothing"), 3_000_000, 12_345);
}

/** What only tar has a place for. */
function plantMore(folder: string): void {
  const file = openSync(join(folder, "sparse"), "w");
  writeSync(file, "middle", 6 * MIB);
  closeSync(file);
  truncateSync(join(folder, "sparse"), 30 * MIB);
  writeFileSync(join(folder, "hole"), "");
  truncateSync(join(folder, "hole"), 20 * MIB);
  writeFileSync(raw(folder, new Uint8Array(200).fill(0xff)), "a long raw name");
  writeFileSync(join(folder, "new\nline"), "");
  utimesSync(join(folder, "new\nline"), 1, -1.5);
  mkdirSync(join(folder, "lists"));
  const commands = [["mkfifo", "pipe"]];
  if (IS_ROOT) commands.push(["mknod", "device", "c", "1", "3"]);
  if (HAS_ACLS) {
    writeFileSync(join(folder, "marked"), "marked");
    commands.push(["setfattr", "-n", "user.plain", "-v", "value", "marked"]);
    commands.push(["setfattr", "-n", "user.a=b%c", "-v", "0x000aff", "marked"]);
    commands.push(["setfacl", "-m", "u:1234:r,g:4321:rwx", "marked"]);
    commands.push(["setfacl", "-d", "-m", "u:1234:rwx", "lists"]);
  }
  for (const command of commands) {
    const { exitCode, stderr } = Bun.spawnSync(command, { cwd: folder });
    if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr.toString()}`);
  }
}

function unpack(command: readonly string[], into: string): void {
  mkdirSync(into);
  const { exitCode, stderr } = Bun.spawnSync([...command], { cwd: into });
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${exitCode}\n${stderr.toString()}`);
}

function listOf(folder: string, command: string): string {
  const { stdout } = Bun.spawnSync(["bash", "-c", `${command} | LC_ALL=C sort`], { cwd: folder });
  return stdout.toString("latin1");
}

const TAR = ["tar", "-x", "-p", "--xattrs", "--xattrs-include=*", "--acls"];

describe.skipIf(!HAS_TAR)("GNU tar reads", () => {
  test.each(["C", "C.UTF-8"])("everything that tar can hold, in the locale %s", (locale) => {
    using own = placeWithStore();
    const folder = own.at("work/more");
    mkdirSync(folder);
    plantMore(folder);
    own.lines(["backup", "more"]);
    own.lines(["restore", "latest", "--format", "tar", "--to", "more.tar"]);
    unpack(["env", `LC_ALL=${locale}`, ...TAR, "-f", own.at("work/more.tar")], own.at("copy"));
    expect(compareFolders(folder, own.at("copy")).differences).toEqual([]);
    expect(statSync(own.at("copy/sparse")).blocks).toBe(statSync(join(folder, "sparse")).blocks);
    expect(statSync(own.at("copy/hole")).blocks).toBe(0);
    if (!HAS_ACLS) return;
    for (const command of ["getfacl -R -n -p .", "getfattr -R -h -d -m - -e hex ."]) {
      expect(listOf(own.at("copy"), command)).toBe(listOf(folder, command));
    }
    expect(listOf(folder, "getfacl -R -n -p .")).toContain("user:1234:r--");
  });

  test("a snapshot from a pipe, and its own folder's metadata", () => {
    const copy = place.at("from-pipe");
    const { stderr, status } = place.shell(
      `mkdir ${copy}; $BUNKER restore latest --format tar --to - | ${TAR.join(" ")} -C ${copy}; ` +
        `exit "\${PIPESTATUS[0]}"`,
    );
    expect([stderr, status]).toEqual(["", 0]);
    expect(compareFolders(things, copy).differences).toEqual([]);
  });

  test("several paths, each under its name", () => {
    const words = ["latest:./text", "latest:./empty folder", "--format", "tar", "--to", "two.tar"];
    place.lines(["restore", ...words]);
    const { stdout } = place.execute(["tar", "-tf", "two.tar"]);
    expect(stdout).toBe("text\nempty folder/\n");
  });
});

describe.skipIf(!HAS_TAR)("of a choice", () => {
  const upper = `${"d".repeat(200)}/`;
  const lower = `${upper}${"e".repeat(120)}/`;
  test.each([
    [
      ["--exclude", "[dlr]*"],
      ["./", "empty folder/", "nothing", "text", "ü"],
    ],
    [
      ["--include", "f*"],
      ["./", upper, lower, lower + "f".repeat(250)],
    ],
    [["--include", "large", "--exclude", "l*"], ["./"]],
  ])("%j", (choice, expected) => {
    const words = ["restore", "latest", "--format", "tar", "--overwrite", "--to", "some.tar"];
    place.lines([...words, ...choice]);
    const { stdout } = place.execute(["env", "LC_ALL=C.UTF-8", "tar", "-tf", "some.tar"]);
    expect(stdout.trimEnd().split("\n")).toEqual(expected);
  });
});

describe.skipIf(!HAS_UNZIP)("unzip reads", () => {
  test("files, folders and links, with modes and times", () => {
    const found = place.run(["restore", "latest", "--format", "zip", "--to", "a.zip"]);
    expect(found.stderr).toBe("bunker: zip keeps no hard links: each name has the content again\n");
    expect(found.stdout).toStartWith("wrote 7 files and 4 folders, ");
    expect(found.status).toBe(0);
    expect(place.execute(["unzip", "-tq", "a.zip"]).status).toBe(0);
    const keepOwners = IS_ROOT ? ["-X"] : [];
    unpack(
      ["env", "LC_ALL=C.UTF-8", "unzip", "-q", "-K", ...keepOwners, place.at("work/a.zip")],
      place.at("unzipped"),
    );
    const list = "find . -mindepth 1 -printf '%P %y %m %s %l %U\\n'";
    const sizes = (text: string): string => text.replace(/ d (\d+) \d+ /g, " d $1 ");
    const [copied, expected] = [place.at("unzipped"), things].map((at) => sizes(listOf(at, list)));
    expect(copied).toBe(expected!);
    const times = "find . -mindepth 1 ! -type l -printf '%P %Ts\\n'";
    expect(listOf(place.at("unzipped"), times)).toBe(listOf(things, times));
    for (const name of ["text", "large", "ü"]) {
      const copy = readFileSync(place.at("unzipped", name));
      expect(copy.equals(readFileSync(join(things, name)))).toBe(true);
    }
  });

  test("what has no place in a zip is left out, and named", () => {
    using own = placeWithStore();
    own.write("more/a", "a");
    Bun.spawnSync(["mkfifo", own.at("work/more/pipe")]);
    own.lines(["backup", "more"]);
    const words = ["restore", "latest", "--format", "zip", "--to", "a.zip", "--json"];
    const { stdout, stderr, status } = own.run(words);
    expect(stderr).toBe("bunker: pipe: zip has no place for what is a fifo: it is left out\n");
    expect(JSON.parse(stdout)).toEqual({
      target: "a.zip",
      files: 1,
      folders: 1,
      others: 0,
      bytes: 1,
      leftOut: 1,
      problems: 0,
    });
    expect(status).toBe(0);
  });
});

describe("to a file", () => {
  test("a name that is taken is kept, unless it is to be replaced", () => {
    const path = place.write("taken.tar", "mine");
    const words = ["restore", "latest:./text", "--format", "tar", "--to", "taken.tar"];
    const found = place.run(words);
    expect(found.stderr).toStartWith("bunker: error: taken.tar is there already\n");
    expect(found.status).toBe(1);
    expect(readFileSync(path, "utf8")).toBe("mine");
    place.lines([...words, "--overwrite"]);
    expect(statSync(path).size % 10_240).toBe(0);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test.each([
    ["things", 1, "expected a new file, found a folder"],
    ["../store/a.tar", 2, "expected a target outside the store"],
    ["nowhere/a.tar", 1, "ENOENT"],
  ])("%s: %d", (target, expected, text) => {
    const words = ["restore", "latest", "--format", "tar", "--overwrite", "--to", target];
    const { stderr, status } = place.run(words);
    expect(stderr).toContain(text);
    expect(status).toBe(expected);
  });

  test.skipIf(!IS_ROOT || process.platform !== "linux")("a full disk: 1, and no part stays", () => {
    const disk = place.at("disk");
    mkdirSync(disk);
    const { stdout, status } = place.shell(
      `mount -t tmpfs -o size=5m bunker-test ${disk} || exit 99; ` +
        `$BUNKER restore latest --format tar --to ${disk}/a.tar; status=$?; ` +
        `ls -A ${disk}; umount ${disk}; exit $status`,
    );
    if (status === 99) return; // Not even root may mount here.
    expect([stdout, status]).toEqual(["", 1]);
  });
});

describe("contradictions: 2", () => {
  test.each([
    ["latest --to -", "expected a file, found a folder"],
    ["latest:./text latest:./large --to -", "expected one file, found several"],
    ["latest --to a --format rar", "expected tar or zip, found rar"],
    ["latest --format tar", "where to restore to is not said"],
    ["latest --to - --format tar --json", "stdout is taken"],
    ["latest:./text latest:./text --to a --format tar", "two of the paths have the same name"],
    ["latest --to a --format tar --delete", "--delete is for a restore into a folder"],
  ])("%s", (words, text) => {
    const { stdout, stderr, status } = place.run(["restore", ...words.split(" ")]);
    expect(stderr).toContain(text);
    expect(stdout).toBe("");
    expect(status).toBe(2);
    expect(existsSync(place.at("work/a"))).toBe(false);
  });
});

// A reader that takes single bytes at first: the pipe is full by then.
const SLOW = "{ dd bs=1 count=20000 status=none; cat; }";

describe("to stdout", () => {
  test("a slow pipe gets one file whole", () => {
    const { stdout, stderr, status } = place.shell(
      `$BUNKER restore latest:./large --to - | ${SLOW} | cmp - things/large; ` +
        `echo "\${PIPESTATUS[@]}"`,
    );
    expect([stdout, stderr, status]).toEqual(["0 0 0\n", "", 0]);
  });

  test("a slow pipe gets a whole archive", () => {
    place.lines(["restore", "latest", "--format", "tar", "--to", "whole.tar"]);
    const { stdout } = place.shell(
      `$BUNKER restore latest --format tar --to - | ${SLOW} | cmp - whole.tar; ` +
        `echo "\${PIPESTATUS[@]}"`,
    );
    expect(stdout).toBe("0 0 0\n");
  });

  test.each(["latest:./large", "latest --format tar", "latest --format zip"])(
    "%s: a closed pipe is 141 and no word, a full disk 1",
    (words) => {
      const closed = place.shell(
        `$BUNKER restore ${words} --to - | head -c 100 >/dev/null; exit "\${PIPESTATUS[0]}"`,
      );
      expect([closed.stderr, closed.status]).toEqual(["", 141]);
      const full = place.shell(`$BUNKER restore ${words} --to - >/dev/full`);
      expect(full.stderr).toContain(
        "bunker: error: cannot write the output: no space left (ENOSPC)",
      );
      expect(full.status).toBe(1);
    },
  );
});

/** Damages the pack that holds the beginning of the file of 11 MiB, or that of the small ones. */
function damaged(own: Place, at: (bytes: number) => number): void {
  const folder = own.at("store/packs");
  const [pack] = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort((one, other) => statSync(other).size - statSync(one).size);
  const bytes = readFileSync(pack!);
  bytes[at(bytes.length)]! ^= 1;
  rmSync(pack!);
  writeFileSync(pack!, bytes);
}

describe("damage", () => {
  test.skipIf(!HAS_TAR)("a small file is left out: 13, and the archive is whole", () => {
    using own = placeWithStore();
    const random = seededRandom(1);
    for (const name of ["a", "b", "c"]) own.write(`few/${name}`, random.bytes(300_000));
    own.lines(["backup", "few"]);
    damaged(own, () => 450_000);
    const found = own.run(["restore", "latest", "--format", "tar", "--to", "a.tar"]);
    expect(found.stderr).toContain("bunker: warning: b: ");
    expect(found.stdout).toStartWith("wrote 2 files ");
    expect(found.status).toBe(13);
    expect(own.execute(["tar", "-tf", "a.tar"]).stdout).toBe("./\na\nc\n");
  });

  test.each(["tar", "zip"])("%s stops in the middle of a large file: 13", (format) => {
    using own = placeWithStore();
    own.write("few/large", seededRandom(1).bytes(12 * MIB));
    own.lines(["backup", "few"]);
    damaged(own, (bytes) => bytes / 2);
    const words = ["restore", "latest", "--format", format, "--to"];
    const toFile = own.run([...words, "a.archive"]);
    expect(toFile.stderr).toContain("large: the archive ends in the middle of it");
    expect(toFile.status).toBe(13);
    expect(readdirSync(own.at("work"))).toEqual(["few"]);
    const { stdout } = own.shell(
      `$BUNKER ${words.join(" ")} - 2>/dev/null >cut; echo $?; ${format === "tar" ? "tar -tf cut" : "unzip -tq cut"} >/dev/null 2>&1 || echo unfinished`,
    );
    expect(stdout).toBe("13\nunfinished\n");
  });

  test("a file alone stops where its damage begins: 13", () => {
    using own = placeWithStore();
    own.write("large", seededRandom(1).bytes(12 * MIB));
    own.lines(["backup", "large"]);
    damaged(own, (bytes) => bytes / 2);
    const { stdout } = own.shell(
      `$BUNKER restore latest:./large --to - 2>/dev/null >cut; echo $?; cmp cut large 2>&1`,
    );
    expect(stdout).toMatch(/^13\ncmp: EOF on cut after byte [1-9]/);
  });
});

test("an interrupted archive leaves no file", async () => {
  const child = place.start(["restore", "latest", "--format", "zip", "--to", "cut.zip"]);
  const isPart = (name: string): boolean => name.endsWith(".part");
  while (!readdirSync(place.at("work")).some(isPart)) {
    if (child.exitCode !== null) throw new Error("the archive was written before it was seen");
    await new Promise((resolve) => setImmediate(resolve));
  }
  child.kill("SIGINT");
  expect(await child.exited).toBe(130);
  const names = readdirSync(place.at("work"));
  expect(names.filter((name) => isPart(name) || name === "cut.zip")).toEqual([]);
});
