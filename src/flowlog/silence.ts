// Which windows a subscriber had nothing in: NODATA entries, told as windows close in their order.
//
// Of a window of which a loss was told before, nobody knows that it was silent: it is in no silence.
import { WindowRuns } from './window_runs.ts';
import type { WindowRun } from './window_runs.ts';

/** A longer silence is one entry that covers it, so that a gap of years costs one line. */
export const MOST_SINGLE_WINDOWS = 60;

/** Windows in which a subscriber had no traffic. */
export interface SilentRun extends WindowRun {
  readonly subscriber: number;
}

export class Silence {
  readonly #secondsOf: (subscriber: number) => number;
  #first: number | undefined;
  /** Subscriber to the first window that is not accounted for yet. */
  #quietFrom = new Map<number, number>();
  /** By subscriber: windows of which a loss was told. */
  readonly #lost = new Map<number, WindowRuns>();

  /** `secondsOf`: how long the windows of a subscriber are. */
  constructor(secondsOf: (subscriber: number) => number) {
    this.#secondsOf = secondsOf;
  }

  /** The second of the first packet that has a time. Only the first call counts. */
  begin(second: number): void {
    this.#first ??= second;
  }

  /** A loss is told of these windows of a subscriber. */
  lose(subscriber: number, from: number, to: number): void {
    let lost = this.#lost.get(subscriber);
    if (!lost) this.#lost.set(subscriber, (lost = new WindowRuns()));
    lost.add(Math.max(from, this.#quietFrom.get(subscriber) ?? from), to);
  }

  /** A window closes, by its number among those of its length, in which these have entries: the silences that it ends. */
  close(window: number, subscribers: readonly number[]): SilentRun[] {
    if (this.#first === undefined) return [];
    const runs: SilentRun[] = [];
    for (const subscriber of subscribers) {
      const from = this.#quietFromOf(subscriber, this.#first);
      runs.push(...this.#silent(subscriber, from, window));
      const next = Math.max(from, window + 1);
      this.#quietFrom.set(subscriber, next);
      this.#lost.get(subscriber)?.forget(next);
    }
    return runs;
  }

  /** The capture ends with this second, which ends its last window: the silences that are left, of all subscribers. */
  end(last: number, subscribers: readonly number[]): SilentRun[] {
    const first = this.#first;
    if (first === undefined) return [];
    return [...subscribers]
      .sort((a, b) => a - b)
      .flatMap((subscriber) => {
        // A window that begins where the capture ends has no time to be silent in.
        const to = Math.ceil(last / this.#secondsOf(subscriber));
        return this.#silent(subscriber, this.#quietFromOf(subscriber, first), to);
      });
  }

  #silent(subscriber: number, from: number, to: number): SilentRun[] {
    if (from >= to) return [];
    const parts = this.#lost.get(subscriber)?.without(from, to) ?? [{ from, to }];
    return parts.map((part) => ({ subscriber, ...part }));
  }

  #quietFromOf(subscriber: number, first: number): number {
    return this.#quietFrom.get(subscriber) ?? Math.floor(first / this.#secondsOf(subscriber));
  }
}

/** A run of windows as the spans of its entries, in window numbers: one each, or one for all. */
export function spansOf(from: number, to: number): { from: number; to: number }[] {
  if (to - from > MOST_SINGLE_WINDOWS) return [{ from, to }];
  return Array.from({ length: to - from }, (_, i) => ({ from: from + i, to: from + i + 1 }));
}
