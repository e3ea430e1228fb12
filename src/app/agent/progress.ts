// Whether the workers come on: what they have read moves with the clock each second, whether anything is captured or not.

/** The mark of a crew that works rises once a second; it may be late for so long on a machine that is busy. */
export const MOST_STILL_MS = 5000;

export class Progress {
  readonly #mark: () => number;
  readonly #clock: () => number;
  #last: number;
  #movedAt: number;

  /** `mark` is how far the workers have come, in seconds since the epoch; `clock` counts milliseconds. */
  constructor(mark: () => number, clock = () => performance.now()) {
    this.#mark = mark;
    this.#clock = clock;
    this.#last = mark();
    this.#movedAt = clock();
  }

  /** For how long it has stood still, in milliseconds, as far as those know who look. */
  look(): number {
    const mark = this.#mark();
    // Where the clock was set back by less than windows wait for late packets, it stands until the clock is there again.
    if (mark !== this.#last || mark > Date.now() / 1000) this.#movedAt = this.#clock();
    this.#last = mark;
    return this.#clock() - this.#movedAt;
  }
}
