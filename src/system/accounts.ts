// Accounts: the names of users and groups, from the system's two text files, read once.

import { readFileSync } from "node:fs";

export interface Accounts {
  /** Returns `undefined` for a number without a name. */
  userName(userId: number): string | undefined;
  groupName(groupId: number): string | undefined;
}

export interface AccountTable extends Accounts {
  /** Returns `undefined` for a name that is not known. */
  userIdOf(name: string): number | undefined;
  groupIdOf(name: string): number | undefined;
}

/** Reads the names that this machine knows; a file that can't be read gives none. */
export function readAccounts(users = "/etc/passwd", groups = "/etc/group"): AccountTable {
  const known = { users: tableIn(users), groups: tableIn(groups) };
  return {
    userName: (userId) => known.users.names.get(userId),
    groupName: (groupId) => known.groups.names.get(groupId),
    userIdOf: (name) => known.users.numbers.get(name),
    groupIdOf: (name) => known.groups.numbers.get(name),
  };
}

interface Table {
  readonly names: Map<number, string>;
  readonly numbers: Map<string, number>;
}

// Lines of name:password:number:…; the first line of a number, or of a name, is the one that counts.
function tableIn(path: string): Table {
  const names = new Map<number, string>();
  const numbers = new Map<string, number>();
  for (const line of textIn(path).split("\n")) {
    const [name, , number] = line.split(":");
    if (!name || !number || !/^\d{1,10}$/.test(number)) continue;
    if (!names.has(Number(number))) names.set(Number(number), name);
    if (!numbers.has(name)) numbers.set(name, Number(number));
  }
  return { names, numbers };
}

function textIn(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // Minimal machines have no such file: numbers are all there is.
  }
}
