// Findings: damage and tampering that a run came upon. They stop no reading; they end the run with 13.

import { isBunkerError, messageOf } from "../base/errors.ts";

export interface Finding {
  /** The object's name, or what else is not as it should be. */
  readonly subject: string;
  readonly message: string;
}

export class Findings {
  readonly #bySubject = new Map<string, Finding>();
  #hasNewer = false;
  #listener: ((finding: Finding) => void) | undefined;

  /** Tells of every finding, also of those that were there before. */
  listen(listener: (finding: Finding) => void): void {
    this.#listener = listener;
    for (const finding of this.#bySubject.values()) listener(finding);
  }

  /** Notes a fact about an object; the first one counts. */
  add(subject: string, error: unknown): void {
    if (this.#bySubject.has(subject)) return;
    if (isBunkerError(error, "unsupported-version")) this.#hasNewer = true;
    const finding = { subject, message: messageOf(error) };
    this.#bySubject.set(subject, finding);
    this.#listener?.(finding);
  }

  get all(): readonly Finding[] {
    return [...this.#bySubject.values()];
  }

  /** Whether something said that a newer version made it. */
  get hasNewer(): boolean {
    return this.#hasNewer;
  }

  get count(): number {
    return this.#bySubject.size;
  }
}
