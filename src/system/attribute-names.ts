// Attribute names: which extended attributes belong to a file, and which are the system's own.
//
// Linux has four namespaces. `user`, `trusted` and `security` hold what people, programs and rights
// have put there; under `system` a file system shows views of its own, of which only ACLs are kept.

import { type Bytes, textOf } from "../base/bytes.ts";

/** The rights of a file beyond its mode. */
const ACLS: ReadonlySet<string> = new Set([
  "system.posix_acl_access",
  "system.posix_acl_default",
  "system.nfs4_acl",
  "system.nfs4_acl_xdr",
]);

/** Signed by the kernel over the inode's number: it is worthless elsewhere, and can't be set. */
const EVM = "security.evm";

/** Whether an attribute is backed up and restored. */
export function isKept(name: Bytes): boolean {
  const text = textOf(name);
  if (text === EVM) return false;
  return /^(?:user|trusted|security)\../s.test(text) || ACLS.has(text);
}

/**
 * Whether an attribute is removed from what is restored where the snapshot has none: all that are
 * kept, but for the labels that a security policy gives to whatever is made.
 */
export function isRemovable(name: Bytes): boolean {
  if (!isKept(name)) return false;
  const text = textOf(name);
  return !text.startsWith("security.") || text === "security.capability";
}

/** What people know the attribute as; for messages that stand for many. */
export function kindOf(name: Bytes): string {
  const text = textOf(name);
  if (ACLS.has(text)) return "ACLs";
  if (text === "security.capability") return "file capabilities";
  return `extended attributes of ${text.slice(0, text.indexOf("."))}.*`;
}
