// Which windows an ENI was silent in: NODATA entries, told as windows close in their order.

/** A longer silence is one entry that covers it, so that a gap of years costs one line. */
export const MOST_SINGLE_WINDOWS = 60;

/** Windows `from` (included) to `to` (excluded) in which an ENI had no traffic. */
export interface SilentRun {
  readonly eni: number;
  readonly from: number;
  readonly to: number;
}

export class Silence {
  #first: number | undefined;
  /** ENI number to the first window that is not accounted for yet. */
  #quietFrom = new Map<number, number>();

  /** The window of the first packet that has a time. Only the first call counts. */
  begin(window: number): void {
    this.#first ??= window;
  }

  /** A window closes in which `enis` have entries: the silences that it ends, by ENI. */
  close(window: number, enis: readonly number[]): SilentRun[] {
    if (this.#first === undefined) return [];
    const runs: SilentRun[] = [];
    for (const eni of enis) {
      const from = this.#quietFrom.get(eni) ?? this.#first;
      if (window > from) runs.push({ eni, from, to: window });
      this.#quietFrom.set(eni, Math.max(from, window + 1));
    }
    return runs;
  }

  /** The capture ends in window `last`: the silences that are left, of all ENIs. */
  end(last: number, enis: readonly number[]): SilentRun[] {
    return this.#first === undefined ? [] : [...enis].sort((a, b) => a - b).flatMap((eni) => this.#left(eni, last));
  }

  #left(eni: number, last: number): SilentRun[] {
    const from = this.#quietFrom.get(eni) ?? this.#first!;
    return from <= last ? [{ eni, from, to: last + 1 }] : [];
  }
}

/** A run of windows as the spans of its entries, in window numbers: one each, or one for all. */
export function spansOf(from: number, to: number): { from: number; to: number }[] {
  if (to - from > MOST_SINGLE_WINDOWS) return [{ from, to }];
  return Array.from({ length: to - from }, (_, i) => ({ from: from + i, to: from + i + 1 }));
}
