// The memory map: where everything is.
//
// The core has no allocator. Its memory is as large at the start as it will ever be (initial =
// maximum in asconfig.json), belongs to one lane alone, and is laid out here once for all:
//
//   address      bytes       what
//   0x000_0400   up to 3 KiB static data of the compiler (BLAKE3's message schedule)
//   0x000_1000   2 KiB       the gear table: 256 u64
//   0x000_1800   144         keys: plain (the IV), data, tree, loose, and SipHash's 16 bytes
//   0x000_1900   96          the end of a leaf: chaining value before it, last block with zeros
//   0x000_1a00   512         four nodes side by side: chaining values, messages, rows a and c
//   0x000_1c00   32          an id on its way into the pack's table
//   0x000_2000   2 KiB       BLAKE3's stack: one chaining value for each level above a piece
//   0x000_2800   2.1 KiB     the chaining values of the piece at hand
//   0x000_4000   4 KiB       output of BLAKE3
//   0x001_0000   64 KiB      scratch: bytes from elsewhere pass through here to be hashed
//   0x002_0000   16 MiB      input: what is cut and hashed where it stands
//   0x102_0000   24 MiB      the pack under construction
//   0x282_0000   2.8 MiB     the trailer of that pack: a count and its records
//
// Pages that nobody touches cost nothing: the system gives them out at the first write. Nothing
// moves, so a view that JavaScript made once stays right for the life of the instance. BLAKE3 may
// read up to 3 KiB behind the bytes it was given (and throw the result away): every area that is
// hashed has another one behind it.

export const GEAR_PTR: usize = 0x1000;

export const PLAIN_KEY_PTR: usize = 0x1800;
export const DATA_KEY_PTR: usize = 0x1820;
export const TREE_KEY_PTR: usize = 0x1840;
export const LOOSE_KEY_PTR: usize = 0x1860;
export const SIP_KEY_PTR: usize = 0x1880;

export const NODE_CHAIN_PTR: usize = 0x1900;
export const NODE_BLOCK_PTR: usize = 0x1920;
export const LANE_CHAIN_PTR: usize = 0x1a00;
export const LANE_MESSAGE_PTR: usize = 0x1a80;
export const LANE_A_PTR: usize = 0x1b80;
export const LANE_C_PTR: usize = 0x1bc0;
export const ID_PTR: usize = 0x1c00;
export const STACK_PTR: usize = 0x2000;
export const PIECE_PTR: usize = 0x2800;

export const OUTPUT_PTR: usize = 0x4000;
export const OUTPUT_BYTES: usize = 0x1000;
export const SCRATCH_PTR: usize = 0x1_0000;
export const SCRATCH_BYTES: usize = 0x1_0000;
export const INPUT_PTR: usize = 0x2_0000;
export const INPUT_BYTES: usize = 0x100_0000;
export const PACK_PTR: usize = 0x102_0000;
export const PACK_BYTES: usize = 0x180_0000;
export const TABLE_PTR: usize = 0x282_0000;
export const TABLE_BYTES: usize = 0x2c_4000;
