// The known name that one was probably meant to be.

/** More changes than this part of a name make another name of it. */
const MOST_CHANGED = 1 / 3;

/** Undefined: none is near. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const lower = name.toLowerCase();
  const [first] = known
    .map((candidate) => ({ candidate, changes: changesBetween(lower, candidate.toLowerCase()) }))
    .filter(({ candidate, changes }) => changes <= Math.max(2, candidate.length * MOST_CHANGED))
    .filter(({ candidate, changes }) => changes < candidate.length)
    .sort((a, b) => a.changes - b.changes);
  return first?.candidate;
}

/** Characters to insert, to take away or to replace (Levenshtein's distance). */
function changesBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const above = row;
    row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = above[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, above[j] + 1, row[j - 1] + 1));
    }
  }
  return row[b.length];
}
