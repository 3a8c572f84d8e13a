// Metadata: what the system says about a name, as the trees of a snapshot hold it.

import type { Bytes } from "../base/bytes.ts";
import type { Metadata } from "../base/entry.ts";
import type { Monitor } from "../base/monitor.ts";
import type { Accounts } from "../system/accounts.ts";
import type { RawStat } from "../system/stat.ts";
import { LinkGroups, LINKED_FILES_MAX } from "./link-groups.ts";

const TOO_MANY_LINKS =
  `more than ${LINKED_FILES_MAX} files have names that were not met yet: ` +
  "of further ones, each name is saved as a file of its own";

export class MetadataMaker {
  readonly #accounts: Accounts;
  readonly #links: LinkGroups;

  /** Tells `monitor` where hard links can't all be kept. */
  constructor(accounts: Accounts, monitor: Pick<Monitor, "notice">) {
    this.#accounts = accounts;
    this.#links = new LinkGroups({ onFull: () => monitor.notice(TOO_MANY_LINKS) });
  }

  /** Makes the metadata of one name; `target` is where a link points. */
  make(name: Bytes, stat: RawStat, target?: Bytes): Metadata {
    const { type, mode, userId, groupId, modified } = stat;
    const size = type === "file" ? stat.size : 0;
    const metadata: Mutable<Metadata> = { name, type, mode, userId, groupId, modified, size };
    const userName = this.#accounts.userName(userId);
    const groupName = this.#accounts.groupName(groupId);
    if (userName !== undefined) metadata.userName = userName;
    if (groupName !== undefined) metadata.groupName = groupName;
    if (target !== undefined) metadata.target = target;
    if (stat.links > 1 && type !== "folder") metadata.hardLink = this.#links.groupOf(stat);
    if (type === "char" || type === "block") {
      metadata.device = { major: stat.major, minor: stat.minor };
    }
    return metadata;
  }
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
