// Read file: all that an open file holds: content between its holes, attributes, holes.

import { type Attributes, readAttributes } from "../source/attributes.ts";
import { dataBytesOf, DataReader, findHoles, type Hole, holesAmong } from "../source/holes.ts";
import { readInto } from "../source/read.ts";
import type { Descriptor, FileSystem } from "../system/files.ts";
import type { RawStat } from "../system/stat.ts";
import { encodeExtras } from "./extras.ts";
import type { FileContent } from "./tasks.ts";

/** Puts what comes next at the beginning of a view; 0 is the end. */
export type Read = (view: Uint8Array) => number | Promise<number>;

/** Chunks that were cut from so many bytes. */
export interface CutContent {
  readonly ids: Uint8Array<ArrayBuffer>;
  readonly bytes: number;
}

const NO_HOLES: readonly Hole[] = [];

/** What is expected of a file that is read: its length, its place, whether to ask for holes. */
export interface ExpectedContent {
  readonly size: number;
  readonly deviceId: number;
  readonly sparse: boolean;
}

/**
 * Reads a file from its beginning, content first, then its attributes: whatever changes meanwhile
 * shows in a look at the file afterwards. The length is that which was found, holes included.
 */
export async function readFile(
  files: FileSystem,
  descriptor: Descriptor,
  { size, deviceId, sparse }: ExpectedContent,
  cutAll: (read: Read, expectedBytes: number) => Promise<CutContent>,
): Promise<{ readonly content: FileContent; readonly size: number }> {
  const expected = sparse ? findHoles(files, descriptor, size) : NO_HOLES;
  const dataBytes = dataBytesOf(size, expected);
  const { ids, bytes } = await cutAll(
    readerOf(files, descriptor, { size, holes: expected, sparse }),
    dataBytes,
  );
  const isCut = bytes < dataBytes;
  const holes = isCut ? holesAmong(bytes, expected) : expected;
  const { attributes, complaint } = readAttributes(files, descriptor, deviceId);
  return {
    content: contentOf(ids, { attributes, holes, complaint }),
    size: isCut ? bytes + size - dataBytesOf(size, holes) : bytes + size - dataBytes,
  };
}

function readerOf(
  files: FileSystem,
  descriptor: Descriptor,
  of: { readonly size: number; readonly holes: readonly Hole[]; readonly sparse: boolean },
): Read {
  if (of.holes.length === 0) {
    if (of.sparse) files.endOf(descriptor); // Asking for holes has moved it from its beginning.
    return (view) => readInto(descriptor, view);
  }
  const data = new DataReader(descriptor, of.size, of.holes);
  return (view) => data.read(view);
}

function contentOf(
  ids: Uint8Array<ArrayBuffer>,
  found: {
    readonly attributes: Attributes;
    readonly holes: readonly Hole[];
    readonly complaint: string | undefined;
  },
): FileContent {
  const extras = encodeExtras(found);
  const { complaint } = found;
  return {
    ids,
    ...(extras === undefined ? {} : { extras }),
    ...(complaint === undefined ? {} : { complaint }),
  };
}

/** Whether two looks at a file saw the same content. */
export function isSameContent(
  before: Pick<RawStat, "size" | "modified" | "changed">,
  after: RawStat,
): boolean {
  return (
    before.size === after.size &&
    before.modified.seconds === after.modified.seconds &&
    before.modified.nanoseconds === after.modified.nanoseconds &&
    before.changed.seconds === after.changed.seconds &&
    before.changed.nanoseconds === after.changed.nanoseconds
  );
}
