// Usage: what a run has asked of a service that may charge for it.

export interface Usage {
  /** Requests by the price classes of Backblaze B2, attempts that failed too. A is free. */
  readonly classA: number;
  readonly classB: number;
  readonly classC: number;
  /** The same by the service's names of them; what was never asked is absent. */
  readonly byOperation: Readonly<Record<string, number>>;
  /** Bytes of bodies, those of attempts that failed too. */
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** How many requests were asked again. */
  readonly retries: number;
  /** Whether the service is B2; another one has other prices. */
  readonly isB2: boolean;
}
