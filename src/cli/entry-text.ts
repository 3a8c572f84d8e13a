// Entry text: what is in a snapshot, as lines for people and as JSON.

import type { Bytes } from "../base/bytes.ts";
import type { Entry, EntryType, Time } from "../base/entry.ts";
import { hexId } from "../base/ids.ts";
import { isFolder, type Node } from "../store/paths.ts";
import { jsonName, printableName, printableText } from "./names.ts";
import { formatBytes } from "./progress.ts";

const LETTERS: Readonly<Record<EntryType, string>> = {
  file: "-",
  folder: "d",
  link: "l",
  fifo: "p",
  socket: "s",
  char: "c",
  block: "b",
  object: "o",
};
const ACCESS_LIST = "system.posix_acl_access";
const TIME_MS_MAX = 8.64e15;

export interface LineChoices {
  readonly long: boolean;
  /** Sizes as 1.2 MiB. */
  readonly human: boolean;
}

/** One line for a person; `name` is how its name or path is shown. */
export function entryLine(node: Node, name: string, { long, human }: LineChoices): string {
  if (!long || node.kind === "way") return isFolder(node) ? `${name.replace(/\/$/, "")}/` : name;
  const { entry } = node;
  const user = printableText(entry.userName ?? String(entry.userId));
  const owner = `${user}:${printableText(entry.groupName ?? String(entry.groupId))}`;
  const target = entry.target === undefined ? "" : ` -> ${printableName(entry.target)}`;
  const mode = LETTERS[entry.type] + modeText(entry.mode) + attributeMark(entry);
  const size = sizeText(entry, human).padStart(human ? 10 : 12);
  return `${mode} ${owner} ${size} ${timeText(entry.modified)} ${name}${target}`;
}

function sizeText({ size, device }: Entry, human: boolean): string {
  if (device !== undefined) return `${device.major},${device.minor}`;
  return human ? formatBytes(size) : String(size);
}

// As ls has it where there is an access control list; an @ for any other attributes.
function attributeMark({ attributes = [] }: Entry): string {
  if (attributes.some(({ name }) => printableName(name) === ACCESS_LIST)) return "+";
  return attributes.length > 0 ? "@" : "";
}

/** `rwxr-xr-x`, with s, S, t and T where they belong. */
export function modeText(mode: number): string {
  const bits = "rwxrwxrwx".split("").map((letter, i) => ((mode >> (8 - i)) & 1 ? letter : "-"));
  const special = [
    [0o4000, 2, "s"],
    [0o2000, 5, "s"],
    [0o1000, 8, "t"],
  ] as const;
  for (const [bit, at, letter] of special) {
    if ((mode & bit) !== 0) bits[at] = bits[at] === "x" ? letter : letter.toUpperCase();
  }
  return bits.join("");
}

/** A file's time in this machine's time zone; one that no calendar has, as seconds since 1970. */
export function timeText({ seconds }: Time): string {
  return Math.abs(seconds) * 1000 <= TIME_MS_MAX ? localTime(seconds * 1000) : `@${seconds}`;
}

/** Year to second, in this machine's time zone. */
export function localTime(ms: number): string {
  const date = new Date(ms);
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** All that the snapshot has of it. */
export function jsonOfNode(node: Node, path: Bytes): Record<string, unknown> {
  if (node.kind === "way") return { ...jsonName(path, "path"), type: "folder" };
  const { entry } = node;
  return {
    ...jsonName(path, "path"),
    type: entry.type,
    mode: entry.mode,
    userId: entry.userId,
    groupId: entry.groupId,
    ...(entry.userName === undefined ? {} : { userName: entry.userName }),
    ...(entry.groupName === undefined ? {} : { groupName: entry.groupName }),
    size: entry.size,
    modified: entry.modified,
    ...(entry.target === undefined ? {} : jsonName(entry.target, "target")),
    ...(entry.hardLink === undefined ? {} : { hardLink: entry.hardLink }),
    ...(entry.device === undefined ? {} : { device: entry.device }),
    ...(entry.attributes === undefined
      ? {}
      : { attributes: entry.attributes.map(jsonOfAttribute) }),
    ...(entry.holes === undefined ? {} : { holes: entry.holes.map(jsonOfHole) }),
    ...(entry.unstable === true ? { unstable: true } : {}),
    content: entry.content.map((id) => hexId(id)),
    ...(entry.contentLists === undefined
      ? {}
      : { contentLists: entry.contentLists.map((id) => hexId(id)) }),
  };
}

function jsonOfAttribute({ name, value }: { readonly name: Bytes; readonly value: Bytes }) {
  return { ...jsonName(name), valueBase64: Buffer.from(value).toString("base64") };
}

function jsonOfHole([offset, length]: readonly [number, number]) {
  return { offset, length };
}
