// Tar: an archive as pax (POSIX.1-2001), with what GNU tar adds: attributes, ACLs, sparse files.
//
// Blocks of 512 bytes: a header, before it another with the records that do not fit it, behind it
// the content, filled up with zeros. What fits the plain header stands there alone.

import { assert } from "../base/assert.ts";
import { type Bytes, concatBytes, strictTextOf, utf8 } from "../base/bytes.ts";
import type { EntryType, Metadata } from "../base/entry.ts";
import { BunkerError } from "../base/errors.ts";
import { release } from "../base/platform.ts";
import { joinPath } from "../system/paths.ts";
import { type Archive, checkMember, dataRangesOf, type Member, type Sink } from "./archive.ts";
import { addAttributes, PaxRecords, paxTime } from "./pax.ts";
import { fitsName, fitsOctal, type HeaderFields, tarHeader } from "./tar-header.ts";

const BLOCK_BYTES = 512;
/** An archive is a whole number of such records. */
const RECORD_BYTES = 20 * BLOCK_BYTES;
const OWNER_NAME_BYTES = 31;
const ZEROS = new Uint8Array(RECORD_BYTES);
const SLASH = utf8("/");
/** A block whose sum is wrong, which readers refuse. */
const NO_HEADER = utf8("bunker: not whole\n".padEnd(BLOCK_BYTES, "-"));

const TYPE_FLAGS: Readonly<Record<EntryType, string | undefined>> = {
  file: "0",
  link: "2",
  char: "3",
  block: "4",
  folder: "5",
  fifo: "6",
  socket: undefined,
  object: "0",
};

export class TarArchive implements Archive {
  readonly hasLinks = true;
  readonly limits: readonly string[] = [];
  readonly #sink: Sink;
  #written = 0;
  #isInContent = false;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  lacks({ type }: Metadata): string | undefined {
    return TYPE_FLAGS[type] === undefined ? `tar has no ${type}s` : undefined;
  }

  add(member: Member): Promise<void> {
    return this.#put(headersOf(member, { flag: flagOf(member.metadata), bytes: 0 }));
  }

  addLink(member: Member, first: readonly Bytes[]): Promise<void> {
    return this.#put(headersOf(member, { flag: "1", bytes: 0, linkTo: joinPath(first) }));
  }

  async addFile(member: Member, pieces: readonly Bytes[]): Promise<void> {
    await this.#addContent(member, pieces);
  }

  async addLargeFile(member: Member, pieces: AsyncIterable<Bytes>): Promise<void> {
    await this.#addContent(member, pieces);
  }

  async finish(): Promise<void> {
    await this.#put(ZEROS.subarray(0, 2 * BLOCK_BYTES));
    await this.#fill(RECORD_BYTES);
  }

  // Where a member ends, readers take the end of the bytes for that of the archive.
  async abandon(): Promise<void> {
    if (!this.#isInContent) await this.#put(NO_HEADER);
  }

  async #addContent(member: Member, pieces: Iterable<Bytes> | AsyncIterable<Bytes>): Promise<void> {
    const ranges = dataRangesOf(member.metadata);
    const dataBytes = ranges.reduce((sum, [, length]) => sum + length, 0);
    const map = member.metadata.holes === undefined ? undefined : sparseMap(member, ranges);
    const bytes = dataBytes + (map?.length ?? 0);
    const flag = flagOf(member.metadata);
    this.#isInContent = true;
    await this.#put(headersOf(member, { flag, bytes, isSparse: map !== undefined }));
    if (map !== undefined) await this.#put(map);
    let come = 0;
    for await (const piece of pieces) {
      come += piece.length;
      await this.#put(piece);
      release(piece);
    }
    assert(come === dataBytes, "a file's content is as long as its header says");
    await this.#fill(BLOCK_BYTES);
    this.#isInContent = false;
  }

  async #put(bytes: Bytes): Promise<void> {
    this.#written = (this.#written + bytes.length) % RECORD_BYTES;
    await this.#sink(bytes);
  }

  #fill(blockBytes: number): Promise<void> | undefined {
    const over = this.#written % blockBytes;
    return over === 0 ? undefined : this.#put(ZEROS.subarray(0, blockBytes - over));
  }
}

function flagOf({ type }: Metadata): string {
  const flag = TYPE_FLAGS[type];
  assert(flag !== undefined, "what a format has no place for is not added to it");
  return flag;
}

/** GNU's format 1.0: how many ranges, then each one's offset and length, as lines of text. */
function sparseMap({ metadata }: Member, ranges: readonly (readonly [number, number])[]): Bytes {
  // The last one says where the file ends.
  const [offset, length] = ranges.at(-1) ?? [0, 0];
  const all = offset + length < metadata.size ? [...ranges, [metadata.size, 0] as const] : ranges;
  const map = utf8([all.length, ...all.flat()].map((number) => `${number}\n`).join(""));
  const filled = Math.ceil(map.length / BLOCK_BYTES) * BLOCK_BYTES;
  return concatBytes(map, new Uint8Array(filled - map.length));
}

interface Form {
  readonly flag: string;
  /** What stands behind the header. */
  readonly bytes: number;
  readonly linkTo?: Bytes;
  readonly isSparse?: boolean;
}

// The header, and before it the records that it has no room for.
function headersOf(member: Member, form: Form): Bytes {
  checkMember(member);
  const { metadata } = member;
  const records = new PaxRecords();
  const name = nameOf(member);
  const linkTo = form.linkTo ?? metadata.target ?? NOTHING;
  if (form.isSparse === true) addSparse(records, name, metadata);
  else if (!standsPlainly(name, fitsName(name))) records.addName("path", name);
  if (!standsPlainly(linkTo, linkTo.length <= 100)) records.addName("linkpath", linkTo);
  const header = tarHeader(fieldsOf(metadata, form, { name, linkTo }, records));
  if (form.linkTo === undefined) addAttributes(records, metadata);
  if (records.isEmpty) return header;
  return concatBytes(paxHeader(name, records.joined()), header);
}

const NOTHING = new Uint8Array(0);

function nameOf({ path, metadata }: Member): Bytes {
  if (path.length === 0) return utf8("./");
  const name = joinPath(path);
  return metadata.type === "folder" ? concatBytes(name, SLASH) : name;
}

// Readers take plain names for bytes of their own alphabet: UTF-8 is said to be such by a record.
// Other bytes stand there as they are, since GNU tar knows no record that says so.
function standsPlainly(name: Bytes, fits: boolean): boolean {
  return fits && (name.every((byte) => byte < 0x80) || strictTextOf(name) === undefined);
}

function addSparse(records: PaxRecords, name: Bytes, { size }: Metadata): void {
  records.add("GNU.sparse.major", "1");
  records.add("GNU.sparse.minor", "0");
  records.addName("GNU.sparse.name", name);
  records.add("GNU.sparse.realsize", String(size));
}

function fieldsOf(
  metadata: Metadata,
  { flag, bytes }: Form,
  names: { readonly name: Bytes; readonly linkTo: Bytes },
  records: PaxRecords,
): HeaderFields {
  const number = (key: string, value: number, digits: number): number => {
    if (fitsOctal(value, digits)) return value;
    records.add(key, String(value));
    return 0;
  };
  const { seconds, nanoseconds } = metadata.modified;
  const isPlainTime = nanoseconds === 0 && fitsOctal(seconds, 11);
  if (!isPlainTime) records.add("mtime", paxTime(metadata.modified));
  return {
    ...names,
    flag,
    mode: metadata.mode,
    userId: number("uid", metadata.userId, 7),
    groupId: number("gid", metadata.groupId, 7),
    bytes: number("size", bytes, 11),
    seconds: fitsOctal(seconds, 11) ? seconds : 0,
    userName: ownerName("uname", metadata.userName, records),
    groupName: ownerName("gname", metadata.groupName, records),
    device: deviceOf(metadata),
  };
}

function ownerName(key: string, name: string | undefined, records: PaxRecords): string {
  if (name === undefined) return "";
  if (name.length <= OWNER_NAME_BYTES && /^[\x20-\x7e]*$/.test(name)) return name;
  records.add(key, name);
  return "";
}

function deviceOf({ type, device }: Metadata): { major: number; minor: number } {
  if (type !== "char" && type !== "block") return { major: 0, minor: 0 };
  if (device === undefined || !fitsOctal(device.major, 7) || !fitsOctal(device.minor, 7)) {
    throw new BunkerError("corrupt", "a device has no numbers, or none that tar can hold");
  }
  return device;
}

function paxHeader(name: Bytes, records: Bytes): Bytes {
  const header = tarHeader({
    name: concatBytes(utf8("PaxHeaders/"), tailOf(name)),
    linkTo: NOTHING,
    flag: "x",
    mode: 0o644,
    userId: 0,
    groupId: 0,
    bytes: records.length,
    seconds: 0,
    userName: "",
    groupName: "",
    device: { major: 0, minor: 0 },
  });
  const over = records.length % BLOCK_BYTES;
  return concatBytes(header, records, ZEROS.subarray(0, over === 0 ? 0 : BLOCK_BYTES - over));
}

// For readers that know no records; it names nothing else.
function tailOf(name: Bytes): Bytes {
  const end = name.at(-1) === SLASH[0] ? name.length - 1 : name.length;
  const start = name.subarray(0, end).lastIndexOf(SLASH[0]!) + 1;
  return name.subarray(start, Math.min(end, start + 80));
}
