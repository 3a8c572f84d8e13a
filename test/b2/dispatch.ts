// Dispatch: what is asked of a request before its body is read, and who carries it out.

import type { Account } from "./account.ts";
import { checkDigestHeaders } from "./auth.ts";
import * as buckets from "./buckets.ts";
import type { Answer, Request, Target } from "./exchange.ts";
import { type AppKey, demand, demandBucket, demandName } from "./keys.ts";
import { deleteLifecycle, getLifecycle, putLifecycle } from "./lifecycle.ts";
import { type Seen, listObjects, listVersions } from "./listing.ts";
import * as locks from "./locks.ts";
import * as multipart from "./multipart.ts";
import * as objects from "./objects.ts";
import { OPERATIONS, type Operation } from "./operations.ts";
import { listUploads } from "./uploads.ts";
import { checkAcl, checkHeaders, checkLength, checkMd5, checkQuery } from "./rules.ts";

type Handler = (account: Account, request: Request, seen: Seen) => Answer;

const HANDLERS: Readonly<Record<Operation, Handler>> = {
  ListBuckets: buckets.listBuckets,
  HeadBucket: buckets.headBucket,
  CreateBucket: buckets.createBucket,
  DeleteBucket: buckets.deleteBucket,
  GetBucketLocation: buckets.getLocation,
  GetBucketVersioning: buckets.getVersioning,
  GetBucketAcl: buckets.getAcl,
  GetBucketCors: buckets.getCors,
  GetBucketEncryption: buckets.getEncryption,
  GetBucketLifecycle: getLifecycle,
  PutBucketLifecycle: putLifecycle,
  DeleteBucketLifecycle: deleteLifecycle,
  GetObjectLockConfiguration: locks.getLockConfiguration,
  PutObjectLockConfiguration: locks.putLockConfiguration,
  ListObjects: listObjects,
  ListObjectVersions: listVersions,
  ListMultipartUploads: listUploads,
  DeleteObjects: objects.deleteObjects,
  PutObject: objects.putObject,
  CopyObject: objects.copyObject,
  GetObject: objects.getObject,
  HeadObject: objects.getObject,
  DeleteObject: objects.deleteObject,
  GetObjectAcl: buckets.getAcl,
  GetObjectRetention: locks.getRetention,
  PutObjectRetention: locks.putRetention,
  GetObjectLegalHold: locks.getLegalHold,
  PutObjectLegalHold: locks.putLegalHold,
  CreateMultipartUpload: multipart.createUpload,
  UploadPart: multipart.uploadPart,
  UploadPartCopy: multipart.uploadPartCopy,
  CompleteMultipartUpload: multipart.completeUpload,
  AbortMultipartUpload: multipart.abortUpload,
  ListParts: multipart.listParts,
};

/** Throws where the request is refused whatever its body is. */
export function admit(account: Account, target: Target, by: AppKey, now: number): void {
  checkHeaders(target);
  checkAcl(target, by);
  checkQuery(target);
  checkDigestHeaders(target);
  checkLength(target, account.limits);
  checkReach(account, target, by);
  account.caps.countCall(target, now);
  checkSubject(account, { ...target, by, now });
}

// docs/b2.md A7: what the key may do, where, and with which names.
function checkReach(account: Account, target: Target, by: AppKey): void {
  if (target.bucket !== undefined) demandBucket(by, target.bucket);
  demand(by, ...OPERATIONS[target.operation].needs);
  if (target.key !== undefined) demandName(by, target.key);
  if (target.bucket !== undefined && target.operation !== "CreateBucket") {
    checkMd5(target, account.bucketOf(target));
  }
}

function checkSubject(account: Account, request: Omit<Request, "body">): void {
  const { operation } = request;
  if (operation === "PutObject") objects.checkPut(account, request);
  if (operation === "UploadPart") multipart.checkPart(account, request);
  const stores = operation === "PutObject" || operation === "UploadPart";
  if (stores && account.caps.limitsStorage) {
    const bytes = Number(request.headers.get("content-length"));
    account.caps.checkStorage(account.storedBytes() + bytes);
  }
}

/** Does it; throws an `S3Error` where it is refused. */
export function carryOut(account: Account, request: Request, seen: Seen): Answer {
  return HANDLERS[request.operation](account, request, seen);
}
