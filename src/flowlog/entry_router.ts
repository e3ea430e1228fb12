// Entries of ENIs to those who collect there: a copy for each flow log that takes one.
import { addon } from '../base/addon.ts';
import type { ClosingWindow } from '../flow/collector.ts';
import type { Uncollected } from './accounting.ts';
import { Columns } from './columns.ts';
import type { Sums } from './entry_writer.ts';
import type { Subscribers } from './subscribers.ts';

/** Rows that are copied at once. */
const ROWS = 4096;

export class EntryRouter {
  readonly #subscribers: Subscribers;
  readonly #to = new Columns(ROWS);
  readonly #numbers = new Float64Array(10);
  readonly #uncollected: Uncollected = { entries: 0, packets: 0, bytes: 0 };
  #busy = new Uint8Array(0);

  constructor(subscribers: Subscribers) {
    this.#subscribers = subscribers;
  }

  get uncollected(): Readonly<Uncollected> {
    return this.#uncollected;
  }

  /** Gives copies to `write`, block by block, for each subscriber that takes them: how many, and what the rows count. */
  async route(
    columns: Columns,
    rows: number,
    window: ClosingWindow,
    write: (columns: Columns, rows: number) => Promise<unknown>,
  ): Promise<Sums & { readonly entries: number }> {
    const routes = this.#subscribers.routes!;
    if (this.#busy.length < this.#subscribers.count) this.#grow();
    const sums = { entries: 0, packets: 0, bytes: 0 };
    const numbers = this.#numbers;
    numbers.set([rows, window.id * window.seconds, 0, 0]);
    while (numbers[2] < rows) {
      const { capacity, buffer } = this.#to;
      addon.subscriptions_route(routes, columns.buffer, columns.capacity, buffer, capacity, this.#busy, numbers);
      const [written, packets, bytes, ...left] = numbers.subarray(4);
      sums.entries += written;
      sums.packets += packets;
      sums.bytes += bytes;
      this.#uncollected.entries += left[0];
      this.#uncollected.packets += left[1];
      this.#uncollected.bytes += left[2];
      if (written > 0) await write(this.#to, written);
    }
    return sums;
  }

  /** Who has got entries since this was asked before, ascending. */
  takeBusy(): number[] {
    const busy: number[] = [];
    for (let at = this.#busy.indexOf(1); at >= 0; at = this.#busy.indexOf(1, at + 1)) {
      busy.push(at);
      this.#busy[at] = 0;
    }
    return busy;
  }

  #grow(): void {
    const busy = new Uint8Array(2 * this.#subscribers.count);
    busy.set(this.#busy);
    this.#busy = busy;
  }
}
