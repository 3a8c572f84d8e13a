// Attributes in tests: set and seen by other programs, where the file system of the temporary
// folder knows them, and this user may.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Metadata } from "../../src/base/entry.ts";
import { textOf, utf8 } from "../../src/base/bytes.ts";
import type { FileSystem } from "../../src/system/files.ts";
import { openFileSystem } from "../../src/system/open.ts";
import { meddledFiles } from "./files.ts";
import { tempDir } from "./temp.ts";

export const IS_ROOT = process.geteuid?.() === 0;

/** Whether files of the temporary folder have attributes of users, ACLs, and what only root sets. */
export const HAS_ATTRIBUTES = takes("user.bunker", "x");
export const HAS_TRUSTED = IS_ROOT && takes("trusted.bunker", "x");
export const HAS_ACLS = HAS_ATTRIBUTES && Bun.which("setfacl") !== null && takesAcl();

if (!HAS_ATTRIBUTES) console.log("skipped: the temporary folder has no extended attributes");
else if (!HAS_ACLS) console.log("skipped: the temporary folder has no ACLs, or setfacl is missing");
if (!HAS_TRUSTED) console.log("skipped: attributes that only root may set");

function takes(name: string, value: string): boolean {
  using temp = tempDir();
  writeFileSync(join(temp.path, "file"), "");
  const files = openFileSystem();
  const folder = files.openFolder(undefined, utf8(temp.path));
  try {
    const file = { folder, name: utf8("file"), type: "file" } as const;
    files.attributes.set(file, utf8(name), utf8(value));
    return files.attributes.get(file, utf8(name)) !== undefined;
  } catch {
    return false;
  } finally {
    files.close(folder);
  }
}

function takesAcl(): boolean {
  using temp = tempDir();
  return Bun.spawnSync(["setfacl", "-m", "u:1234:r", temp.path], { stderr: "ignore" }).success;
}

/** Runs a program and gives what it says; fails where it fails. */
export function tool(...command: readonly string[]): string {
  const { success, stdout, stderr } = Bun.spawnSync([...command]);
  if (!success) throw new Error(`${command.join(" ")}: ${stderr.toString()}`);
  return stdout.toString();
}

/** Attributes as the metadata of an entry has them, in the order of their names. */
export function attributesOf(
  values: Readonly<Record<string, string>>,
): NonNullable<Metadata["attributes"]> {
  return Object.entries(values)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => ({ name: utf8(name), value: utf8(value) }));
}

/** The machine's file system, counting the calls for attributes that are made through it. */
export function countedAttributes(): { readonly files: FileSystem; readonly asked: string[] } {
  const asked: string[] = [];
  const files = meddledFiles(({ attributes }) => ({
    attributes: {
      list(of, deviceId) {
        asked.push(`list ${typeof of === "number" ? "open" : textOf(of.name)}`);
        return attributes.list(of, deviceId);
      },
      get(of, name) {
        asked.push(`get ${textOf(name)}`);
        return attributes.get(of, name);
      },
      set: (of, name, value) => attributes.set(of, name, value),
      remove: (of, name) => attributes.remove(of, name),
    },
  }));
  return { files, asked };
}
