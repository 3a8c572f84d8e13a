// Libc: the C library by bun:ffi, for what node:fs lacks: calls relative to a folder's descriptor.
//
// Only Linux on x86-64 and ARM64: elsewhere the numbers and structures differ, and `openLibc` gives
// nothing, as it does where no C library is found. Calls that older C libraries lack (statx,
// getdents64, mknodat) go through `syscall`, which all have, so that one path serves them all.

import { FFIType, type Library, type Pointer, dlopen, read } from "bun:ffi";

const LIBRARIES = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1", "libc.so"];

// openat, fcntl and syscall take a variable number of arguments. On both architectures Linux passes
// these in the same registers as fixed ones.
const SYMBOLS = {
  syscall: { args: ["i64", "i64", "ptr", "i64", "i64", "ptr"], returns: FFIType.i64_fast },
  openat: { args: ["i32", "ptr", "i32", "u32"], returns: "i32" },
  lseek: { args: ["i32", "i64", "i32"], returns: FFIType.i64_fast },
  close: { args: ["i32"], returns: "i32" },
  mkdirat: { args: ["i32", "ptr", "u32"], returns: "i32" },
  symlinkat: { args: ["ptr", "i32", "ptr"], returns: "i32" },
  linkat: { args: ["i32", "ptr", "i32", "ptr", "i32"], returns: "i32" },
  unlinkat: { args: ["i32", "ptr", "i32"], returns: "i32" },
  renameat: { args: ["i32", "ptr", "i32", "ptr"], returns: "i32" },
  readlinkat: { args: ["i32", "ptr", "ptr", "u64"], returns: FFIType.i64_fast },
  fchmod: { args: ["i32", "u32"], returns: "i32" },
  fchmodat: { args: ["i32", "ptr", "u32", "i32"], returns: "i32" },
  fchown: { args: ["i32", "u32", "u32"], returns: "i32" },
  fchownat: { args: ["i32", "ptr", "u32", "u32", "i32"], returns: "i32" },
  futimens: { args: ["i32", "ptr"], returns: "i32" },
  utimensat: { args: ["i32", "ptr", "ptr", "i32"], returns: "i32" },
  flistxattr: { args: ["i32", "ptr", "u64"], returns: FFIType.i64_fast },
  fgetxattr: { args: ["i32", "ptr", "ptr", "u64"], returns: FFIType.i64_fast },
  fsetxattr: { args: ["i32", "ptr", "ptr", "u64", "i32"], returns: "i32" },
  fremovexattr: { args: ["i32", "ptr"], returns: "i32" },
  llistxattr: { args: ["ptr", "ptr", "u64"], returns: FFIType.i64_fast },
  lgetxattr: { args: ["ptr", "ptr", "ptr", "u64"], returns: FFIType.i64_fast },
  setxattr: { args: ["ptr", "ptr", "ptr", "u64", "i32"], returns: "i32" },
  removexattr: { args: ["ptr", "ptr"], returns: "i32" },
  pipe2: { args: ["ptr", "i32"], returns: "i32" },
  fcntl: { args: ["i32", "i32", "i32"], returns: "i32" },
  flock: { args: ["i32", "i32"], returns: "i32" },
  syncfs: { args: ["i32"], returns: "i32" },
  __errno_location: { args: [], returns: "ptr" },
} as const;

/** Numbers for `syscall`. */
interface CallNumbers {
  readonly statx: number;
  readonly getdents64: number;
  readonly mknodat: number;
}

const CALL_NUMBERS: Readonly<Record<string, CallNumbers>> = {
  x64: { statx: 332, getdents64: 217, mknodat: 259 },
  arm64: { statx: 291, getdents64: 61, mknodat: 33 },
};

export interface Libc {
  readonly call: Library<typeof SYMBOLS>["symbols"];
  readonly numbers: CallNumbers;
  /** The number of the error of this thread's last call, if that failed; else stale. */
  errno(): number;
}

/** What this thread found: binding the functions takes a while, and does not change. */
let found: { readonly libc: Libc | undefined } | undefined;

/** Opens the C library; returns `undefined` on systems that it does not know. */
export function openLibc(): Libc | undefined {
  found ??= { libc: findLibc() };
  return found.libc;
}

function findLibc(): Libc | undefined {
  const numbers = CALL_NUMBERS[process.arch];
  if (process.platform !== "linux" || numbers === undefined) return undefined;
  for (const library of LIBRARIES) {
    const call = openLibrary(library);
    const errnoPtr = call?.__errno_location();
    // The place of errno stays the same as long as the thread lives.
    if (call && errnoPtr) return { call, numbers, errno: () => read.i32(errnoPtr as Pointer, 0) };
  }
  return undefined;
}

function openLibrary(library: string): Libc["call"] | undefined {
  try {
    return dlopen(library, SYMBOLS).symbols;
  } catch {
    return undefined; // Not there, or without one of the symbols: the next one may do.
  }
}
