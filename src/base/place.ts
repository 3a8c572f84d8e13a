// Place: where a bucket is, as the owner log names it.

/** A bucket, and where in it the store's names begin. */
export interface BucketPlace {
  /** "https://host", without a slash at its end. */
  readonly endpoint: string;
  readonly bucket: string;
  /** Empty, or ends with a slash. */
  readonly prefix: string;
}
