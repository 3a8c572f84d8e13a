// Refusal: the error that an answer may be, and those that are often needed.

/** An answer that refuses, as XML; `HEAD` gets its status and headers alone. */
export class S3Error extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    message: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

export function accessDenied(message = "Access Denied"): S3Error {
  return new S3Error(403, "AccessDenied", message);
}

export function invalidArgument(message: string): S3Error {
  return new S3Error(400, "InvalidArgument", message);
}

export function invalidRequest(message: string): S3Error {
  return new S3Error(400, "InvalidRequest", message);
}

/** What B2 has not is answered so. docs/b2.md A2, A5 */
export function notImplemented(): S3Error {
  return new S3Error(
    501,
    "NotImplemented",
    "A header you provided implies functionality that is not implemented",
  );
}
