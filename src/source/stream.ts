// The stream source: one file that is in no file system, its content read from a pipe.
//
// NAME is as a path from the root: "dump.sql" is backed up as if it were the file /dump.sql, and
// "db/dump.sql" as if it were in the folder /db.

import { hostname } from "node:os";
import { type Bytes, concatBytes, textOf, utf8 } from "../base/bytes.ts";
import type { Metadata, Time } from "../base/entry.ts";
import { BunkerError } from "../base/errors.ts";
import { NAME_BYTES_MAX, TREE_DEPTH_MAX } from "../base/limits.ts";
import type { Accounts } from "../system/accounts.ts";
import { joinPath, splitPath } from "../system/paths.ts";
import type { ContentStream, SharedFolder, Source, WalkEvent } from "./source.ts";

const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
const NO_NAME = new Uint8Array(0);
const SLASH = utf8("/");

export interface StreamSourceOptions {
  readonly name: string;
  /** Gives what comes next; see `ContentStream`. */
  readonly read: ContentStream["read"];
  readonly userId: number;
  readonly groupId: number;
  readonly accounts: Accounts;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** A source of one file. Throws `invalid-argument` where the name is none. */
export function openStreamSource(options: StreamSourceOptions): Source {
  const parts = partsOf(options.name);
  const path = concatBytes(SLASH, joinPath(parts));
  let isSpent = false;
  return {
    limits: [],
    describe: () => ({ host: hostname(), paths: [textOf(rootPath(parts))] }),
    walk() {
      if (isSpent) {
        throw new BunkerError("unavailable", `${textOf(path)}: a stream can't be read twice`, {
          hint: "run the backup again",
        });
      }
      isSpent = true;
      return walk(parts, options);
    },
  };
}

function* walk(
  parts: readonly Bytes[],
  options: StreamSourceOptions,
): Generator<WalkEvent, void, void> {
  const path = rootPath(parts);
  // The files of a real folder of that name keep the states that they have.
  yield { kind: "root", path, index: 0, statesAs: concatBytes(utf8("stream:"), path) };
  const folders = parts.slice(0, -1);
  for (const [index, name] of folders.entries()) {
    const folder = unopened(parts.slice(0, index + 1));
    const named = index === 0 ? NO_NAME : name;
    yield { kind: "enter", metadata: metadataOf(options, named, "folder"), folder };
  }
  yield fileEvent(parts, options);
  for (const _ of folders) yield { kind: "leave" };
}

function fileEvent(parts: readonly Bytes[], options: StreamSourceOptions): WalkEvent {
  const metadata = metadataOf(options, parts.at(-1)!, "file");
  const { read, groupId } = options;
  return {
    kind: "entry",
    metadata,
    changed: metadata.modified,
    inode: 0,
    deviceId: 0,
    folder: unopened(parts.slice(0, -1)),
    stream: { read, mode: FILE_MODE, groupId },
  };
}

function metadataOf(
  { userId, groupId, accounts, now }: StreamSourceOptions,
  name: Bytes,
  type: "file" | "folder",
): Metadata {
  const userName = accounts.userName(userId);
  const groupName = accounts.groupName(groupId);
  return {
    name,
    type,
    mode: type === "file" ? FILE_MODE : FOLDER_MODE,
    userId,
    groupId,
    ...(userName === undefined ? {} : { userName }),
    ...(groupName === undefined ? {} : { groupName }),
    modified: timeOf(now()),
    size: 0,
  };
}

function timeOf(milliseconds: number): Time {
  const seconds = Math.floor(milliseconds / 1000);
  return { seconds, nanoseconds: Math.round((milliseconds - seconds * 1000) * 1e6) };
}

// Nothing is read from such a folder: it is a name and no more.
function unopened(parts: readonly Bytes[]): SharedFolder {
  return {
    descriptor: -1,
    path: () => concatBytes(SLASH, joinPath(parts)),
    retain() {},
    release() {},
  };
}

/** The file itself, or the folder that it is in, however deep. */
function rootPath(parts: readonly Bytes[]): Bytes {
  return concatBytes(SLASH, parts[0]!);
}

function partsOf(name: string): Bytes[] {
  const wrong = (what: string): BunkerError =>
    new BunkerError("invalid-argument", `--stdin-name ${name}: ${what}`, { subject: name });
  if (!name.isWellFormed() || name.includes("\0")) throw wrong("expected a name");
  const parts = splitPath(utf8(name));
  if (parts.length === 0 || name.endsWith("/")) throw wrong("expected the name of a file");
  if (parts.length > TREE_DEPTH_MAX) throw wrong("too many folders");
  for (const part of parts) {
    const text = textOf(part);
    if (text === "." || text === "..") throw wrong(`expected a name, found ${text}`);
    if (part.length > Math.min(255, NAME_BYTES_MAX)) throw wrong("a name has at most 255 bytes");
  }
  return parts;
}
