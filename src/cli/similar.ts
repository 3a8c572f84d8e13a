// Similar: the known word that somebody may have meant.

/** Words are similar if so many letters were changed, added, left out or swapped, at most. */
const FAULT_COUNT_MAX = 2;

/** The most similar of the known words, if one is near, or the one that the word begins. */
export function similarTo(word: string, known: readonly string[]): string | undefined {
  const lower = word.toLowerCase().slice(0, 64);
  const begun = known.filter((candidate) => lower.length > 1 && candidate.startsWith(lower));
  if (begun.length === 1) return begun[0];
  const ranked = known
    .map((candidate) => ({ candidate, faults: faultsBetween(lower, candidate) }))
    .sort((a, b) => a.faults - b.faults);
  const [best] = ranked;
  // Of a short word, two wrong letters leave nothing.
  if (best === undefined || best.faults > Math.min(FAULT_COUNT_MAX, best.candidate.length / 2)) {
    return undefined;
  }
  return best.candidate;
}

// The optimal string alignment distance.
function faultsBetween(one: string, other: string): number {
  const rows = [Array.from({ length: other.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= one.length; i++) {
    const row = [i];
    for (let j = 1; j <= other.length; j++) {
      const above = rows[i - 1]!;
      const changed = above[j - 1]! + (one[i - 1] === other[j - 1] ? 0 : 1);
      const isSwapped =
        i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
      const swapped = isSwapped ? rows[i - 2]![j - 2]! + 1 : changed;
      row.push(Math.min(changed, swapped, above[j]! + 1, row[j - 1]! + 1));
    }
    rows.push(row);
  }
  return rows[one.length]![other.length]!;
}
