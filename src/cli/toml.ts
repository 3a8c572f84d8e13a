// TOML: text to values and back. The only file with the parser.
//
// Its own messages show the lines around a fault, and those may hold a secret: ours say where.

import { parse, stringify, TomlError } from "smol-toml";

import { BunkerError } from "../base/errors.ts";

export type TomlTable = Readonly<Record<string, unknown>>;

/** Throws `invalid-argument` that names the file and the line, and nothing of what is there. */
export function parseToml(text: string, path: string): TomlTable {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const place = `line ${error.line}, column ${error.column}`;
    throw new BunkerError("invalid-argument", `${path}: expected TOML, found a fault at ${place}`, {
      subject: path,
      hint: 'values are texts in quotes, as in: location = "b2://bucket/prefix"',
    });
  }
}

/** The table as text, with a heading of its own for each table in it. */
export function formatToml(table: TomlTable): string {
  return stringify(table);
}

/** Whether it is a table, and no array, text, number or date. */
export function isTable(value: unknown): value is TomlTable {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date)
  );
}
