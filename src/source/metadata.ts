// Metadata: what the system says about a name, as the trees of a snapshot hold it.

import type { Bytes } from "../base/bytes.ts";
import type { Metadata } from "../base/entry.ts";
import type { Accounts } from "../system/accounts.ts";
import type { RawStat } from "../system/stat.ts";

export class MetadataMaker {
  readonly #accounts: Accounts;
  readonly #links = new LinkGroups();

  constructor(accounts: Accounts) {
    this.#accounts = accounts;
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

interface LinkGroup {
  readonly group: number;
  /** Names that were not met yet. */
  left: number;
}

// Numbers the files that have several names, from 1 in the order of the walk. Holds only files
// whose other names are still to come, or lie outside.
class LinkGroups {
  readonly #devices = new Map<number, Map<number | bigint, LinkGroup>>();
  #last = 0;

  groupOf({ deviceId, inode, links }: RawStat): number {
    let inodes = this.#devices.get(deviceId);
    if (inodes === undefined) this.#devices.set(deviceId, (inodes = new Map()));
    const known = inodes.get(inode);
    if (known === undefined) {
      inodes.set(inode, { group: ++this.#last, left: links - 1 });
      return this.#last;
    }
    if (--known.left === 0) inodes.delete(inode);
    return known.group;
  }
}
