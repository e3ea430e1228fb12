// Markdown tables, and the figures in them.

/** From here on a figure has one digit after the point, below it two. */
const LARGE = 10;

/** A letter a column: l is left, r is right. */
export type Alignment = string;

export function markdownTable(
  alignment: Alignment,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(Array.from(alignment, (side) => (side === 'l' ? '---' : '--:'))), ...rows.map(line)];
}

export function millions(count: number): string {
  const value = count / 1e6;
  return value >= LARGE ? value.toFixed(1) : Number(value.toFixed(2)).toString();
}

/** Millions of packets a second. */
export function mpps(packetsPerSecond: number): string {
  return short(packetsPerSecond / 1e6);
}

export function short(value: number): string {
  return value >= LARGE ? value.toFixed(1) : value.toFixed(2);
}

/** "a", "a and b", "a, b and c". */
export function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)!}`;
}
