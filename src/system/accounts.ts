// Accounts: the names of users and groups, from the system's two text files, read once.

import { readFileSync } from "node:fs";

export interface Accounts {
  /** Returns `undefined` for a number without a name. */
  userName(userId: number): string | undefined;
  groupName(groupId: number): string | undefined;
}

/** Reads the names that this machine knows; a file that can't be read gives none. */
export function readAccounts(users = "/etc/passwd", groups = "/etc/group"): Accounts {
  const userNames = namesIn(users);
  const groupNames = namesIn(groups);
  return {
    userName: (userId) => userNames.get(userId),
    groupName: (groupId) => groupNames.get(groupId),
  };
}

// Lines of name:password:number:…; the first name of a number is the one that counts.
function namesIn(path: string): Map<number, string> {
  const names = new Map<number, string>();
  for (const line of textIn(path).split("\n")) {
    const [name, , number] = line.split(":");
    if (!name || !number || !/^\d{1,10}$/.test(number)) continue;
    if (!names.has(Number(number))) names.set(Number(number), name);
  }
  return names;
}

function textIn(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // Minimal machines have no such file: numbers are all there is.
  }
}
