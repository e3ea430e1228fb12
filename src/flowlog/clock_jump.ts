// A clock that jumps ahead, by NTP or because the machine slept: of the time in between nobody knows anything.

/** Seconds since the epoch. */
export interface ClockJump {
  readonly from: number;
  readonly to: number;
}

/** Less is no jump: entries have seconds. */
const LEAST_SECONDS = 1;

/** Finds jumps of a clock of the day by one that only counts. A clock that is set back is found by packets. */
export class JumpWatch {
  readonly #clock: () => number;
  readonly #counter: () => number;
  #expected: number;

  /** Both give seconds; the counter stands still while the machine sleeps, as CLOCK_MONOTONIC of Linux does. */
  constructor(clock = () => Date.now() / 1000, counter = () => performance.now() / 1000) {
    this.#clock = clock;
    this.#counter = counter;
    this.#expected = clock() - counter();
  }

  /** The jump since it was asked before, if there was one. */
  look(): ClockJump | undefined {
    const [now, counted] = [this.#clock(), this.#counter()];
    const from = this.#expected + counted;
    this.#expected = now - counted;
    return now - from >= LEAST_SECONDS ? { from, to: now } : undefined;
  }
}
