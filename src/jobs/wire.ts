// Wire: files to read and their outcomes, as they cross from one thread to another.
//
// Cloning an object for each file cost 14 us, more than reading a small one does; packed into one
// buffer that is handed over, a file costs well under one.
//
//   task:    i32 folder | f64 device | u64 inode | u32 user | f64 size | f64 s, u32 ns modified
//            | f64 s, u32 ns changed | u8 sparse | u16 name bytes | u16 folder path bytes | name
//            | folder path
//   outcome: u32 chunks | chunks × id (32); 0xffffffff stands for one that is sent as an object.
//            With the highest bit of the number set: then u32 bytes of extras | extras

import { type Bytes, copyBytes } from "../base/bytes.ts";
import { ID_BYTES } from "../base/ids.ts";
import type { FileOutcome, FileTask } from "./tasks.ts";

const TASK_BYTES = 4 + 8 + 8 + 4 + 8 + 12 + 12 + 1 + 2 + 2;
const HAS_EXTRAS = 0x8000_0000;
const AS_OBJECT = 0xffff_ffff;

export function encodeTasks(tasks: readonly FileTask[]): Uint8Array<ArrayBuffer> {
  let total = 0;
  for (const task of tasks) {
    total += TASK_BYTES + task.name.length + (task.folderPath?.length ?? 0);
  }
  const bytes = new Uint8Array(total);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const task of tasks) at = encodeTask(view, bytes, at, task);
  return bytes;
}

function encodeTask(view: DataView, bytes: Uint8Array, at: number, task: FileTask): number {
  const path = task.folderPath ?? NOTHING;
  view.setInt32(at, task.folder, true);
  view.setFloat64(at + 4, task.deviceId, true);
  view.setBigUint64(at + 12, BigInt(task.inode), true);
  view.setUint32(at + 20, task.userId, true);
  view.setFloat64(at + 24, task.size, true);
  view.setFloat64(at + 32, task.modified.seconds, true);
  view.setUint32(at + 40, task.modified.nanoseconds, true);
  view.setFloat64(at + 44, task.changed.seconds, true);
  view.setUint32(at + 52, task.changed.nanoseconds, true);
  view.setUint8(at + 56, task.sparse === true ? 1 : 0);
  view.setUint16(at + 57, task.name.length, true);
  view.setUint16(at + 59, path.length, true);
  const nameAt = at + TASK_BYTES;
  bytes.set(task.name, nameAt);
  bytes.set(path, nameAt + task.name.length);
  return nameAt + task.name.length + path.length;
}

const NOTHING = new Uint8Array(0);

/** The tasks again; names are views. */
export function decodeTasks(bytes: Bytes): FileTask[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tasks: FileTask[] = [];
  for (let at = 0; at < bytes.length;) {
    const nameAt = at + TASK_BYTES;
    const pathAt = nameAt + view.getUint16(at + 57, true);
    const end = pathAt + view.getUint16(at + 59, true);
    const inode = view.getBigUint64(at + 12, true);
    tasks.push({
      folder: view.getInt32(at, true),
      deviceId: view.getFloat64(at + 4, true),
      inode: inode <= Number.MAX_SAFE_INTEGER ? Number(inode) : inode,
      userId: view.getUint32(at + 20, true),
      size: view.getFloat64(at + 24, true),
      modified: timeAt(view, at + 32),
      changed: timeAt(view, at + 44),
      name: bytes.subarray(nameAt, pathAt),
      ...(view.getUint8(at + 56) === 1 ? { sparse: true } : {}),
      ...(end > pathAt ? { folderPath: bytes.subarray(pathAt, end) } : {}),
    });
    at = end;
  }
  return tasks;
}

function timeAt(view: DataView, at: number) {
  return { seconds: view.getFloat64(at, true), nanoseconds: view.getUint32(at + 8, true) };
}

export interface PackedOutcomes {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Those that are more than their ids, in order. */
  readonly others: readonly FileOutcome[];
}

export function encodeOutcomes(outcomes: readonly FileOutcome[]): PackedOutcomes {
  let total = 0;
  for (const outcome of outcomes) total += isPacked(outcome) ? packedBytes(outcome) : 4;
  const bytes = new Uint8Array(total);
  const view = new DataView(bytes.buffer);
  const others: FileOutcome[] = [];
  let at = 0;
  for (const outcome of outcomes) {
    if (isPacked(outcome)) {
      at = encodeSame(view, bytes, at, outcome);
    } else {
      view.setUint32(at, AS_OBJECT, true);
      others.push(outcome);
      at += 4;
    }
  }
  return { bytes, others };
}

export function decodeOutcomes({ bytes, others }: PackedOutcomes): FileOutcome[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const outcomes: FileOutcome[] = [];
  let other = 0;
  for (let at = 0; at < bytes.length;) {
    const count = view.getUint32(at, true);
    at += 4;
    if (count === AS_OBJECT) {
      outcomes.push(others[other++]!);
      continue;
    }
    const hasExtras = count >= HAS_EXTRAS;
    const idsEnd = at + (hasExtras ? count - HAS_EXTRAS : count) * ID_BYTES;
    const ids = copyBytes(bytes.subarray(at, idsEnd));
    at = hasExtras ? idsEnd + 4 + view.getUint32(idsEnd, true) : idsEnd;
    if (hasExtras) {
      outcomes.push({ kind: "same", ids, extras: copyBytes(bytes.subarray(idsEnd + 4, at)) });
    } else {
      outcomes.push({ kind: "same", ids });
    }
  }
  return outcomes;
}

type SameOutcome = FileOutcome & { readonly kind: "same" };

function isPacked(outcome: FileOutcome): outcome is SameOutcome {
  return outcome.kind === "same" && outcome.complaint === undefined;
}

function packedBytes({ ids, extras }: SameOutcome): number {
  return 4 + ids.length + (extras === undefined ? 0 : 4 + extras.length);
}

function encodeSame(
  view: DataView,
  bytes: Uint8Array,
  at: number,
  { ids, extras }: SameOutcome,
): number {
  const count = ids.length / ID_BYTES;
  const idsEnd = at + 4 + ids.length;
  view.setUint32(at, extras === undefined ? count : count + HAS_EXTRAS, true);
  bytes.set(ids, at + 4);
  if (extras === undefined) return idsEnd;
  view.setUint32(idsEnd, extras.length, true);
  bytes.set(extras, idsEnd + 4);
  return idsEnd + 4 + extras.length;
}
