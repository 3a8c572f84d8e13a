// Line: one way of a connection to far away: what is taken at one end comes out at the other later,
// and not faster than the line's rate.
//
// What is on its way is bounded, as on a line: who sends more is paused.

export interface LineSettings {
  readonly roundTripMs: number;
  /** Of each connection, each way. */
  readonly bytesPerSecond: number;
}

/** The end that bytes come from. */
export interface Sender {
  pause(): void;
  resume(): void;
}

/** The end that bytes go to. */
export interface Receiver {
  /** Takes what it can, and says how much; less than all means that `pump` is called when it has room. */
  write(bytes: Uint8Array): number;
  /** Nothing more will come. */
  finish(): void;
}

interface Piece {
  bytes: Uint8Array;
  /** When its last byte is at the other end. */
  readonly dueMs: number;
}

/** Some 3 ms of the usual rate: small enough to flow, large enough to be cheap. */
const PIECE_BYTES = 64 * 1024;
/** How far a sender may be ahead of the line, beside what is on its way. */
const AHEAD_MS = 20;

export class Line {
  readonly #settings: LineSettings;
  readonly #sender: Sender;
  readonly #receiver: Receiver;
  #pieces: Piece[] = [];
  #heldBytes = 0;
  #isPaused = false;
  /** Until when the line is taken by what went in before. */
  #busyMs: number;
  #finishMs: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Nothing gets through before `openMs`. */
  constructor(settings: LineSettings, openMs: number, ends: { from: Sender; to: Receiver }) {
    this.#settings = settings;
    this.#busyMs = openMs;
    this.#sender = ends.from;
    this.#receiver = ends.to;
  }

  /** Takes bytes, which must not change afterwards. */
  take(bytes: Uint8Array): void {
    const { roundTripMs, bytesPerSecond } = this.#settings;
    this.#busyMs = Math.max(this.#busyMs, performance.now());
    for (let start = 0; start < bytes.length; start += PIECE_BYTES) {
      const piece = bytes.subarray(start, start + PIECE_BYTES);
      this.#busyMs += (piece.length / bytesPerSecond) * 1000;
      this.#pieces.push({ bytes: piece, dueMs: this.#busyMs + roundTripMs / 2 });
    }
    this.#heldBytes += bytes.length;
    if (!this.#isPaused && this.#heldBytes > this.#bytesIn(AHEAD_MS)) {
      this.#isPaused = true;
      this.#sender.pause();
    }
    this.#arm();
  }

  /** The sender has ended: so does the receiver, when it has got all. */
  finish(): void {
    if (this.#finishMs !== undefined) return;
    this.#finishMs = Math.max(this.#busyMs, performance.now()) + this.#settings.roundTripMs / 2;
    this.#arm();
  }

  /** Hands on what is due; to be called when the receiver has room again. */
  pump(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const nowMs = performance.now();
    let doneCount = 0;
    for (const piece of this.#pieces) {
      if (piece.dueMs > nowMs) break;
      const written = this.#receiver.write(piece.bytes);
      this.#heldBytes -= written;
      piece.bytes = piece.bytes.subarray(written);
      if (piece.bytes.length > 0) break;
      doneCount++;
    }
    this.#pieces.splice(0, doneCount);
    this.#letSend();
    const [next] = this.#pieces;
    if (next === undefined && this.#finishMs !== undefined && this.#finishMs <= nowMs) {
      this.#receiver.finish();
    } else if (next === undefined || next.dueMs > nowMs) {
      this.#arm(); // Else the receiver is full, and will call.
    }
  }

  /** Drops what is on its way. */
  cut(): void {
    clearTimeout(this.#timer);
    this.#pieces = [];
  }

  #arm(): void {
    const dueMs = this.#pieces[0]?.dueMs ?? this.#finishMs;
    if (this.#timer !== undefined || dueMs === undefined) return;
    this.#timer = setTimeout(() => this.pump(), Math.max(0, dueMs - performance.now()));
  }

  #letSend(): void {
    if (!this.#isPaused || this.#heldBytes > this.#bytesIn(AHEAD_MS / 2)) return;
    this.#isPaused = false;
    this.#sender.resume();
  }

  /** What is on a full line, and what waits to get on it for so long. */
  #bytesIn(aheadMs: number): number {
    const { roundTripMs, bytesPerSecond } = this.#settings;
    return ((roundTripMs / 2 + aheadMs) / 1000) * bytesPerSecond;
  }
}
