// Restic: one tree backed up and restored by restic and by bunker, as root, and both copies looked
// at in the same way.

import { type Row, ROWS } from "./rows.ts";
import { Trial } from "./trial.ts";

export interface Compared {
  readonly row: Row;
  /** What is not as it was in the copy. */
  readonly bunker: readonly string[];
  readonly restic: readonly string[];
}

/** Restic must be there. What it says itself goes to `listen`. */
export function compareWithRestic(
  rows: readonly Row[] = ROWS,
  listen: (message: string) => void = () => undefined,
): Compared[] {
  const bounded = rows.filter(({ isEndless }) => !isEndless);
  using trial = new Trial("root", bounded);
  const { place } = trial;
  const environment = {
    RESTIC_REPOSITORY: place.at("restic"),
    RESTIC_CACHE_DIR: place.at("restic-cache"),
    RESTIC_PASSWORD: "a password of the tests",
  };
  const restic = (...words: string[]) => {
    const { stderr } = place.execute(["restic", "--quiet", ...words], environment);
    if (stderr !== "") listen(`restic ${words[0]}: ${stderr}`);
  };
  restic("init");
  restic("backup", "tree");
  restic("restore", "latest", "--target", "restic-copy");
  trial.run();
  return trial.rows.map((row) => ({
    row,
    bunker: trial.compare(row, "copy-1"),
    restic: trial.compare(row, "restic-copy/tree"),
  }));
}
