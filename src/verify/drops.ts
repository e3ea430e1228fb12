// Drops that a capture reports, as the windows that they may be in.
import type { Enis } from './enis.ts';
import type { DropRecord } from './records.ts';
import { type Gap, type Windows, gapsBetween } from './windows.ts';

/** Window ids, both included. */
interface Run {
  readonly first: number;
  last: number;
}

export class Drops {
  readonly #windows: Windows;
  readonly #enis: Enis;
  /** By interface number: the windows that its latest reports cover without a break. */
  readonly #runs = new Map<number, Run>();

  constructor(windows: Windows, enis: Enis) {
    this.#windows = windows;
    this.#enis = enis;
  }

  /** Windows that the interface's run of reports covers already are not told again. */
  gapsOf({ fromSec, toSec, interfaceNumber }: DropRecord): Gap[] {
    const last = this.#windows.idOf(toSec);
    let first = this.#windows.idOf(fromSec);
    const run = this.#runs.get(interfaceNumber);
    if (run !== undefined && first <= run.last && last >= run.first) {
      first = run.last + 1;
      run.last = Math.max(run.last, last);
    } else this.#runs.set(interfaceNumber, { first, last });
    return first > last ? [] : this.#gapsAt(interfaceNumber, first, last);
  }

  /** What was dropped at an interface may have been any of its ENIs' packets. */
  #gapsAt(interfaceNumber: number, first: number, last: number): Gap[] {
    return this.#enis.droppedAt(interfaceNumber).flatMap((eni) =>
      gapsBetween(first, last).map(([from, to]) => ({
        status: 'SKIPDATA',
        eni,
        start: this.#windows.startOf(from),
        end: this.#windows.startOf(to + 1),
      })),
    );
  }
}
