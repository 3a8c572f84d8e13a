// Pattern: one line of a .gitignore, before anything is matched: is it one, and is it well formed?

/** A pattern that takes out, or takes in again (`!`), what it matches. */
export interface Pattern {
  readonly negative: boolean;
  /** Without the "!" and without the spaces at the end. */
  readonly body: string;
}

/** Reads a line; returns `undefined` for a comment and for an empty one. */
export function parsePattern(line: string): Pattern | undefined {
  if (line.startsWith("#")) return undefined;
  const negative = line.startsWith("!");
  const body = withoutSpaces(negative ? line.slice(1) : line);
  return body === "" && !negative ? undefined : { negative, body };
}

/** What is wrong with a pattern that git would take and that could never match; else `undefined`. */
export function faultOf({ body }: Pattern): string | undefined {
  if (/^\/*$/.test(body)) return "it names nothing";
  if (/[\0\n]/.test(body)) return "it holds a NUL or the end of a line";
  if (/(?:^|[^\\])(?:\\\\)*\\\/?$/.test(body)) return "it ends in a backslash";
  if (/(?:^|\/)\.{1,2}(?:\/|$)/.test(body)) return "no path has . or .. in it";
  if (/\/{2}/.test(body)) return "no path has // in it";
  return bracketFault(body);
}

// A space at the end counts only behind a backslash.
function withoutSpaces(text: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === " " && !isEscaped(text, end - 1)) end--;
  return text.slice(0, end);
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text[at - backslashes - 1] === "\\") backslashes++;
  return backslashes % 2 === 1;
}

function bracketFault(body: string): string | undefined {
  for (let at = 0; at < body.length; at++) {
    if (body[at] === "\\") at++;
    else if (body[at] === "[") {
      const end = endOfBracket(body, at);
      if (end === undefined) return "a [ has no ]";
      const unknown = unknownClass(body.slice(at + 1, end));
      if (unknown !== undefined) return `${unknown} is no class of characters`;
      at = end;
    }
  }
  return undefined;
}

function unknownClass(members: string): string | undefined {
  const classes = [...members.matchAll(/\[:([^\]]*):\]/g)];
  return classes.find(([, name]) => !CLASSES.includes(name!))?.[0];
}

const CLASSES = "alnum alpha blank cntrl digit graph lower print punct space upper xdigit".split(
  " ",
);

// The first member may be a "]" itself, and a class has one of its own.
function endOfBracket(body: string, start: number): number | undefined {
  let at = start + 1;
  if (body[at] === "!" || body[at] === "^") at++;
  for (let isFirst = true; at < body.length; at++, isFirst = false) {
    if (body[at] === "]" && !isFirst) return at;
    if (body[at] === "\\") at++;
    else if (body.startsWith("[:", at)) {
      const end = body.indexOf("]", at + 2);
      if (end < 0) return undefined;
      if (body[end - 1] === ":" && end > at + 2) at = end;
    }
  }
  return undefined;
}
