// How much of what an interface counted was seen: in each window, and with what was still on its way left out.
//
// What was seen is asked for a moment after what was counted, so that nothing is on its way any more: what came in that moment
// has been seen and is not counted. So the difference between the two is at most what was missed, and the greatest one is the
// nearest to it.

export interface Sample {
  /** Packets that the interface counted since it is there. */
  readonly counted: number;
  /** Packets that were seen since it is captured, a moment later. */
  readonly seen: number;
}

export interface WindowCoverage {
  /** Packets that the interface counted in the window. */
  readonly counted: number;
  readonly missed: number;
  /** Of 1; an interface that counts less than was seen (a super-frame is one packet to some) has 1. */
  readonly ratio: number;
}

export class Coverage {
  #first: Sample | undefined;
  #last: Sample | undefined;
  /** The greatest difference. */
  #missed = 0;
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
    this.#missed = Math.max(this.#missed, this.#differenceOf(sample));
    return ended;
  }

  #begin(sample: Sample): void {
    this.#first = sample;
    this.#missed = 0;
    this.#missedBefore = 0;
    this.#countedBefore = 0;
    this.#window = undefined;
  }

  #end(): WindowCoverage {
    const countedNow = this.#last!.counted - this.#first!.counted;
    const counted = countedNow - this.#countedBefore;
    const missed = Math.min(counted, this.#missed - this.#missedBefore);
    this.#missedBefore += missed;
    this.#countedBefore = countedNow;
    return { counted, missed, ratio: counted > 0 ? 1 - missed / counted : 1 };
  }

  #differenceOf(sample: Sample): number {
    return sample.counted - this.#first!.counted - (sample.seen - this.#first!.seen);
  }
}
