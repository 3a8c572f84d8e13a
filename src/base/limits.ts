// Limits: every bound of the program in one place. Those of the format are in docs/format.md.

const KIB = 1024;
const MIB = 1024 * KIB;

// Chunks (docs/format.md §6).
export const CHUNK_BYTES_MIN = 512 * KIB;
export const CHUNK_BYTES_AVERAGE = 1 * MIB;
export const CHUNK_BYTES_MAX = 4 * MIB;

// Packs: what a writer aims at, and what a reader accepts.
export const PACK_BYTES_TARGET = 16 * MIB;
export const PACK_BYTES_MAX = 64 * MIB;
export const PACK_BLOB_COUNT_MAX = 65_536;

/** A segment is written whenever so many packs are stored, so that a cut run's uploads are found. */
export const SEGMENT_PACK_COUNT = 32;
/** Or so many blobs: to sort, seal and check a segment takes about 1 KiB of memory for each. */
export const SEGMENT_BLOB_COUNT = 65_536;

// Structured objects.
export const LOG_RECORD_BYTES_MAX = 64 * MIB;
export const SLOT_BYTES_MAX = 64 * KIB;
export const SEGMENT_BYTES_MAX = 256 * MIB;
export const MANIFEST_BYTES_MAX = 256 * MIB;
export const HEARTBEAT_BYTES_MAX = 1 * MIB;
export const CBOR_DEPTH_MAX = 16;
/** Milliseconds since the epoch: the last moment that a calendar of the runtime can say. */
export const TIME_MS_MAX = 8.64e15;

// Trees.
export const NAME_BYTES_MAX = 4096;
export const TREE_BYTES_MAX = 4 * MIB;
/** A tree or content list is split into pages above this many bytes or ids. */
export const TREE_PAGE_BYTES = 512 * KIB;
export const CONTENT_PAGE_IDS = 8192;
/** More chunk ids than this stand in content lists beside the entry. */
export const INLINE_IDS_MAX = 1024;
export const TREE_DEPTH_MAX = 8192;

// Key slots (RFC 9106's second recommended option; what a reader accepts is bounded).
export const ARGON_MEMORY_KIB = 64 * KIB;
export const ARGON_PASSES = 3;
export const ARGON_LANES = 1;
export const ARGON_MEMORY_KIB_MAX = 256 * KIB;
export const ARGON_PASSES_MAX = 16;
export const ARGON_LANES_MAX = 16;
export const ARGON_RUNS_MAX = 8;

// Closures.
export const CLOSURE_DEPTH_MAX = 32;
