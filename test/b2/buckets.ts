// Buckets: make, remove, and read their settings (docs/b2.md A1, A2, A3, A7).

import type { Account } from "./account.ts";
import type { Answer, Request } from "./exchange.ts";
import { demand } from "./keys.ts";
import { S3Error, invalidArgument } from "./refusal.ts";
import { BucketState } from "./state.ts";
import { type XmlElement, writeXml } from "./xml.ts";

/** docs/b2.md A7: a key of some buckets needs `listAllBucketNames`. */
export function listBuckets(account: Account, { by }: Request): Answer {
  if (by.buckets !== undefined) demand(by, "listAllBucketNames");
  else if (!by.capabilities.has("listAllBucketNames")) demand(by, "listBuckets");
  const buckets = [...account.buckets.values()].map(({ name, created }): XmlElement => [
    "Bucket",
    [
      ["CreationDate", new Date(created).toISOString()],
      ["Name", name],
    ],
  ]);
  const body = writeXml("ListAllMyBucketsResult", [["Buckets", buckets], ownerXml(account)]);
  return { status: 200, body };
}

function ownerXml({ id }: Account): XmlElement {
  return [
    "Owner",
    [
      ["DisplayName", ""],
      ["ID", id],
    ],
  ];
}

export function headBucket(account: Account, request: Request): Answer {
  account.bucketOf(request);
  return { status: 200, headers: { "x-amz-bucket-region": account.region } };
}

export function createBucket(account: Account, request: Request): Answer {
  const { by, headers, bucket: name = "" } = request;
  const lock = headers.get("x-amz-bucket-object-lock-enabled")?.toLowerCase() === "true";
  if (lock) demand(by, "writeBucketRetentions");
  const acl = headers.get("x-amz-acl") ?? "private";
  if (acl !== "private" && acl !== "public-read") throw invalidArgument("Unsupported canned acl");
  makeBucket(account, name, lock, request.now);
  return { status: 200, headers: { location: `/${name}` } };
}

export function makeBucket(
  account: Account,
  name: string,
  lock: boolean,
  now: number,
): BucketState {
  if (!/^[a-z0-9][a-z0-9-]{4,61}[a-z0-9]$/.test(name) || name.startsWith("b2-")) {
    throw new S3Error(400, "InvalidBucketName", "The specified bucket is not valid.");
  }
  if (account.buckets.has(name)) {
    throw new S3Error(
      409,
      "BucketAlreadyOwnedByYou",
      "Your previous request to create the named bucket succeeded and you already own it.",
    );
  }
  const bucket = new BucketState(name, now, lock);
  account.buckets.set(name, bucket);
  return bucket;
}

export function deleteBucket(account: Account, request: Request): Answer {
  const bucket = account.bucketOf(request);
  if (bucket.keys.length > 0) {
    throw new S3Error(409, "BucketNotEmpty", "The bucket you tried to delete is not empty");
  }
  account.buckets.delete(bucket.name);
  return { status: 204 };
}

export function getLocation(account: Account, request: Request): Answer {
  account.bucketOf(request);
  return { status: 200, body: writeXml("LocationConstraint", account.region) };
}

/** docs/b2.md A3: always on. */
export function getVersioning(account: Account, request: Request): Answer {
  account.bucketOf(request);
  return { status: 200, body: writeXml("VersioningConfiguration", [["Status", "Enabled"]]) };
}

export function getAcl(account: Account, request: Request): Answer {
  account.bucketOf(request);
  if (request.key !== undefined) account.versionOf(request);
  const grant: XmlElement = [
    "Grant",
    [
      ["Grantee", [["ID", account.id]]],
      ["Permission", "FULL_CONTROL"],
    ],
  ];
  const body = writeXml("AccessControlPolicy", [["AccessControlList", [grant]], ownerXml(account)]);
  return { status: 200, body };
}

export function getCors(account: Account, request: Request): Answer {
  account.bucketOf(request);
  throw new S3Error(404, "NoSuchCORSConfiguration", "The CORS configuration does not exist");
}

export function getEncryption(account: Account, request: Request): Answer {
  account.bucketOf(request);
  throw new S3Error(
    404,
    "ServerSideEncryptionConfigurationNotFoundError",
    "The server side encryption configuration was not found",
  );
}
