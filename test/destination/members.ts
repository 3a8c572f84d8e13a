// Members: what the tests of archives put into them.

import { type Bytes, concatBytes, utf8 } from "../../src/base/bytes.ts";
import type { Metadata } from "../../src/base/entry.ts";
import type { Archive, Member, Sink } from "../../src/destination/archive.ts";

export const TIME = { seconds: 1_700_000_000, nanoseconds: 0 };

export function fileNamed(name: string | Bytes, size = 0): Metadata {
  return {
    name: typeof name === "string" ? utf8(name) : name,
    type: "file",
    mode: 0o644,
    userId: 1000,
    groupId: 1000,
    modified: TIME,
    size,
  };
}

export function memberOf(metadata: Metadata, ...folders: readonly string[]): Member {
  return { path: [...folders.map((folder) => utf8(folder)), metadata.name], metadata };
}

/** The bytes of an archive. */
export async function archived(
  form: new (sink: Sink) => Archive,
  fill: (archive: Archive) => Promise<void>,
): Promise<Bytes> {
  const parts: Bytes[] = [];
  const archive = new form((bytes) => {
    parts.push(bytes.slice());
    return Promise.resolve();
  });
  await fill(archive);
  await archive.finish();
  return concatBytes(...parts);
}
