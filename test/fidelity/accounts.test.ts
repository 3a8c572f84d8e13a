// Accounts: owners by name, on a machine whose names have other numbers. The machine's lists of
// names are covered by others in a mount namespace of the run.

import { describe, expect, test } from "bun:test";

import { Trial, hindrance } from "./trial.ts";

const hindered =
  hindrance("root") ?? (Bun.which("unshare") === null ? "unshare is missing" : undefined);
if (hindered !== undefined) console.log(`skipped: owners by name: ${hindered}`);

/** Lines as of /etc/passwd and /etc/group. */
function accountsOf(numbers: Readonly<Record<string, number>>): { users: string; groups: string } {
  const entries = [["root", 0] as const, ...Object.entries(numbers)];
  const users = entries.map(([name, id]) => `${name}:x:${id}:${id}::/:/bin/sh`);
  const groups = entries.map(([name, id]) => `${name}:x:${id}:`);
  return { users: users.join("\n") + "\n", groups: groups.join("\n") + "\n" };
}

/** Runs a script with these names in place of the machine's. */
function withAccounts(trial: Trial, numbers: Readonly<Record<string, number>>, script: string) {
  const { users, groups } = accountsOf(numbers);
  trial.place.write("users", users);
  trial.place.write("groups", groups);
  const mounts = "mount --bind users /etc/passwd; mount --bind groups /etc/group";
  return trial.place.shell(`unshare --mount bash -euc '${mounts}; ${script}'`);
}

const OWNERS = { alice: 4001, friends: 4002, gone: 4003 };
const LIST = `stat -c "%n %u:%g" copy/*`;

describe.skipIf(hindered !== undefined)("owners by name", () => {
  function trialWithOwners(): Trial {
    const trial = new Trial("root", []);
    trial.script(
      "tree",
      `echo 1 > file; ln -s file link; mkdir folder; echo 2 > nobody; echo 3 > vanished
       chown -h 4001:4002 file link folder; chown 4009:4009 nobody; chown 4003:4001 vanished`,
    );
    const made = withAccounts(trial, OWNERS, `$BUNKER backup tree`);
    expect(made).toMatchObject({ stderr: "", status: 0 });
    return trial;
  }

  test("are those of the machine restored to; numbers where it has no such name", () => {
    using trial = trialWithOwners();
    const found = withAccounts(
      trial,
      { alice: 5001, friends: 5002 },
      `$BUNKER restore latest --to copy > result; ${LIST}`,
    );
    expect(found).toMatchObject({ stderr: "", status: 0 });
    expect(found.stdout).toBe(
      ["file", "folder", "link"].map((name) => `copy/${name} 5001:5002\n`).join("") +
        "copy/nobody 4009:4009\ncopy/vanished 4003:5001\n",
    );
  });

  test("are not looked at with --numeric-ids", () => {
    using trial = trialWithOwners();
    const found = withAccounts(
      trial,
      { alice: 5001, friends: 5002 },
      `$BUNKER restore latest --numeric-ids --to copy > result; ${LIST}`,
    );
    expect(found).toMatchObject({ stderr: "", status: 0 });
    expect(found.stdout).toBe(
      ["file", "folder", "link"].map((name) => `copy/${name} 4001:4002\n`).join("") +
        "copy/nobody 4009:4009\ncopy/vanished 4003:4001\n",
    );
  });
});
