// A table for people: columns and nothing between them.
import Table from 'cli-table3';
import type { createColors } from 'picocolors';

export type Colors = ReturnType<typeof createColors>;

/** Columns from `rightFrom` on are numbers, and stand to the right. */
export function plainTable(pc: Colors, head: readonly string[], rightFrom: number): Table.Table {
  return new Table({
    head: head.map((text) => pc.dim(text)),
    colAligns: head.map((_, i) => (i >= rightFrom ? 'right' : 'left')),
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 2 },
    chars: Object.fromEntries(
      [
        'top',
        'top-mid',
        'top-left',
        'top-right',
        'bottom',
        'bottom-mid',
        'bottom-left',
        'bottom-right',
        'left',
        'left-mid',
        'mid',
        'mid-mid',
        'right',
        'right-mid',
        'middle',
      ].map((edge) => [edge, '']),
    ),
  });
}
