// Store location: what `--store`, BUNKER_STORE and the config file call a store.
//
//   /mnt/disk/store          a folder
//   b2://BUCKET/PREFIX       a bucket of Backblaze B2; the prefix may be left out
//   s3://BUCKET/PREFIX       a bucket of any S3 service
//   @NAME                    a store of the config file
//
// An address holds no secret. One that looks as if it did is refused, and nothing of it is repeated.

import { BunkerError } from "../base/errors.ts";

export interface FolderLocation {
  readonly kind: "folder";
  readonly path: string;
}

export interface BucketLocation {
  readonly kind: "bucket";
  readonly scheme: "b2" | "s3";
  readonly bucket: string;
  /** Empty, or ends with a slash. */
  readonly prefix: string;
}

export interface NamedLocation {
  readonly kind: "named";
  readonly name: string;
}

export type StoreLocation = FolderLocation | BucketLocation | NamedLocation;

const FORMS = "a store is a folder, b2://BUCKET/PREFIX, s3://BUCKET/PREFIX, or @NAME";
const NO_SECRETS =
  "a key never stands in an address: give it by B2_APPLICATION_KEY_ID and B2_APPLICATION_KEY " +
  "(AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for s3://), or by bunker store add";

/** Leaves room for the store's own names: a key has 1,024 bytes at most. */
const PREFIX_BYTES_MAX = 512;
const NAME = /^[a-z0-9][a-z0-9_-]{0,63}$/i;
// oxlint-disable-next-line no-control-regex -- Finding them is the purpose.
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** Parses the location. Throws `invalid-argument`, and repeats nothing that may be a secret. */
export function parseStoreLocation(text: string): StoreLocation {
  if (text === "") throw wrong("expected a store, found nothing");
  if (text.startsWith("@")) return { kind: "named", name: parseStoreName(text.slice(1)) };
  const [, scheme, rest] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(text) ?? [];
  if (scheme !== undefined && rest !== undefined) return parseAddress(scheme.toLowerCase(), rest);
  const [, almost] = /^(b2|s3):/i.exec(text) ?? [];
  if (almost === undefined) return { kind: "folder", path: text };
  throw wrong(`expected ${almost.toLowerCase()}://BUCKET/PREFIX`, {
    hint: `a folder whose name begins so is ./${almost}:…`,
  });
}

/** The name of a store in the config file. Throws `invalid-argument`. */
export function parseStoreName(name: string): string {
  if (isStoreName(name)) return name;
  throw wrong("a store's name has 1 to 64 letters, digits, hyphens and underscores", {
    hint: "as in: bunker store add home b2://BUCKET/PREFIX; then --store @home",
  });
}

/** Whether a store of the config file may be called so. */
export function isStoreName(text: string): boolean {
  return NAME.test(text);
}

/** The location as text for people, which parses to the same. */
export function formatStoreLocation(location: StoreLocation): string {
  if (location.kind === "folder") return location.path;
  if (location.kind === "named") return `@${location.name}`;
  const { scheme, bucket, prefix } = location;
  return `${scheme}://${prefix === "" ? bucket : `${bucket}/${prefix.slice(0, -1)}`}`;
}

function parseAddress(scheme: string, rest: string): BucketLocation {
  if (scheme !== "b2" && scheme !== "s3") {
    throw wrong(`expected b2:// or s3://, found ${scheme}://`, {
      hint: `${FORMS}; the address of an S3 service goes to AWS_ENDPOINT_URL, not here`,
    });
  }
  // A password may hold a slash: what stands before any "@" is not looked at.
  const bucket = rest.split("/", 1)[0]!;
  if (/[@:?#&=]/.test(bucket) || /[?#]|:.*@/.test(rest)) {
    throw wrong(`${scheme}://: expected BUCKET/PREFIX and nothing else`, { hint: NO_SECRETS });
  }
  if (scheme === "b2") checkB2Name(bucket);
  else checkS3Name(bucket);
  return { kind: "bucket", scheme, bucket, prefix: parsePrefix(rest.slice(bucket.length + 1)) };
}

function checkB2Name(bucket: string): void {
  if (/^[a-z0-9-]{6,63}$/.test(bucket)) return;
  if (/^[a-z0-9-]{6,63}$/i.test(bucket)) {
    throw wrong("b2://: a bucket whose name has upper-case letters can't be reached by S3", {
      hint: "make a bucket with a name of lower-case letters, digits and hyphens",
    });
  }
  throw wrong("b2://: a bucket's name has 6 to 63 lower-case letters, digits and hyphens", {
    hint: FORMS,
  });
}

function checkS3Name(bucket: string): void {
  const isName = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket);
  if (isName && !bucket.includes("..") && !/^\d+(?:\.\d+){3}$/.test(bucket)) return;
  throw wrong(
    "s3://: a bucket's name has 3 to 63 lower-case letters, digits, hyphens and single dots",
    { hint: `${FORMS}; the address of the service goes to AWS_ENDPOINT_URL` },
  );
}

function parsePrefix(text: string): string {
  const prefix = text.endsWith("/") ? text.slice(0, -1) : text;
  if (prefix === "") {
    if (text === "") return "";
    throw wrong("expected a prefix without empty parts", { hint: FORMS });
  }
  if (CONTROL.test(prefix) || !prefix.isWellFormed()) {
    throw wrong("expected a prefix without control characters, in whole characters of Unicode");
  }
  if (prefix.split("/").some((part) => part === "" || part === "." || part === "..")) {
    throw wrong(`expected a prefix without empty parts, "." and ".."`, { hint: FORMS });
  }
  if (Buffer.byteLength(prefix) > PREFIX_BYTES_MAX) {
    throw wrong(`expected a prefix of at most ${PREFIX_BYTES_MAX} bytes`);
  }
  return `${prefix}/`;
}

function wrong(message: string, details: { readonly hint: string } = { hint: FORMS }): BunkerError {
  return new BunkerError("invalid-argument", message, details);
}
