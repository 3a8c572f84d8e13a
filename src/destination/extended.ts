// Extended: setting the extended attributes, ACLs and capabilities of what is restored.
//
// What the snapshot has not is removed: a new file may have inherited its folder's ACL. What may
// not be set here is told once by its kind; what is too large for here is the file's own problem.

import { type Bytes, equalBytes, textOf, utf8 } from "../base/bytes.ts";
import type { Metadata } from "../base/entry.ts";
import { systemCodeOf } from "../base/errors.ts";
import { NO_NAMES, type Subject } from "../system/attributes.ts";
import { isKept, isRemovable, kindOf } from "../system/attribute-names.ts";
import type { FileSystem } from "../system/files.ts";
import type { Privileges } from "../system/privileges.ts";

type Attributes = NonNullable<Metadata["attributes"]>;

/** Not permitted, or nothing that this file system knows. */
const REFUSALS: ReadonlySet<string> = new Set([
  "EPERM",
  "EACCES",
  "EINVAL",
  "EOPNOTSUPP",
  "ENOTSUP",
  "ENOSYS",
]);
/** There is no room for it: each file system has its own bounds. */
const TOO_LARGE: ReadonlySet<string> = new Set([
  "ENOSPC",
  "EDQUOT",
  "E2BIG",
  "ERANGE",
  "ENAMETOOLONG",
]);
/** What came of setting attributes. */
interface ExtendedOutcome {
  /** What did not fit, for people. */
  readonly complaint: string | undefined;
  /** The ACL that the mode goes with was not set. */
  readonly lacksAcl: boolean;
}

const ACCESS = utf8("system.posix_acl_access");

/** Until its own mode is set, which comes after, what is ours may be changed by us. */
const OPEN_MODE = 0o700;

export class ExtendedSetter {
  readonly #files: FileSystem;
  readonly #onLimit: (limit: string) => void;

  constructor(files: FileSystem, onLimit: (limit: string) => void) {
    this.#files = files;
    this.#onLimit = onLimit;
  }

  /**
   * Gives something exactly these attributes; its mode may be another afterwards. What is bare has
   * none yet, and is not asked.
   */
  set(
    of: Subject,
    wanted: Attributes,
    { isBare = false }: { readonly isBare?: boolean } = {},
  ): ExtendedOutcome {
    const complaints: string[] = [];
    for (const name of isBare ? NO_NAMES : this.#files.attributes.list(of)) {
      if (!isRemovable(name) || has(wanted, name)) continue;
      this.#change(of, name, () => this.#files.attributes.remove(of, name), complaints);
    }
    let lacksAcl = false;
    for (const { name, value } of wanted) {
      if (!isKept(name)) continue;
      const set = (): void => this.#files.attributes.set(of, name, value);
      if (!this.#change(of, name, set, complaints)) lacksAcl ||= equalBytes(name, ACCESS);
    }
    return { complaint: complaints.length === 0 ? undefined : complaints.join("; "), lacksAcl };
  }

  /** Whether something has exactly these attributes. */
  isSame(of: Subject, wanted: Attributes): boolean {
    const { attributes } = this.#files;
    const strange = attributes.list(of).some((name) => isRemovable(name) && !has(wanted, name));
    if (strange) return false;
    return wanted.every(({ name, value }) => {
      if (!isKept(name)) return true;
      const found = attributes.get(of, name);
      return found !== undefined && equalBytes(found, value);
    });
  }

  #change(of: Subject, name: Bytes, act: () => void, complaints: string[]): boolean {
    try {
      this.#openedUp(of, act);
      return true;
    } catch (error) {
      const code = systemCodeOf(error) ?? "";
      if (TOO_LARGE.has(code)) {
        complaints.push(`its attribute ${textOf(name)} does not fit in here (${code})`);
      } else if (REFUSALS.has(code)) {
        this.#onLimit(refusedKind(name));
      } else {
        throw error;
      }
      return false;
    }
  }

  // A folder or file that was there may be closed to its own owner.
  #openedUp(of: Subject, act: () => void): void {
    try {
      act();
    } catch (error) {
      if (systemCodeOf(error) !== "EACCES" || typeof of !== "number") throw error;
      this.#files.setMode(of, OPEN_MODE);
      act();
    }
  }
}

/** What is told of an attribute that may not be set here. */
export function refusedKind(name: Bytes): string {
  return `${kindOf(name)} were not restored: not permitted, or unknown here`;
}

/** Whether an attribute is one that only others than this user may set. */
export function needsPrivilege(
  name: Bytes,
  { fileCapabilities, trusted }: Pick<Privileges, "fileCapabilities" | "trusted">,
): boolean {
  if (!isKept(name)) return false;
  const text = textOf(name);
  if (text === "security.capability") return !fileCapabilities;
  return text.startsWith("trusted.") && !trusted;
}

/** Whether what is made in a folder with these attributes gets some from it. */
export function givesAttributes(names: readonly Bytes[]): boolean {
  return names.some((name) => /^system\.(?:posix_acl_default$|nfs4_acl)/.test(textOf(name)));
}

function has(attributes: Attributes, wanted: Bytes): boolean {
  return attributes.some(({ name }) => equalBytes(name, wanted));
}
