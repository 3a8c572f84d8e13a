// Classify: which call a request is, by its method, its path's depth and its query (docs/b2.md A2).

import { type Level, OPERATIONS, type Operation } from "./operations.ts";
import { S3Error, notImplemented } from "./refusal.ts";

const SUBS = new Set(Object.values(OPERATIONS).flatMap(({ sub }) => sub ?? []));

/** S3's other subresources. B2 has none of them. docs/b2.md A2 */
const FOREIGN_SUBS = new Set([
  "accelerate",
  "analytics",
  "attributes",
  "intelligent-tiering",
  "inventory",
  "logging",
  "metrics",
  "notification",
  "ownershipControls",
  "policy",
  "policyStatus",
  "publicAccessBlock",
  "replication",
  "requestPayment",
  "restore",
  "select",
  "tagging",
  "torrent",
  "website",
]);

/** Which call this is; throws for what B2 has not. */
export function operationOf(
  method: string,
  level: Level,
  query: ReadonlyMap<string, string>,
  headers: ReadonlyMap<string, string>,
): Operation {
  const names = [...query.keys()];
  if (names.some((name) => FOREIGN_SUBS.has(name))) throw notImplemented();
  const sub = names.find((name) => SUBS.has(name));
  const copy = headers.has("x-amz-copy-source");
  const found = Object.entries(OPERATIONS).find(
    ([, row]) =>
      row.method === method &&
      row.level === level &&
      row.sub === sub &&
      (row.copy === true) === (copy && method === "PUT" && level === "object"),
  );
  if (found !== undefined) return found[0] as Operation;
  if (sub !== undefined) throw notImplemented();
  throw new S3Error(405, "MethodNotAllowed", "The specified method is not allowed");
}
