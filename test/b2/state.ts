// State: buckets with all their versions, and unfinished uploads. In memory, no protocol.
//
// Versioning is always on: nothing is ever replaced, a new version goes on top (docs/b2.md A3).

import { createHash } from "node:crypto";

import { Content } from "./content.ts";
import type { LifecycleRule } from "./lifecycle.ts";
import type { DefaultRetention, Lock } from "./locks.ts";

export interface Version {
  readonly key: string;
  readonly versionId: string;
  /** A hide marker: no content. */
  readonly marker: boolean;
  content: Content;
  /** Without quotation marks. */
  readonly etag: string;
  readonly modified: number;
  /** What goes back with a GET: content-type, x-amz-meta-…, and others. */
  readonly headers: Readonly<Record<string, string>>;
  lock: Lock | undefined;
  legalHold: boolean;
}

export interface NewVersion {
  readonly key: string;
  readonly modified: number;
  readonly marker?: boolean;
  readonly content?: Content;
  readonly etag?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly lock?: Lock | undefined;
  readonly legalHold?: boolean;
}

export interface Part {
  readonly number: number;
  readonly etag: string;
  readonly content: Content;
  readonly modified: number;
}

export interface Upload {
  readonly uploadId: string;
  readonly key: string;
  readonly started: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly lock: Lock | undefined;
  readonly legalHold: boolean;
  readonly parts: Map<number, Part>;
}

export class BucketState {
  readonly name: string;
  readonly id: string;
  readonly created: number;
  lockEnabled: boolean;
  defaultRetention: DefaultRetention | undefined;
  lifecycle: readonly LifecycleRule[] = [];
  /** Newest first. */
  readonly #versions = new Map<string, Version[]>();
  /** By UTF-8 bytes. */
  readonly #keys: string[] = [];
  readonly uploads = new Map<string, Upload>();
  #count = 0;

  constructor(name: string, created: number, lockEnabled: boolean) {
    this.name = name;
    this.id = createHash("sha256").update(name).digest("hex").slice(0, 24);
    this.created = created;
    this.lockEnabled = lockEnabled;
  }

  get keys(): readonly string[] {
    return this.#keys;
  }

  versionsOf(key: string): readonly Version[] {
    return this.#versions.get(key) ?? [];
  }

  newest(key: string): Version | undefined {
    return this.#versions.get(key)?.[0];
  }

  find(key: string, versionId: string): Version | undefined {
    return this.versionsOf(key).find((version) => version.versionId === versionId);
  }

  /** The index of the first key that is not before `key`. */
  indexOf(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareNames(this.#keys[middle]!, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  add(made: NewVersion): Version {
    const content = made.content ?? new Content([]);
    const version: Version = {
      key: made.key,
      versionId: this.#idAt(made.modified, "f1"),
      marker: made.marker ?? false,
      content,
      etag: made.etag ?? md5Of(content),
      modified: made.modified,
      headers: made.headers ?? {},
      lock: made.lock,
      legalHold: made.legalHold ?? false,
    };
    const versions = this.#versions.get(made.key);
    if (versions !== undefined) {
      versions.unshift(version);
    } else {
      this.#versions.set(made.key, [version]);
      this.#keys.splice(this.indexOf(made.key), 0, made.key);
    }
    return version;
  }

  remove(version: Version): void {
    const versions = this.#versions.get(version.key);
    const index = versions?.indexOf(version) ?? -1;
    if (versions === undefined || index < 0) return;
    versions.splice(index, 1);
    if (versions.length > 0) return;
    this.#versions.delete(version.key);
    this.#keys.splice(this.indexOf(version.key), 1);
  }

  startUpload(made: Omit<Upload, "uploadId" | "parts">): Upload {
    const upload = { ...made, uploadId: this.#idAt(made.started, "f2"), parts: new Map() };
    this.uploads.set(upload.uploadId, upload);
    return upload;
  }

  /** All that is stored and billed: versions and parts. */
  storedBytes(): number {
    const versions = [...this.#versions.values()].flat();
    const parts = [...this.uploads.values()].flatMap((upload) => [...upload.parts.values()]);
    return [...versions, ...parts].reduce((sum, { content }) => sum + content.bytes, 0);
  }

  // The shape of B2's file ids. docs/b2.md A3
  #idAt(now: number, kind: string): string {
    const [day, time] = new Date(now).toISOString().slice(0, 19).replace(/[-:]/g, "").split("T");
    const count = (++this.#count).toString(16).padStart(16, "0");
    const micros = String(now * 1000).padStart(17, "0");
    return `4_z${this.id}_${kind}${count}_d${day}_m${time}_c004_v0402001_t0000_u${micros}`;
  }
}

/** Whether this has the shape of an id of ours. */
export function isVersionId(text: string): boolean {
  return /^4_z[0-9a-f]{24}_f[12][0-9a-f]{16}_d\d{8}_m\d{6}_c004_v0402001_t0000_u\d{17}$/.test(text);
}

/** Orders by UTF-8 bytes, where JavaScript would order by UTF-16 units. docs/b2.md A9 */
export function compareNames(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left === right) continue;
    // Surrogates stand for code points above all of the others.
    const leftHigh = left >= 0xd800 && left < 0xe000;
    const rightHigh = right >= 0xd800 && right < 0xe000;
    return leftHigh === rightHigh ? left - right : leftHigh ? 1 : -1;
  }
  return a.length - b.length;
}

export function md5Of(content: Content): string {
  const hash = createHash("md5");
  for (const piece of content.pieces()) hash.update(piece);
  return hash.digest("hex");
}
