// Setup text: how somebody who has nothing yet comes to a safe bucket and its keys, as commands of the
// `b2` program (version 4 or later), of which each line can be run as it stands. Nothing is sent.

import { hexOf } from "../base/bytes.ts";
import { BunkerError } from "../base/errors.ts";
import { LOCK_DAYS_MIN } from "../storage/bucket-safety.ts";
import type { BucketLocation } from "./store-location.ts";

/** What B2 takes for a default retention. (B2 docs: Object Lock.) */
const DAYS_MAX = 3000;
const DAYS_DEFAULT = "30";
const DAY_SECONDS = 86_400;

/**
 * What each key may do. A writer can't delete, and can't set locks either: a thief could lock junk for
 * a hundred years. `listBuckets` is what the b2 program and a bucket's own HEAD ask for.
 */
export const KEY_RIGHTS = {
  writer: rights("writeFiles"),
  keeper: rights("writeFiles", "writeFileRetentions"),
  reader: rights(),
  owner: rights("writeFiles", "readBuckets", "deleteFiles"),
} as const;

function rights(...more: readonly string[]): string {
  const reading = ["listBuckets", "listFiles", "readFiles"];
  return [...reading, "readBucketRetentions", "readFileRetentions", ...more].join(",");
}

/** A place that nobody has yet, most probably. */
export function freshLocation(random: (byteCount: number) => Uint8Array): BucketLocation {
  const bucket = `bunker-${hexOf(random(5))}`;
  return { kind: "bucket", scheme: "b2", bucket, prefix: "main/" };
}

/** `--retention DAYS`. Throws `invalid-argument`. */
export function parseRetention(text: string | undefined): number {
  const days = /^\d{1,4}$/.test(text ?? DAYS_DEFAULT) ? Number(text ?? DAYS_DEFAULT) : 0;
  if (days >= LOCK_DAYS_MIN && days <= DAYS_MAX) return days;
  throw new BunkerError(
    "invalid-argument",
    `--retention: expected ${LOCK_DAYS_MIN} to ${DAYS_MAX} days, found ${text ?? ""}`,
  );
}

/** The commands, with what they are for. */
export function setupText(location: BucketLocation, days: number): string {
  const { bucket, prefix } = location;
  const path = prefix === "" ? bucket : `${bucket}/${prefix.slice(0, -1)}`;
  return `# A safe bucket for bunker at Backblaze B2: b2://${path}
# Run these lines one by one. bunker itself has sent nothing and made nothing.

# 1. The b2 program, and the account's master key: b2 asks for it.
pipx install b2
b2 account authorize

# 2. The bucket. Its locks can't be switched off again. Whatever is stored in it stays for ${days} days:
#    nobody can delete it before, you and Backblaze's support neither, and it is billed that long.
b2 bucket create --file-lock-enabled ${bucket} allPrivate
b2 bucket update --default-retention-mode compliance --default-retention-period "${days} days" ${bucket} allPrivate

# 3. Keys. Each line prints an id and a key, once. Machines that back up get the writer's key.
${keyLine("writer", location)}
#    For machines that only restore or check:
${keyLine("reader", location)}
#    May also make locks longer. No command of this version does that: leave it out.
${keyLine("keeper", location)}
#    Deletes what is no longer locked. Make it when you need it, for a day, and never leave it anywhere:
${keyLine("owner", location, `--duration ${DAY_SECONDS} `)}

# 4. The region is the second word of s3endpoint, as us-west-004. Then b2 forgets the master key.
b2 account get | grep s3endpoint
b2 account clear

# 5. The store, with the writer's id and key.
export B2_APPLICATION_KEY_ID=ID
export B2_APPLICATION_KEY=KEY
export B2_REGION=REGION
export BUNKER_STORE=${quoted(`b2://${path}`)}
bunker init
bunker store test
`;
}

function keyLine(role: keyof typeof KEY_RIGHTS, location: BucketLocation, more = ""): string {
  const { bucket, prefix } = location;
  const only = prefix === "" ? "" : ` --name-prefix ${quoted(prefix)}`;
  return `b2 key create ${more}--bucket ${bucket}${only} bunker-${role} ${KEY_RIGHTS[role]}`;
}

/** A word for the shell. */
function quoted(text: string): string {
  return /^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
