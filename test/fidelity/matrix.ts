// Matrix: which kind of thing is kept for whom, as a table for the documents.
//
//   bun test/fidelity/matrix.ts [--restic] [--details] [--row NAME]…
//
// --restic tries restic on the same tree as well; --details lists what differs.

import { parseArgs } from "node:util";

import { compareWithRestic } from "./restic.ts";
import { ROWS } from "./rows.ts";
import { type Finding, hindrance, Trial, type Who } from "./trial.ts";

type Column = ReadonlyMap<string, string>;

function cellOf(who: Who, { row, skipped, faults }: Finding): string {
  if (skipped !== undefined) return `not tried: ${skipped}`;
  if (faults.length > 0) return "LOST";
  const losses = who === "user" ? (row.user ?? []) : [];
  if (losses.length === 0) return "kept";
  return losses.every(({ by }) => by === "silence") ? "not shown to users" : "reported";
}

function columnOf(who: Who, details: boolean): Column {
  const hindered = hindrance(who);
  if (hindered !== undefined) return new Map(rows.map(({ name }) => [name, hindered]));
  using trial = new Trial(who, rows);
  trial.run();
  const findings = trial.findings();
  if (details) {
    for (const { row, faults } of findings) printDetails(`${who}, ${row.name}`, faults);
    printDetails(`${who}: lines of no row`, trial.strayLines());
  }
  return new Map(findings.map((finding) => [finding.row.name, cellOf(who, finding)]));
}

function resticColumn(details: boolean): Column {
  const messages: string[] = [];
  const compared = compareWithRestic(rows, (message) => messages.push(message));
  if (details) {
    for (const { row, restic } of compared) printDetails(`restic, ${row.name}`, restic);
    printDetails("restic says", messages);
  }
  return new Map(
    compared.map(({ row, restic }) => [row.name, restic.length > 0 ? "lost" : "kept"]),
  );
}

function printDetails(title: string, lines: readonly string[]): void {
  if (lines.length === 0) return;
  console.log(`${title}:`);
  for (const line of lines) console.log(`  ${line.slice(0, 300)}`);
}

const { values } = parseArgs({
  options: {
    restic: { type: "boolean" },
    details: { type: "boolean" },
    row: { type: "string", multiple: true },
  },
});
const rows = ROWS.filter(({ name }) => values.row?.includes(name) ?? true);
const details = values.details ?? false;
const columns: [string, Column][] = [
  ["root", columnOf("root", details)],
  ["user", columnOf("user", details)],
  ...(values.restic ? [["restic, as root", resticColumn(details)] as [string, Column]] : []),
];
const line = (cells: readonly string[]) => console.log(`| ${cells.join(" | ")} |`);
line(["what", ...columns.map(([title]) => title)]);
line(["---", ...columns.map(() => "---")]);
for (const { name, title } of rows) {
  line([title, ...columns.map(([, column]) => column.get(name) ?? "not tried")]);
}
