// How much of what an interface counted was seen: in each window, and with what was still on its way left out.
//
// A packet is counted by the interface before it is seen, so the difference between the two is what was missed and what is on
// its way. The least difference of a window's last samples is taken for what was missed up to then.

export interface Sample {
  /** Packets that the interface counted since it is there. */
  readonly counted: number;
  /** Packets that were seen since it is captured. */
  readonly seen: number;
}

export interface WindowCoverage {
  /** Packets that the interface counted in the window. */
  readonly counted: number;
  readonly missed: number;
  /** Of 1; an interface that counts less than was seen (a super-frame is one packet to some) has 1. */
  readonly ratio: number;
}

/** Samples at the end of a window, of which one will have little on its way. */
const LAST = 5;

export class Coverage {
  #first: Sample | undefined;
  #last: Sample | undefined;
  /** The window's last differences. */
  readonly #differences: number[] = [];
  #window: number | undefined;
  #missedBefore = 0;
  #countedBefore = 0;

  /** Takes a sample in a window; gives the coverage of the window before where this one is the first behind it. */
  take(window: number, sample: Sample): WindowCoverage | undefined {
    // A counter that goes back was reset: what was counted before is not known any more.
    const isFirst = !this.#last || sample.counted < this.#last.counted;
    if (isFirst) this.#begin(sample);
    const ended = this.#window !== undefined && window > this.#window ? this.#end() : undefined;
    this.#window = Math.max(window, this.#window ?? window);
    this.#last = sample;
    if (!isFirst) this.#differences.push(this.#differenceOf(sample));
    if (this.#differences.length > LAST) this.#differences.shift();
    return ended;
  }

  #begin(sample: Sample): void {
    this.#first = sample;
    this.#differences.length = 0;
    this.#missedBefore = 0;
    this.#countedBefore = 0;
    this.#window = undefined;
  }

  #end(): WindowCoverage {
    const countedNow = this.#last!.counted - this.#first!.counted;
    const missedNow =
      this.#differences.length > 0 ? Math.max(this.#missedBefore, Math.min(...this.#differences)) : this.#missedBefore;
    const counted = countedNow - this.#countedBefore;
    const missed = Math.min(counted, missedNow - this.#missedBefore);
    this.#missedBefore += missed;
    this.#countedBefore = countedNow;
    this.#differences.length = 0;
    return { counted, missed, ratio: counted > 0 ? 1 - missed / counted : 1 };
  }

  #differenceOf(sample: Sample): number {
    return sample.counted - this.#first!.counted - (sample.seen - this.#first!.seen);
  }
}
