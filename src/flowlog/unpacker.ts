// Packed columns of batches as rows again.
import { addon } from '../base/addon.ts';
import type { Batch } from './batch.ts';
import { Columns, STATUS } from './columns.ts';
import { PACKED_COLUMNS } from './packed_columns.ts';

const LEAST_CAPACITY = 16_384;
const NO_REASONS = -1;
const START = PACKED_COLUMNS.findIndex((column) => column.name === 'start');

export class Unpacker {
  /** The rows of the last batch; those of its ENI 0. */
  columns = new Columns(LEAST_CAPACITY);

  /** Fills the columns with the entries of a batch. Says what is wrong with it, if anything is. */
  unpack(batch: Batch): string | undefined {
    // Each entry has at least a byte there: nothing is made larger than what came.
    if (batch.entries > batch.columns[START].length) {
      return `start: expected ${batch.entries} values, found ${batch.columns[START].length} bytes`;
    }
    if (batch.entries > this.columns.capacity) this.columns = new Columns(Math.ceil(batch.entries / 8) * 8);
    const { buffer, capacity } = this.columns;
    const { columns, status, entries, windowStart, reasons } = batch;
    const rules = reasons ? reasons.rules.length : NO_REASONS;
    return addon.columns_unpack(columns, STATUS[status], entries, windowStart, rules, buffer, capacity);
  }
}
