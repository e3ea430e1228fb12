// Where a sink's entries go: a tree of files, standard output, a topic.
import type { Batch } from '../flowlog/batch.ts';
import type { Columns } from '../flowlog/columns.ts';
import type { OffsetRange } from './checkpoint.ts';

/** Where a batch comes from. */
export interface Origin {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** One call at a time. What it rejects with is an error of writing; then it is abandoned. */
export interface EntryTarget {
  /** Writes the batch's entries, which are the first rows of columns. */
  write(origin: Origin, batch: Batch, columns: Columns): Promise<void>;
  /** There is enough for a checkpoint. */
  readonly isFull: boolean;
  /** What was written since the last checkpoint is whole and safe, so that offsets may be committed. */
  prepare(id: string, ranges: readonly OffsetRange[]): Promise<void>;
  /** The checkpoint that was prepared counts, or does not. */
  settle(isCommitted: boolean): Promise<void>;
  /** What was written since the last checkpoint is gone. */
  abandon(): Promise<void>;
  close(): Promise<void>;
}
