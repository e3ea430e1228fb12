// Which windows a subscriber had nothing in: NODATA entries, told as windows close in their order.

/** A longer silence is one entry that covers it, so that a gap of years costs one line. */
export const MOST_SINGLE_WINDOWS = 60;

/** Windows `from` (included) to `to` (excluded) in which a subscriber had no traffic. */
export interface SilentRun {
  readonly subscriber: number;
  readonly from: number;
  readonly to: number;
}

export class Silence {
  readonly #secondsOf: (subscriber: number) => number;
  #first: number | undefined;
  /** Subscriber to the first window that is not accounted for yet. */
  #quietFrom = new Map<number, number>();

  /** `secondsOf`: how long the windows of a subscriber are. */
  constructor(secondsOf: (subscriber: number) => number) {
    this.#secondsOf = secondsOf;
  }

  /** The second of the first packet that has a time. Only the first call counts. */
  begin(second: number): void {
    this.#first ??= second;
  }

  /** A window closes, by its number among those of its length, in which these have entries: the silences that it ends. */
  close(window: number, subscribers: readonly number[]): SilentRun[] {
    if (this.#first === undefined) return [];
    const runs: SilentRun[] = [];
    for (const subscriber of subscribers) {
      const from = this.#quietFromOf(subscriber, this.#first);
      if (window > from) runs.push({ subscriber, from, to: window });
      this.#quietFrom.set(subscriber, Math.max(from, window + 1));
    }
    return runs;
  }

  /** The capture ends with this second: the silences that are left, of all subscribers. */
  end(last: number, subscribers: readonly number[]): SilentRun[] {
    const first = this.#first;
    if (first === undefined) return [];
    return [...subscribers]
      .sort((a, b) => a - b)
      .map((subscriber) => {
        const to = Math.floor(last / this.#secondsOf(subscriber)) + 1;
        return { subscriber, from: this.#quietFromOf(subscriber, first), to };
      })
      .filter(({ from, to }) => from < to);
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
