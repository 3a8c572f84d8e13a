// BLAKE3: plain, keyed, and with extended output, over bytes in this memory.
//
// The tree is built in pieces of 64 leaves: the leaves of a piece go four at a time, then its
// parents level by level (pairing neighbours and passing an odd one up gives BLAKE3's tree). A
// whole piece that has more behind it ends as one chaining value on a stack. The last node is not
// compressed at once: only at the end is known that it is the root.

import { beginLanes, compressLanes, finishLanes } from "./blake3-lanes";
import { CHUNK_START, compressBlocks, ROOT } from "./blake3-rows";
import {
  NODE_BLOCK_PTR,
  NODE_CHAIN_PTR,
  OUTPUT_PTR,
  PIECE_PTR,
  PLAIN_KEY_PTR,
  STACK_PTR,
} from "./memory";

const LEAF_BYTES: usize = 1024;
const BLOCK_BYTES: usize = 64;
const CHAIN_BYTES: usize = 32;
/** The bytes that `hashPiece` takes at a time. */
export const PIECE_BYTES: usize = 64 * LEAF_BYTES;

const CHUNK_END: u32 = 2;
const PARENT: u32 = 4;
const KEYED_HASH: u32 = 16;

let keyPtr: usize = 0;
let modeFlags: u32 = 0;
let pieceCount: u64 = 0;
let stackTop: usize = STACK_PTR;
let nodeChain: usize = 0;
let nodeBlock: usize = 0;
let nodeBytes: u32 = 0;
let nodeCounter: u64 = 0;
let nodeFlags: u32 = 0;

/** Begins a hash under the key at `key`; the plain hash is the one under PLAIN_KEY_PTR. */
export function hashBegin(key: usize): void {
  keyPtr = key;
  modeFlags = key == PLAIN_KEY_PTR ? 0 : KEYED_HASH;
  pieceCount = 0;
  stackTop = STACK_PTR;
}

/** Takes PIECE_BYTES, behind which at least one more byte will come. */
export function hashPiece(ptr: usize): void {
  const count = leaves(ptr, PIECE_BYTES);
  reduce(count, 1);
  memory.copy(stackTop, PIECE_PTR, CHAIN_BYTES);
  stackTop += CHAIN_BYTES;
  pieceCount++;
  for (let rest = pieceCount; !(rest & 1); rest >>= 1) {
    stackTop -= CHAIN_BYTES;
    const left = stackTop - CHAIN_BYTES;
    compressBlocks(keyPtr, left, 1, 64, 0, modeFlags | PARENT, left);
  }
}

/** Takes the last 0 to PIECE_BYTES bytes and writes `outputBytes` of output to OUTPUT_PTR. */
export function hashEnd(ptr: usize, byteCount: usize, outputBytes: usize): void {
  const alone = stackTop == STACK_PTR;
  if (byteCount <= LEAF_BYTES) {
    setLeaf(ptr, byteCount, pieceCount * 64);
    if (!alone) compressNode(stackTop);
  } else {
    reduce(leaves(ptr, byteCount), alone ? 2 : 1);
    if (alone) setParent(PIECE_PTR);
    else memory.copy(stackTop, PIECE_PTR, CHAIN_BYTES);
  }
  // What stands at the stack's top is the right child of what is below it.
  while (stackTop != STACK_PTR) {
    stackTop -= CHAIN_BYTES;
    setParent(stackTop);
    if (stackTop != STACK_PTR) compressNode(stackTop);
  }
  for (let block: usize = 0; block * BLOCK_BYTES < outputBytes; block++) {
    nodeCounter = block;
    const out = OUTPUT_PTR + block * BLOCK_BYTES;
    compressBlocks(nodeChain, nodeBlock, 1, nodeBytes, nodeCounter, nodeFlags | ROOT, out);
  }
}

/** Hashes bytes that lie together: the id of a chunk. Writes 32 bytes to OUTPUT_PTR. */
export function hash(key: usize, ptr: usize, byteCount: usize): void {
  hashBegin(key);
  for (; byteCount > PIECE_BYTES; byteCount -= PIECE_BYTES) {
    hashPiece(ptr);
    ptr += PIECE_BYTES;
  }
  hashEnd(ptr, byteCount, CHAIN_BYTES);
}

/** Writes the chaining values of the leaves of a piece to PIECE_PTR and returns their number. */
function leaves(ptr: usize, byteCount: usize): usize {
  const wholeCount = byteCount / LEAF_BYTES;
  const counter = pieceCount * 64;
  let done: usize = 0;
  // Two or three leaves are faster with lanes left idle than one by one.
  for (; done + 1 < wholeCount; done += 4) {
    const from = ptr + done * LEAF_BYTES;
    leafLanes(from, counter + done, PIECE_PTR + done * CHAIN_BYTES);
  }
  done = min(done, wholeCount);
  for (let at = done * LEAF_BYTES; at < byteCount; at += LEAF_BYTES) {
    setLeaf(ptr + at, min(byteCount - at, LEAF_BYTES), counter + done);
    compressNode(PIECE_PTR + done * CHAIN_BYTES);
    done++;
  }
  return done;
}

/** Writes the chaining values of four whole leaves to `out`. */
function leafLanes(ptr: usize, counter: u64, out: usize): void {
  beginLanes(keyPtr);
  compressLanes(ptr, LEAF_BYTES, counter, 1, modeFlags | CHUNK_START);
  const last = ptr + LEAF_BYTES - BLOCK_BYTES;
  for (ptr += BLOCK_BYTES; ptr < last; ptr += BLOCK_BYTES) {
    compressLanes(ptr, LEAF_BYTES, counter, 1, modeFlags);
  }
  compressLanes(last, LEAF_BYTES, counter, 1, modeFlags | CHUNK_END);
  finishLanes(out);
}

/** Replaces the `count` chaining values at PIECE_PTR by their parents until `goal` are left. */
function reduce(count: usize, goal: usize): void {
  const flags = modeFlags | PARENT;
  while (count > goal) {
    const pairs = count >> 1;
    let done: usize = 0;
    // The values of idle lanes fall on children that are used up, never on an odd one at the end.
    for (; done + 1 < pairs; done += 4) {
      beginLanes(keyPtr);
      compressLanes(PIECE_PTR + done * BLOCK_BYTES, BLOCK_BYTES, 0, 0, flags);
      finishLanes(PIECE_PTR + done * CHAIN_BYTES);
    }
    if (done < pairs) {
      const from = PIECE_PTR + done * BLOCK_BYTES;
      compressBlocks(keyPtr, from, 1, 64, 0, flags, PIECE_PTR + done * CHAIN_BYTES);
    }
    if (count & 1) {
      const odd = PIECE_PTR + (count - 1) * CHAIN_BYTES;
      memory.copy(PIECE_PTR + pairs * CHAIN_BYTES, odd, CHAIN_BYTES);
    }
    count = pairs + (count & 1);
  }
}

/** Compresses all of a leaf but its last block, which becomes the node. */
function setLeaf(ptr: usize, byteCount: usize, counter: u64): void {
  const before = byteCount > 0 ? (byteCount - 1) / BLOCK_BYTES : 0;
  const tailBytes = byteCount - before * BLOCK_BYTES;
  nodeChain = keyPtr;
  nodeBlock = ptr + before * BLOCK_BYTES;
  nodeBytes = <u32>tailBytes;
  nodeCounter = counter;
  nodeFlags = modeFlags | CHUNK_START;
  if (before > 0) {
    compressBlocks(keyPtr, ptr, before, 64, counter, nodeFlags, NODE_CHAIN_PTR);
    nodeChain = NODE_CHAIN_PTR;
    nodeFlags = modeFlags;
  }
  if (tailBytes < BLOCK_BYTES) {
    memory.copy(NODE_BLOCK_PTR, nodeBlock, tailBytes);
    memory.fill(NODE_BLOCK_PTR + tailBytes, 0, BLOCK_BYTES - tailBytes);
    nodeBlock = NODE_BLOCK_PTR;
  }
  nodeFlags |= CHUNK_END;
}

/** Makes the parent of two chaining values, which lie together at `pair`, the node. */
function setParent(pair: usize): void {
  nodeChain = keyPtr;
  nodeBlock = pair;
  nodeBytes = 64;
  nodeCounter = 0;
  nodeFlags = modeFlags | PARENT;
}

function compressNode(out: usize): void {
  compressBlocks(nodeChain, nodeBlock, 1, nodeBytes, nodeCounter, nodeFlags, out);
}
