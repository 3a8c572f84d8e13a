// Stat: what the system knows about a name, and how Linux lays it out (struct statx).

import type { EntryType, Time } from "../base/entry.ts";
import { systemErrorOf } from "./failure.ts";

/** What the system knows about a file, a folder or anything else that has a name. */
export interface RawStat {
  readonly type: EntryType;
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly userId: number;
  readonly groupId: number;
  /** How many names the file has. */
  readonly links: number;
  readonly size: number;
  /** What it takes on the disk, in units of 512 bytes. */
  readonly blocks: number;
  readonly modified: Time;
  /** When content or metadata changed last (ctime). */
  readonly changed: Time;
  /** Up to 64 bits: a bigint only where a number is not exact. */
  readonly inode: number | bigint;
  /** The file system that it is on. */
  readonly deviceId: number;
  /** Whether something is mounted here; absent where the system does not tell. */
  readonly isMountPoint?: boolean;
  /** What a device file stands for; 0 for everything else. */
  readonly major: number;
  readonly minor: number;
}

const TYPE_OF_FORMAT: Readonly<Record<number, EntryType>> = {
  0o01: "fifo",
  0o02: "char",
  0o04: "folder",
  0o06: "block",
  0o10: "file",
  0o12: "link",
  0o14: "socket",
};

/** The type in the upper four of the 16 bits of `st_mode`; `undefined` for one that is unknown. */
export function typeOfFormat(format: number): EntryType | undefined {
  return TYPE_OF_FORMAT[format];
}

/** One number for a file system's device numbers. */
export function deviceIdOf(major: number, minor: number): number {
  return major * 2 ** 32 + minor;
}

/** Bytes of struct statx. */
export const STATX_BYTES = 256;
/** All that `stat` gives (STATX_BASIC_STATS). */
export const STATX_MASK = 0x7ff;
const STATX_ATTR_MOUNT_ROOT = 0x2000;

/** Reads a struct statx, given as 32-bit words of this machine (little-endian on all that we know). */
export function decodeStatx(words: Uint32Array): RawStat {
  const format = words[7]! & 0xffff;
  const type = typeOfFormat(format >>> 12);
  if (type === undefined) throw systemErrorOf("EINVAL", "statx gave an unknown type");
  return {
    type,
    mode: format & 0o7777,
    userId: words[5]!,
    groupId: words[6]!,
    links: words[4]!,
    size: sizeOf(words[10]!, words[11]!),
    blocks: words[12]! + words[13]! * 2 ** 32,
    modified: timeAt(words, 28),
    changed: timeAt(words, 24),
    inode: exactOf(words[8]!, words[9]!),
    deviceId: deviceIdOf(words[34]!, words[35]!),
    isMountPoint: (words[2]! & STATX_ATTR_MOUNT_ROOT) !== 0,
    major: words[32]!,
    minor: words[33]!,
  };
}

function timeAt(words: Uint32Array, at: number): Time {
  return { seconds: words[at]! + (words[at + 1]! | 0) * 2 ** 32, nanoseconds: words[at + 2]! };
}

function sizeOf(low: number, high: number): number {
  const size = low + high * 2 ** 32;
  // Beyond 8 PiB a number is not exact: only sparse files can be that long.
  if (!Number.isSafeInteger(size)) throw systemErrorOf("EFBIG", "statx");
  return size;
}

// The common case costs no bigint: they are slow to make.
function exactOf(low: number, high: number): number | bigint {
  return high < 2 ** 21 ? low + high * 2 ** 32 : (BigInt(high) << 32n) | BigInt(low);
}
