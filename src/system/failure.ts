// Failure: the system's error numbers as errors like those of node:fs.

import { constants } from "node:os";
import { getSystemErrorMap } from "node:util";

/** Made once: each call of the function makes a new map. */
const ERRORS = getSystemErrorMap();

export interface SystemError extends Error {
  readonly code: string;
  readonly syscall: string;
}

/** An error with the code that `errno` stands for, saying which call failed. */
export function systemError(errno: number, call: string): SystemError {
  const [code, meaning] = ERRORS.get(-errno) ?? ["EUNKNOWN", `error ${errno}`];
  return Object.assign(new Error(`${code}: ${meaning}, ${call}`), { code, syscall: call });
}

/** The same by the code's name. */
export function systemErrorOf(code: keyof typeof constants.errno, call: string): SystemError {
  return systemError(constants.errno[code], call);
}
