// What becomes of entries: lines of JSON, or batches.
import type { ClosingWindow, Collector } from '../flow/collector.ts';
import type { Columns } from './columns.ts';

/** What entries count, twins once. */
export interface Sums {
  readonly packets: number;
  readonly bytes: number;
}

/** Entries that a window gave. */
export interface Taken extends Sums {
  readonly rows: number;
  /** The window has no more. */
  readonly isDone: boolean;
}

export interface EntryWriter {
  /** Takes entries of a window from the collector, as many as there is room for. Called until it is done. */
  take(collector: Collector, window: ClosingWindow): Promise<Taken>;
  /** Writes all rows of columns; they have one status, and are of windows that begin with `windowStart`, in seconds. */
  write(columns: Columns, rows: number, windowStart: number): Promise<Sums>;
  /** Nothing more comes for now. */
  pause?(): void;
}
