// Errors: the operating errors, which a person can do something about.
//
// Rules.
// 1. Two families only: an `AssertionError` is a fault of ours, a `BunkerError` is the world's.
// 2. The code is what programs act on; the message is for people: lower case, no full stop, the
//    object named, what was expected and what was found.
// 3. Context is added where knowledge is added (which pack, which path), with the cause kept.
// 4. Failed authentication has one message without detail.
// 5. Absence that a caller expects is `undefined`, not an error.
// 6. The hint says what to do; the command line prints it on a line of its own.

import { AssertionError } from "./assert.ts";

export type ErrorCode =
  | "invalid-argument" // wrong usage
  | "not-found" // an object, a path or a snapshot that should be there
  | "exists" // something is in the way
  | "denied" // the storage or the system refuses
  | "unavailable" // may work later
  | "timeout"
  | "full" // no space, quota or cap
  | "corrupt" // damage or tampering
  | "wrong-key" // passphrase, phrase or key does not open
  | "no-store"
  | "busy" // another run holds the state
  | "unsupported-version" // written by a newer format
  | "incomplete" // finished, but something was left out
  | "interrupted"
  | "broken-pipe"
  | "io"; // any other failure of the system

export interface ErrorDetails {
  readonly cause?: unknown;
  /** The object, path or argument that the error is about. */
  readonly subject?: string;
  readonly hint?: string;
}

export class BunkerError extends Error {
  override readonly name = "BunkerError";
  readonly code: ErrorCode;
  readonly subject: string | undefined;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.subject = details.subject;
    this.hint = details.hint;
  }
}

export function isBunkerError(error: unknown, code?: ErrorCode): error is BunkerError {
  return error instanceof BunkerError && (code === undefined || error.code === code);
}

/**
 * Whether an error says that an object is not as it should be: damaged, gone, or made by a newer
 * version. Such an object is named and set aside, and stops no reading.
 */
export function isDamage(error: unknown): error is BunkerError {
  return error instanceof BunkerError && DAMAGE_CODES.includes(error.code);
}

const DAMAGE_CODES: readonly ErrorCode[] = ["corrupt", "not-found", "unsupported-version"];

/** The text of any thrown value for people; of a system's error, what it means in plain words. */
export function messageOf(error: unknown): string {
  const message = rawMessageOf(error);
  const code = systemCodeOf(error);
  if (code === undefined || !message.startsWith(`${code}: `)) return message;
  // "EACCES: permission denied, open '/a/b'": the call and the path are said by whoever adds them.
  const [meaning = ""] = message.slice(code.length + 2).split(",", 1);
  return `${OWN_WORDS[code] ?? meaning} (${code})`;
}

/** The text of any thrown value as it came: for whoever looks for a fault of ours. */
export function rawMessageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Where the system's own words are not those that the rest of our messages uses. */
const OWN_WORDS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or folder",
  ENOTDIR: "not a folder",
  EISDIR: "it is a folder",
  ENOTEMPTY: "the folder is not empty",
  ENOSPC: "no space left",
  EDQUOT: "the quota is used up",
  EROFS: "it can only be read here",
  ELOOP: "a link is in the way, or too many are",
  EIO: "input or output failed",
};

/** The first place of an error's stack, for a report; `undefined` where it tells none. */
export function placeOf(error: unknown): string | undefined {
  return error instanceof Error ? /^ +at (.+)$/m.exec(error.stack ?? "")?.[1] : undefined;
}

const CODE_OF_SYSTEM_ERROR: Readonly<Record<string, ErrorCode>> = {
  ENOENT: "not-found",
  ENOTDIR: "not-found",
  EEXIST: "exists",
  ENOTEMPTY: "exists",
  EACCES: "denied",
  EPERM: "denied",
  EROFS: "denied",
  ELOOP: "denied",
  ENOSPC: "full",
  EDQUOT: "full",
  EFBIG: "full",
  EPIPE: "broken-pipe",
  ETIMEDOUT: "timeout",
  EAGAIN: "unavailable",
  EMFILE: "unavailable",
  ENFILE: "unavailable",
};

/** The `code` of a system error (`"ENOENT"`), if it is one. */
export function systemCodeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}

/**
 * The same error as one of this machine: `denied` and `full` speak of the storage, so a refusal or
 * a full disk on this side becomes `io`.
 */
export function ofThisMachine(error: BunkerError): BunkerError {
  const { code, message, cause, subject, hint } = error;
  if (code !== "denied" && code !== "full") return error;
  return new BunkerError("io", message, {
    cause,
    ...(subject === undefined ? {} : { subject }),
    ...(hint === undefined ? {} : { hint }),
  });
}

/** Translates a system error into ours, naming what was being done; ours pass unchanged. */
export function fromSystemError(error: unknown, doing: string, subject?: string): BunkerError {
  if (error instanceof BunkerError) return error;
  if (error instanceof AssertionError) throw error; // A fault of ours stays one.
  const code = systemCodeOf(error);
  return new BunkerError(
    CODE_OF_SYSTEM_ERROR[code ?? ""] ?? "io",
    `${doing}: ${messageOf(error)}`,
    {
      cause: error,
      ...(subject === undefined ? {} : { subject }),
    },
  );
}
