// Caps: what the account's owner allows a day, and an account that is in arrears.
//
// docs/b2.md A10 (answers; the day ends at 00:00 GMT), A11 (classes). The words of the answers over
// S3 are to be proved live; these are those of the native API.

import type { Target } from "./exchange.ts";
import { OPERATIONS, type OperationClass } from "./operations.ts";
import { accessDenied } from "./refusal.ts";

const DAY_MS = 86_400_000;

export class Caps {
  /** Undefined: no cap. */
  storageBytesMax: number | undefined;
  downloadBytesMax: number | undefined;
  /** Calls a day, of each class. */
  readonly callsMax: Partial<Record<OperationClass, number>> = {};
  /** Unpaid: everything is refused. docs/b2.md A4, A10 */
  accountTrouble = false;

  #day = -1;
  #calls: Record<OperationClass, number> = { A: 0, B: 0, C: 0 };
  #downloadBytes = 0;

  /** Today's calls, by class. */
  get calls(): Readonly<Record<OperationClass, number>> {
    return this.#calls;
  }

  get downloadBytes(): number {
    return this.#downloadBytes;
  }

  /** Counts a call; throws when it is one too many. */
  countCall({ operation }: Target, now: number): void {
    this.#startDay(now);
    if (this.accountTrouble) {
      throw accessDenied("account_trouble: Account trouble. Please log into your b2 account.");
    }
    const kind = OPERATIONS[operation].class;
    const max = this.callsMax[kind] ?? Number.POSITIVE_INFINITY;
    if (this.#calls[kind] >= max) throw capExceeded("Transaction cap exceeded", operation);
    this.#calls[kind]++;
  }

  countDownload(bytes: number, now: number): void {
    this.#startDay(now);
    const max = this.downloadBytesMax ?? Number.POSITIVE_INFINITY;
    if (this.#downloadBytes + bytes > max) {
      throw capExceeded(
        "Cannot download file, download bandwidth or transaction (Class B) cap exceeded",
      );
    }
    this.#downloadBytes += bytes;
  }

  /** Whether somebody has to count what is stored. */
  get limitsStorage(): boolean {
    return this.storageBytesMax !== undefined;
  }

  checkStorage(bytes: number): void {
    if (bytes > (this.storageBytesMax ?? Number.POSITIVE_INFINITY)) {
      throw capExceeded("Cannot upload files, storage cap exceeded");
    }
  }

  #startDay(now: number): void {
    const day = Math.floor(now / DAY_MS);
    if (day === this.#day) return;
    this.#day = day;
    this.#calls = { A: 0, B: 0, C: 0 };
    this.#downloadBytes = 0;
  }
}

function capExceeded(what: string, operation?: string): Error {
  const call = operation === undefined ? "" : ` (${operation})`;
  return accessDenied(`${what}${call}. See the Caps & Alerts page to increase your cap.`);
}
