// Entries of a sink as lines on standard output.
//
// What was written cannot be taken back: a checkpoint that does not count
// is written again.
import { STDOUT } from '../base/standard.ts';
import type { Batch } from '../flowlog/batch.ts';
import type { Columns } from '../flowlog/columns.ts';
import { EntryLines } from '../flowlog/entry_lines.ts';
import type { EntryTarget, Origin } from './entry_target.ts';
import { LineOutput } from './line_output.ts';

export class LinesTarget implements EntryTarget {
  readonly isFull = false;
  readonly #lines = new LineOutput(STDOUT);
  readonly #encoder = new EntryLines();

  async write(_: Origin, batch: Batch, columns: Columns): Promise<void> {
    await this.#encoder.write(batch, columns, this.#lines);
  }

  /** The reader has, or its pipe. */
  async prepare(): Promise<void> {
    await this.#lines.flush();
  }

  settle(): Promise<void> {
    return Promise.resolve();
  }

  async abandon(): Promise<void> {
    await this.#lines.flush();
  }

  async close(): Promise<void> {
    await this.#lines.close();
  }
}
