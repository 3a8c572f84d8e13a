// What the core offers. Addresses are plain numbers; who calls minds them (src/core).

export { hash, hashBegin, hashEnd, hashPiece, PIECE_BYTES } from "./blake3";
export { cut, setCutter, startCut } from "./cut";
export {
  DATA_KEY_PTR,
  GEAR_PTR,
  ID_PTR,
  INPUT_BYTES,
  INPUT_PTR,
  LOOSE_KEY_PTR,
  OUTPUT_BYTES,
  OUTPUT_PTR,
  PACK_BYTES,
  PACK_PTR,
  PLAIN_KEY_PTR,
  SCRATCH_BYTES,
  SCRATCH_PTR,
  SIP_KEY_PTR,
  TABLE_BYTES,
  TABLE_PTR,
  TREE_KEY_PTR,
} from "./memory";
export {
  PACK_PREFIX_BYTES,
  packAppend,
  packBegin,
  packCount,
  packEnd,
  packFinish,
  packFits,
  packPaddingBytes,
  packTrailer,
  padme,
} from "./pack";
export { sipHashWindow, WINDOW_BYTES } from "./sip";
