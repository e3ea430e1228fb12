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

/** Entries of windows that begin at a time, in seconds since the epoch. */
export interface WindowPart {
  readonly start: number;
  /** Their flows are closed before the window is, because the table is full. */
  readonly isEarly: boolean;
  /** No more of them follow. */
  readonly isLast: boolean;
}

export interface EntryWriter {
  /** Takes entries of a window from the collector, as many as there is room for. Called until it is done. */
  take(collector: Collector, window: ClosingWindow): Promise<Taken>;
  /** Writes all rows of columns; they have one status. */
  write(columns: Columns, rows: number, part: WindowPart): Promise<Sums>;
  /** Nothing more comes for now. */
  pause?(): void;
}
