// A live source in this process, up to the rows that come out: as many workers as are asked for, all in this thread.
import { setImmediate as turn } from 'node:timers/promises';
import { readInterface } from '../../src/capture/interface.ts';
import { ringOf } from '../../src/capture/ring.ts';
import type { RingOptions } from '../../src/capture/ring.ts';
import { readLocality } from '../../src/cloud/locality.ts';
import { Collector } from '../../src/flow/collector.ts';
import { Exchange } from '../../src/flow/exchange.ts';
import type { ExchangeOptions } from '../../src/flow/exchange.ts';
import { LiveWorker } from '../../src/flow/live_worker.ts';
import { Columns, DIRECTION } from '../../src/flowlog/columns.ts';

export interface CapturedRow {
  readonly window: number;
  readonly source: string;
  readonly destination: string;
  readonly srcport: number;
  readonly dstport: number;
  readonly packets: number;
  readonly bytes: number;
  readonly direction: 'in' | 'out';
}

export interface Captured {
  readonly rows: readonly CapturedRow[];
  /** By interface, in the order of their numbers. */
  readonly interfaces: readonly { readonly packets: number; readonly bytes: number; readonly dropped: number }[];
  readonly excluded: number;
}

export interface CapturingOptions extends Partial<RingOptions> {
  readonly workers?: number;
  readonly names: readonly string[];
  readonly exchange?: Partial<ExchangeOptions>;
}

let groups = process.pid % 60_000;

export class Capturing {
  readonly exchange: Exchange;
  readonly #workers: LiveWorker[];
  readonly #collector: Collector;
  readonly #rows: CapturedRow[] = [];
  readonly #taken: Promise<void>;
  #isHeld = false;
  #running: Promise<void>;

  constructor({ workers = 1, names, exchange = {}, bytes = 8 << 20, side = 'self' }: CapturingOptions) {
    const { native: locality } = readLocality([], []);
    const usual = { fd: -1, maxFlows: 10_000, windowSeconds: 60, latenessSeconds: 2, decapsulate: false };
    this.exchange = new Exchange({ ...usual, workers, isLive: true, locality, ...exchange });
    this.#collector = new Collector(this.exchange);
    const task = { exchange: this.exchange.share(), maxFlows: 10_000 };
    this.#workers = Array.from({ length: workers }, (_, worker) => new LiveWorker({ ...task, worker }));
    names.forEach((name, number) => {
      const group = workers > 1 ? groups++ : undefined;
      const at = readInterface(name)!;
      for (const worker of this.#workers) worker.add(ringOf(at, number, { bytes, side, group }), name);
    });
    names.forEach((_, number) => this.#workers.forEach((worker) => worker.activate(number)));
    this.#taken = this.#takeAll();
    this.#running = this.#run();
  }

  /** Nobody reads the rings until `goOn`. */
  async hold(): Promise<void> {
    this.#isHeld = true;
    await turn();
  }

  goOn(): void {
    this.#isHeld = false;
  }

  /** All that came is in rows. */
  async end(): Promise<Captured> {
    this.exchange.finish();
    await this.#running;
    await this.#taken;
    this.#collector.close();
    const { interfaces } = this.exchange.state;
    return {
      rows: this.#rows,
      interfaces: interfaces.map(({ packets, bytes, dropped }) => ({ packets, bytes, dropped })),
      excluded: interfaces.flatMap(({ excludedPackets }) => excludedPackets).reduce((a, b) => a + b, 0),
    };
  }

  async #run(): Promise<void> {
    const busy = new Set(this.#workers);
    while (busy.size > 0) {
      if (!this.#isHeld) for (const worker of busy) if (worker.step(false) !== 'more') busy.delete(worker);
      await turn();
    }
  }

  async #takeAll(): Promise<void> {
    const columns = new Columns(64);
    for await (const window of this.#collector.windows()) {
      if (!window) continue;
      for (let isDone = false; !isDone;) {
        const filled = await this.#collector.fill(columns.buffer, columns.capacity);
        isDone = filled.isDone;
        for (let row = 0; row < filled.rows; row++) this.#rows.push(rowOf(columns, row, window.id));
      }
    }
  }
}

function rowOf(columns: Columns, row: number, window: number): CapturedRow {
  const address = (cells: Uint8Array): string =>
    cells.subarray(row * 16, row * 16 + (columns.family[row] === 4 ? 4 : 16)).join('.');
  return {
    window,
    source: address(columns.srcaddr),
    destination: address(columns.dstaddr),
    srcport: columns.srcport[row],
    dstport: columns.dstport[row],
    packets: Number(columns.packets[row]),
    bytes: Number(columns.bytes[row]),
    direction: columns.direction[row] === DIRECTION.out ? 'out' : 'in',
  };
}
