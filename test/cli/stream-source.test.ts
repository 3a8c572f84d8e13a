// `backup --stdin` and `backup --command`: what comes in becomes one file, or nothing does.

import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";

import { BY_PASSPHRASE, PASSPHRASE, type Place, placeWithStore } from "../support/bunker.ts";
import { seededRandom } from "../support/random.ts";

const BYTES = seededRandom(1).bytes(5_000_000);

interface Entry {
  readonly modified: { readonly seconds: number; readonly nanoseconds: number };
}

function snapshotCount(place: Place): number {
  return place.json(["snapshots"]).length;
}

describe("stdin", () => {
  test("becomes one file, with this user and this time", () => {
    using place = placeWithStore();
    place.write("in", BYTES);
    const before = Date.now();
    const { stdout, stderr, status } = place.shell(
      "cat in | $BUNKER backup --stdin --stdin-name dump.sql --json",
    );
    expect([stderr, status]).toEqual(["", 0]);
    const counts = { files: 1, folders: 0, others: 0, contentBytes: BYTES.length, problems: 0 };
    expect(JSON.parse(stdout)).toMatchObject(counts);
    const [entry] = place.json<Entry>(["ls", "latest"]);
    const user = { userId: process.getuid?.(), groupId: process.getgid?.() };
    expect(entry).toMatchObject({ size: BYTES.length, mode: 0o600, type: "file", ...user });
    const { seconds, nanoseconds } = entry!.modified;
    const modified = seconds * 1000 + nanoseconds / 1e6;
    expect(modified).toBeGreaterThanOrEqual(before);
    expect(modified).toBeLessThanOrEqual(Date.now());
    for (const path of ["/dump.sql", "./dump.sql"]) {
      const out = place.shell(`$BUNKER cat latest:${path} | cmp - in`);
      expect([out.stdout, out.stderr, out.status]).toEqual(["", "", 0]);
    }
    place.lines(["restore", "latest", "--to", "copy"]);
    expect(readFileSync(place.at("work/copy/dump.sql")).equals(BYTES)).toBe(true);
    expect(place.lines(["check", "--read-data"])[0]).toEndWith("no errors");
  });

  test("is known again: the second time little is stored", () => {
    using place = placeWithStore();
    place.write("in", BYTES);
    const words = "$BUNKER backup --stdin --stdin-name dump.sql --json <in";
    place.shell(words);
    const { stdout } = place.shell(words);
    expect((JSON.parse(stdout) as { storedBytes: number }).storedBytes).toBeLessThan(10_000);
  });

  test("of no bytes is an empty file", () => {
    using place = placeWithStore();
    const { status } = place.shell("$BUNKER backup --stdin --stdin-name none </dev/null");
    expect(status).toBe(0);
    expect(place.json(["ls", "latest"])).toMatchObject([{ size: 0, type: "file" }]);
  });

  test("a name with slashes makes folders", () => {
    using place = placeWithStore();
    place.shell("echo mail | $BUNKER backup --stdin --stdin-name /db/new/mail.sql");
    expect(place.lines(["ls", "-R", "latest"])).toEqual(["new/", "new/mail.sql"]);
    expect(place.lines(["cat", "latest:/db/new/mail.sql"])).toEqual(["mail"]);
    expect(place.json(["snapshots"])[0]).toMatchObject({ roots: [{ path: "/db" }] });
  });

  test("a folder as stdin can't be read: 1, and no snapshot", () => {
    using place = placeWithStore();
    const { stderr, status } = place.shell("$BUNKER backup --stdin --stdin-name a <../store");
    expect(stderr).toContain("bunker: error: stdin: reading: it is a folder (EISDIR)");
    expect(status).toBe(1);
    expect(snapshotCount(place)).toBe(0);
  });
});

describe("a program", () => {
  const NAMED = ["backup", "--stdin-name", "out", "--command", "--"];

  test("that ends well: what it wrote, and its stderr is seen", () => {
    using place = placeWithStore();
    const script = "echo -n one; echo seen >&2; echo -n two >/dev/stdout";
    const { stderr, status } = place.run([...NAMED, "sh", "-c", script]);
    expect([stderr, status]).toEqual(["seen\n", 0]);
    expect(place.run(["cat", "latest:/out"]).stdout).toBe("onetwo");
  });

  test("gets its arguments as they are, without a shell", () => {
    using place = placeWithStore();
    place.lines([...NAMED, "printf", "%s|", "a b", "$HOME", "--json", "*"]);
    expect(place.run(["cat", "latest:/out"]).stdout).toBe("a b|$HOME|--json|*|");
  });

  test("gets nothing of what opens the store", () => {
    using place = placeWithStore();
    const { status } = place.run([...NAMED, "env"], BY_PASSPHRASE);
    expect(status).toBe(0);
    const { stdout } = place.run(["cat", "latest:/out"]);
    expect(stdout).toContain("HOME=");
    expect(stdout).not.toContain(PASSPHRASE);
    expect(stdout).not.toContain("BUNKER_PASSPHRASE");
  });

  test.each([
    [["sh", "-c", "seq 1 100000; exit 3"], "sh ended with status 3: no snapshot was made"],
    [["sh", "-c", "seq 1 100; kill -9 $$"], "sh ended by SIGKILL: no snapshot was made"],
    [["no-such-program"], "no-such-program can't be started: there is no such program"],
    [["./plain"], "./plain can't be started: it is not executable"],
  ])("%j: 1, and no snapshot", (command, text) => {
    using place = placeWithStore();
    place.write("plain", "text");
    const { stdout, stderr, status } = place.run([...NAMED, ...command]);
    expect(stderr).toBe(`bunker: error: ${text}\n`);
    expect(stdout).toBe("");
    expect(status).toBe(1);
    expect(snapshotCount(place)).toBe(0);
    expect(place.lines(["check", "--read-data"])[0]).toEndWith("no errors");
  });

  test("that has failed is not waited for any longer, whoever else holds its pipe", async () => {
    using place = placeWithStore();
    const script = "sleep 600 2>/dev/null & echo $! >pid; echo begun; exit 3";
    const { stderr, status } = place.run([...NAMED, "sh", "-c", script]);
    const pid = await numberIn(place.at("work/pid"));
    expect(isRunning(pid)).toBe(true);
    process.kill(pid);
    expect(stderr).toBe("bunker: error: sh ended with status 3: no snapshot was made\n");
    expect(status).toBe(1);
  });

  test("what a failed one wrote is found again by the next", () => {
    using place = placeWithStore();
    place.write("in", seededRandom(2).bytes(40_000_000));
    place.run([...NAMED, "sh", "-c", "cat in; exit 1"]);
    const { stdout } = place.run([...NAMED.slice(0, -1), "--json", "--", "cat", "in"]);
    expect((JSON.parse(stdout) as { storedBytes: number }).storedBytes).toBeLessThan(40_000_000);
    expect(place.lines(["check", "--read-data"])[0]).toEndWith("no errors");
  });

  test("is ended when the backup is interrupted: 130", async () => {
    using place = placeWithStore();
    const child = place.start([...NAMED, "sh", "-c", "echo $$ >pid; echo begun; exec sleep 600"]);
    const pid = await numberIn(place.at("work/pid"));
    child.kill("SIGINT");
    expect(await child.exited).toBe(130);
    expect(await new Response(child.stderr).text()).toContain("interrupted before the snapshot");
    expect(isRunning(pid)).toBe(false);
    expect(snapshotCount(place)).toBe(0);
  });

  test("is ended when the store can't be written", async () => {
    using place = placeWithStore();
    const script =
      "echo $$ >pid; rm -rf ../store/packs; echo >../store/packs; exec cat /dev/urandom";
    const { status } = place.run([...NAMED, "sh", "-c", script]);
    expect(status).not.toBe(0);
    expect(isRunning(await numberIn(place.at("work/pid")))).toBe(false);
  });
});

test("a backup whose stdin stays silent is ended at once by a signal: 130", async () => {
  using place = placeWithStore();
  const program = place.shell("echo -n $BUNKER").stdout;
  // It reads from a pipe that this shell holds open; begun is there when the first bytes were taken.
  const script =
    "mkfifo pipe; exec 3<>pipe; head -c 3000000 /dev/zero >&3 & " +
    `${program} backup --stdin --stdin-name a <pipe 3>&- & child=$!; ` +
    "wait %1; kill -INT $child; wait $child; echo $?";
  const { stdout, stderr } = place.shell(script);
  expect(stderr).toContain("interrupted before the snapshot was made");
  expect(stdout).toBe("130\n");
});

describe("contradictions: 2", () => {
  test.each([
    ["--stdin", "what comes in has no name"],
    ["--stdin --stdin-name a b", "expected no source beside it, found b"],
    ["--stdin --stdin-name ../a", "expected a name, found .."],
    ["--stdin --stdin-name a/", "expected the name of a file"],
    ["--stdin --stdin-name /", "expected the name of a file"],
    ["--stdin-name a things", "expected --stdin or --command with it"],
    ["--stdin-name a --command", "expected a program, found nothing"],
    ["--stdin-name a --stdin --command -- true", "found both"],
    ["--stdin-name a --stdin --exclude b", "--exclude is for files and folders"],
    ["--stdin-name a --stdin --dry-run", "--dry-run is for files and folders"],
  ])("backup %s", (words, text) => {
    using place = placeWithStore();
    const { stderr, status } = place.run(["backup", ...words.split(" ")]);
    expect(stderr).toContain(text);
    expect(status).toBe(2);
  });
});

async function numberIn(path: string): Promise<number> {
  for (;;) {
    const text = existsSync(path) ? readFileSync(path, "utf8") : "";
    if (text.endsWith("\n")) return Number(text);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

// What has ended and nobody has asked about is no longer running.
function isRunning(pid: number): boolean {
  const path = `/proc/${pid}/stat`;
  return existsSync(path) && !/\) Z /.test(readFileSync(path, "utf8"));
}
