// Windows that something is true of, as runs of their numbers: many in a row cost what one does.

/** Windows `from` (included) to `to` (excluded). */
export interface WindowRun {
  readonly from: number;
  readonly to: number;
}

export class WindowRuns {
  /** Ascending; no two touch. */
  readonly #runs: WindowRun[] = [];

  add(from: number, to: number): void {
    if (from >= to) return;
    const first = this.#firstTo(from);
    let end = first;
    let merged = { from, to };
    for (; end < this.#runs.length && this.#runs[end].from <= to; end++) {
      const run = this.#runs[end];
      merged = { from: Math.min(merged.from, run.from), to: Math.max(merged.to, run.to) };
    }
    this.#runs.splice(first, end - first, merged);
  }

  has(window: number): boolean {
    const run = this.#runs.at(this.#firstTo(window + 1));
    return run !== undefined && run.from <= window;
  }

  /** The parts of a run that are in none of them, ascending. */
  without(from: number, to: number): WindowRun[] {
    const parts: WindowRun[] = [];
    let at = from;
    for (let i = this.#firstTo(from); i < this.#runs.length && this.#runs[i].from < to; i++) {
      if (at < this.#runs[i].from) parts.push({ from: at, to: this.#runs[i].from });
      at = Math.max(at, this.#runs[i].to);
    }
    if (at < to) parts.push({ from: at, to });
    return parts;
  }

  /** Of windows before this one nobody asks any more. */
  forget(before: number): void {
    this.#runs.splice(0, this.#firstTo(before + 1));
  }

  /** Place of the first run that ends there or later. */
  #firstTo(window: number): number {
    let [low, high] = [0, this.#runs.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#runs[middle].to < window) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
