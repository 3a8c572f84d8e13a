// Owners: who owns what is restored, by name where this machine knows it, else by number.
//
// The same person may have another number here. Names are looked up only as long as no numbers are
// asked for, and in the system's own files (src/system/accounts.ts).

import type { Metadata } from "../base/entry.ts";
import { type AccountTable, readAccounts } from "../system/accounts.ts";

export interface OwnerOptions {
  /** Takes the numbers of the snapshot, whatever the names. */
  readonly numericIds?: boolean;
  /** Read from this machine unless given. */
  readonly accounts?: AccountTable;
}

export interface Owner {
  readonly userId: number;
  readonly groupId: number;
}

export class Owners {
  readonly #numericIds: boolean;
  #accounts: AccountTable | undefined;

  constructor({ numericIds = false, accounts }: OwnerOptions = {}) {
    this.#numericIds = numericIds;
    this.#accounts = accounts;
  }

  ownerOf({ userId, groupId, userName, groupName }: Metadata): Owner {
    if (this.#numericIds || (userName === undefined && groupName === undefined)) {
      return { userId, groupId };
    }
    this.#accounts ??= readAccounts();
    const accounts = this.#accounts;
    return {
      userId: (userName === undefined ? undefined : accounts.userIdOf(userName)) ?? userId,
      groupId: (groupName === undefined ? undefined : accounts.groupIdOf(groupName)) ?? groupId,
    };
  }
}
