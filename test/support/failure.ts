// Failures in tests: what a promise fails with, to be looked at like any other value.

/** The error that a promise ends with; itself fails where the promise does not. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    return error;
  }
  throw new Error(`expected a failure, found ${String(value)}`);
}

/** The code of what a step throws, as systems give it (`"ENOENT"`); "no error" where it throws nothing. */
export function codeOf(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
  return "no error";
}
