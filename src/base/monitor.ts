// Monitor: how a job tells what it does, without knowing who listens.

export interface Progress {
  readonly filesDone: number;
  readonly bytesDone: number;
  /** Known only where the job has counted beforehand. */
  readonly filesTotal?: number;
  readonly bytesTotal?: number;
  /** What is counted in place of files, in the plural: "packs". */
  readonly unit?: string;
  /** What is being worked on, for people. */
  readonly subject?: string;
}

export interface Monitor {
  /** Called often; must be cheap. */
  progress(progress: Progress): void;
  /** Something was left out: the run goes on and ends as incomplete. */
  problem(subject: string, error: unknown): void;
  /** Worth knowing, no fault. */
  notice(message: string): void;
}

export const silentMonitor: Monitor = { progress() {}, problem() {}, notice() {} };
