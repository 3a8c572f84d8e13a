// Config edit: changes one store's section in the text of the config file, and no byte of others.
//
// The text is looked at line by line, which a text over several lines could deceive. So whatever
// comes out is parsed again, and must say what was meant; else it is refused, and a person edits.

import { BunkerError } from "../base/errors.ts";
import { formatToml, isTable, parseToml, type TomlTable } from "./toml.ts";

const HEADING = /^\s*\[/;
const HEADING_OF_STORE = /^\s*\[\s*stores\s*\.\s*(?:([A-Za-z0-9_-]+)|"([^"\\]*)"|'([^']*)')\s*\]/;

/** The text with another section at its end. The caller knows that there is none of that name. */
export function withSection(
  text: string,
  path: string,
  section: { readonly name: string; readonly values: TomlTable },
): string {
  const { name, values } = section;
  const gap = text === "" ? "" : text.endsWith("\n") ? "\n" : "\n\n";
  const after = `${text}${gap}${formatToml({ stores: { [name]: values } }).trimEnd()}\n`;
  return checked(after, path, { ...storesIn(text, path), [name]: values });
}

/** The text without the section of that name, and the lines of comment right above it. */
export function withoutSection(text: string, path: string, name: string): string {
  const lines = linesOf(text);
  const { start, end } = findSection(lines, path, name);
  const first = start - commentCount(lines.slice(0, start));
  const after = [...lines.slice(0, first), ...lines.slice(end)].join("");
  const { [name]: _, ...others } = storesIn(text, path);
  return checked(after, path, others);
}

/** The text with a value set in the section of that name, below the last of those that it has. */
export function withValue(
  text: string,
  path: string,
  setting: { readonly name: string; readonly key: string; readonly value: string },
): string {
  const { name, key, value } = setting;
  const lines = linesOf(text);
  const { start, end } = findSection(lines, path, name);
  const own = lines.slice(start, end);
  const last = own.findLastIndex((line) => !/^\s*(?:#|$)/.test(line));
  const above = lines.slice(0, start + last + 1).join("");
  const line = formatToml({ [key]: value }).trimEnd();
  const gap = above.endsWith("\n") ? "" : "\n";
  const after = `${above}${gap}${line}\n${lines.slice(start + last + 1).join("")}`;
  const stores = storesIn(text, path);
  const values = stores[name];
  return checked(after, path, {
    ...stores,
    [name]: { ...(isTable(values) ? values : {}), [key]: value },
  });
}

/** What stands below `stores`. */
export function storesIn(text: string, path: string): TomlTable {
  const { stores } = parseToml(text, path);
  return isTable(stores) ? stores : {};
}

function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

function findSection(
  lines: readonly string[],
  path: string,
  name: string,
): { readonly start: number; readonly end: number } {
  const start = lines.findIndex((line) => {
    const [, bare, quoted, literal] = HEADING_OF_STORE.exec(line) ?? [];
    return (bare ?? quoted ?? literal) === name;
  });
  if (start < 0) throw notEditable(path);
  const next = lines.findIndex((line, index) => index > start && HEADING.test(line));
  if (next < 0) return { start, end: lines.length };
  // A comment right above the next heading belongs to that.
  return { start, end: next - commentCount(lines.slice(start + 1, next)) };
}

/** How many of the last lines are comments. */
function commentCount(lines: readonly string[]): number {
  return lines.length - 1 - lines.findLastIndex((line) => !/^\s*#/.test(line));
}

function checked(after: string, path: string, stores: TomlTable): string {
  let found: TomlTable;
  try {
    found = storesIn(after, path);
  } catch {
    throw notEditable(path);
  }
  if (!Bun.deepEquals(plain(found), plain(stores))) throw notEditable(path);
  return after;
}

// The parser's tables have no prototype, and ours have one.
function plain(table: TomlTable): unknown {
  return JSON.parse(JSON.stringify(table));
}

function notEditable(path: string): BunkerError {
  const message = `${path}: expected each store in a section of its own, as [stores.NAME]`;
  return new BunkerError("invalid-argument", message, {
    subject: path,
    hint: "this file has another form: please edit it by hand",
  });
}
