// Account: what the calls work on: buckets, limits, caps. One region, one owner (docs/b2.md A1).

import { Caps } from "./caps.ts";
import type { Request, Target } from "./exchange.ts";
import { S3Error, invalidArgument } from "./refusal.ts";
import { type Limits, limitsOfB2 } from "./rules.ts";
import { type BucketState, type Version, isVersionId } from "./state.ts";

export class Account {
  readonly region: string;
  readonly id = "b20000000001";
  readonly buckets = new Map<string, BucketState>();
  readonly limits: Limits = limitsOfB2();
  readonly caps = new Caps();
  /** B2's example of a list of versions has its markers first; others mix them. docs/b2.md A3 */
  markersFirst = true;

  constructor(region: string) {
    this.region = region;
  }

  /** Throws `NoSuchBucket`. */
  bucketOf({ bucket }: Target): BucketState {
    const found = this.buckets.get(bucket ?? "");
    if (found === undefined) {
      throw new S3Error(404, "NoSuchBucket", `The specified bucket does not exist: ${bucket}`);
    }
    return found;
  }

  /** The version asked for, or the newest; hidden is absent. docs/b2.md A3 */
  versionOf(request: Request): Version {
    return this.findVersion(this.bucketOf(request), request.key!, request.query.get("versionId"));
  }

  findVersion(bucket: BucketState, key: string, versionId: string | undefined): Version {
    if (versionId === undefined) {
      const newest = bucket.newest(key);
      if (newest === undefined) throw noSuchKey();
      if (newest.marker) throw noSuchKey({ "x-amz-delete-marker": "true" });
      return newest;
    }
    const found = this.findAny(bucket, key, versionId);
    if (found.marker) {
      throw new S3Error(405, "MethodNotAllowed", "The specified method is not allowed", {
        "x-amz-delete-marker": "true",
      });
    }
    return found;
  }

  /** Also a marker. */
  findAny(bucket: BucketState, key: string, versionId: string): Version {
    if (!isVersionId(versionId)) throw invalidArgument("Invalid version id specified");
    const found = bucket.find(key, versionId);
    if (found !== undefined) return found;
    throw new S3Error(404, "NoSuchVersion", "The specified version does not exist");
  }

  storedBytes(): number {
    return [...this.buckets.values()].reduce((sum, bucket) => sum + bucket.storedBytes(), 0);
  }
}

function noSuchKey(headers: Record<string, string> = {}): S3Error {
  return new S3Error(404, "NoSuchKey", "The specified key does not exist.", headers);
}
