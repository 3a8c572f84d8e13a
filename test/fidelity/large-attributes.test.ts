// Large attributes: of 64 KiB, as a tmpfs takes them, and ext4 does not: they come back where they
// may, and elsewhere the file is named, and it and all others are whole but for them.

import { describe, expect, test } from "bun:test";

import { tmpdir } from "node:os";

import { hindrance, Trial } from "./trial.ts";

const MEMORY_FOLDER = "/dev/shm";
const SET_LARGE = `setfattr -n user.large -v 0s$(head -c 65536 /dev/zero | base64 -w 0)`;

/** Whether a file of 64 KiB of attributes can be made in this folder, and looked at. */
function takesLarge(folder: string): boolean {
  const script = `
    set -eu; file=$(mktemp -p "$1"); trap 'rm "$file"' EXIT
    ${SET_LARGE} "$file" 2>/dev/null; getfattr -n user.large "$file" > /dev/null 2>&1`;
  return Bun.spawnSync(["bash", "-c", script, "bash", folder]).success;
}

const tool = ["setfattr", "getfattr", "mktemp"].find((name) => Bun.which(name) === null);
const hindered =
  process.platform === "linux"
    ? tool === undefined
      ? takesLarge(MEMORY_FOLDER)
        ? undefined
        : `${MEMORY_FOLDER} takes no attributes of 64 KiB`
      : `${tool} is missing`
    : hindrance("user");
if (hindered !== undefined) console.log(`skipped: attributes of 64 KiB: ${hindered}`);

const LIST = `find . -type f -exec sha256sum {} + -exec stat -c '%n %a %y' {} + | sort
  find . -mindepth 1 | sort | xargs getfattr -d -m - -e hex`;

describe.skipIf(hindered !== undefined)("attributes of 64 KiB", () => {
  /** A folder in memory, taken away at the end. */
  function memoryFolder(trial: Trial): Disposable & { readonly path: string } {
    const path = trial.script(".", `mktemp -d -p ${MEMORY_FOLDER}`).trim();
    return { path, [Symbol.dispose]: () => void trial.script(".", `rm -rf ${path}`) };
  }

  function fill(trial: Trial, path: string): void {
    trial.script(
      path,
      `mkdir tree; cd tree; echo 1 > before; echo 2 > file; echo 3 > then; mkdir folder
       for each in before file then folder; do setfattr -n user.small -v $each $each; done
       ${SET_LARGE} file; ${SET_LARGE} folder; touch -d '2017-01-07 10:17:17.1717' *`,
    );
  }

  test("come back where they may", () => {
    using trial = new Trial("root", []);
    using memory = memoryFolder(trial);
    fill(trial, memory.path);
    expect(trial.bunker(["backup", `${memory.path}/tree`])).toMatchObject({
      stderr: "",
      status: 0,
    });
    const restored = trial.bunker(["restore", "latest", "--to", `${memory.path}/copy`]);
    expect(restored).toMatchObject({ stderr: "", status: 0 });
    expect(trial.script(`${memory.path}/copy`, LIST)).toBe(
      trial.script(`${memory.path}/tree`, LIST),
    );
  });

  test.skipIf(takesLarge(tmpdir()))(
    "are named where they may not, and all the rest is whole",
    () => {
      using trial = new Trial("root", []);
      using memory = memoryFolder(trial);
      fill(trial, memory.path);
      trial.bunker(["backup", `${memory.path}/tree`]);
      const { stderr, status } = trial.bunker(["restore", "latest", "--to", "copy"]);
      expect(stderr).toMatch(/^bunker: warning: file: [^\n]*user\.large/m);
      expect(stderr).toMatch(/^bunker: warning: folder: [^\n]*user\.large/m);
      expect(stderr.trimEnd().split("\n")).toHaveLength(2);
      expect(status).toBe(3);
      const withoutLarge = (list: string) => list.replaceAll(/^user\.large=.*\n/gm, "");
      expect(trial.script("copy", LIST)).toBe(
        withoutLarge(trial.script(`${memory.path}/tree`, LIST)),
      );
    },
  );
});
