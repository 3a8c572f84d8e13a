// Verdict: what a failure means and what to do about it. Pure: the first row of the table that fits.
//
// What the service said is never guessed away: the message ends with its status, code and words.

import { present } from "../base/assert.ts";
import type { ErrorCode } from "../base/errors.ts";
import type { S3Failure } from "./failure.ts";
import { ANSWERED_ROWS, NETWORK_ROWS, type Retry, type Row } from "./verdict-rows.ts";

export interface Verdict {
  readonly code: ErrorCode;
  readonly retry: Retry;
  /** The service asks for less: fewer calls at once. */
  readonly slowDown: boolean;
  /** The next attempt wants another connection, and so perhaps another machine of the service. */
  readonly freshConnection: boolean;
  readonly message: string;
  readonly hint: string | undefined;
}

export function judge(failure: S3Failure): Verdict {
  const rows = failure.status === 0 ? NETWORK_ROWS : ANSWERED_ROWS;
  const row = present(
    rows.find((candidate) => fits(candidate, failure)),
    "the last row fits all",
  );
  const { says, hint } = row;
  return {
    code: row.code,
    retry: row.retry ?? "never",
    slowDown: row.slowDown ?? false,
    freshConnection: row.freshConnection ?? false,
    message: `${typeof says === "string" ? says : says(failure)} (${detailOf(failure)})`,
    hint: typeof hint === "function" ? hint(failure) : hint,
  };
}

function fits({ statuses, codes, words, foreign }: Row, failure: S3Failure): boolean {
  const { status, code, message } = failure;
  return (
    (statuses === undefined || statuses.includes(status)) &&
    (codes === undefined || codes.includes(code)) &&
    (foreign === undefined || foreign === failure.foreign) &&
    (words === undefined || words.test(`${status} ${code} ${message}`))
  );
}

// "503 SlowDown: please reduce your request rate".
function detailOf({ status, code, message }: S3Failure): string {
  const name = [status === 0 ? "" : String(status), code].filter((part) => part !== "").join(" ");
  return [name, message === code ? "" : message].filter((part) => part !== "").join(": ");
}
