// The rows of all workers, brought together: windows in the order in which they close, whatever the number of workers.
import { addon } from '../base/addon.ts';
import type { NativeCollector, NativeDrops, NativeEncoder, NativePacker } from '../base/addon_types.ts';
import type { Exchange } from './exchange.ts';

/** In the order of `Collector::Next` in native-bindings/collector.h. */
const NEXT = { wait: 0, window: 1, end: 2 } as const;
/** In the order of `Rows` in native-bindings/addon.cc. */
const ROWS = { full: 0, windowDone: 1, wait: 2, unknownEni: 3 } as const;

/** A window whose rows are to be taken before the next one. */
export interface ClosingWindow {
  /** Its start divided by its length. */
  readonly id: number;
  /** How long it is. */
  readonly seconds: number;
  /** It was closed before: its entries are supplementary. */
  readonly isLate: boolean;
  /** Its flows are closed early because the table is full; the window stays open. */
  readonly isEarly: boolean;
  /** Numbers of the ENIs that have entries in it; empty for windows that are late or early. */
  readonly enis: readonly number[];
}

/** Entries encoded by one call: rows, bytes of lines, and what the entries count (twins once). */
export interface Encoded {
  readonly rows: number;
  readonly written: number;
  readonly packets: number;
  readonly bytes: number;
  /** The window has no more. */
  readonly isDone: boolean;
  /** The next entry is of an ENI that was not known when the encoder was made. */
  readonly isOutdated: boolean;
}

/** Entries packed by one call. */
export interface Packed {
  readonly rows: number;
  readonly packets: number;
  readonly bytes: number;
  /** Number of the ENI whose batch is to be taken before more is packed, or -1. */
  readonly full: number;
  readonly isDone: boolean;
}

export class Collector {
  #native: NativeCollector;
  #window = new Float64Array(4);
  #result = new Float64Array(5);
  #isRung = false;
  #settled: number | undefined;
  #wake: (() => void) | undefined;

  constructor(exchange: Exchange) {
    this.#native = addon.collector_new(exchange.native, () => {
      this.#isRung = true;
      this.#wake?.();
    });
  }

  /** Yields windows as they close, and undefined before it waits for the workers. */
  async *windows(): AsyncGenerator<ClosingWindow | undefined, void, void> {
    for (;;) {
      this.#isRung = false;
      const next = addon.collector_next(this.#native, this.#window);
      if (next === NEXT.end) return;
      if (next === NEXT.wait) {
        const [mark, isKnown] = this.#window as unknown as [number, number];
        this.#settled = isKnown === 1 ? mark : undefined;
        yield undefined;
        await this.#rows();
        continue;
      }
      const [id, isLate, isEarly, seconds] = this.#window as unknown as [number, number, number, number];
      const enis = isLate || isEarly ? [] : addon.collector_enis(this.#native);
      yield { id, seconds, isLate: isLate === 1, isEarly: isEarly === 1, enis };
    }
  }

  /** Of live interfaces, while it waits: all windows that close by this time have been given. Undefined: none is known. */
  get settled(): number | undefined {
    return this.#settled;
  }

  /** Encodes entries of the window into `out`, as many as there is room for. */
  async encode(encoder: NativeEncoder, out: Uint8Array): Promise<Encoded> {
    for (;;) {
      this.#isRung = false;
      addon.collector_json(this.#native, encoder, out, this.#result);
      const [how, rows, written, packets, bytes] = this.#result as unknown as [number, number, number, number, number];
      if (how === ROWS.wait && rows === 0) await this.#rows();
      else
        return { rows, written, packets, bytes, isDone: how === ROWS.windowDone, isOutdated: how === ROWS.unknownEni };
    }
  }

  /** Fills columns with rows of the window. */
  async fill(columns: Uint8Array, capacity: number): Promise<{ rows: number; isDone: boolean }> {
    for (;;) {
      this.#isRung = false;
      addon.collector_rows(this.#native, columns, capacity, this.#result);
      const [how, rows] = this.#result as unknown as [number, number];
      if (how === ROWS.wait && rows === 0) await this.#rows();
      else return { rows, isDone: how === ROWS.windowDone };
    }
  }

  /** Packs entries of the window by ENI, until one of these has enough for a batch. */
  async pack(packer: NativePacker): Promise<Packed> {
    for (;;) {
      this.#isRung = false;
      addon.collector_pack(this.#native, packer, this.#result);
      const [how, rows, full, packets, bytes] = this.#result as unknown as [number, number, number, number, number];
      if (how === ROWS.wait && rows === 0) await this.#rows();
      else return { rows, packets, bytes, full, isDone: how === ROWS.windowDone };
    }
  }

  /** Drop reports of the captures that stand before what comes next. */
  takeDrops(): NativeDrops[] {
    return addon.collector_drops(this.#native);
  }

  close(): void {
    addon.collector_close(this.#native);
  }

  /** Waits until the workers say that there is more. */
  async #rows(): Promise<void> {
    if (this.#isRung) return;
    await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#wake = undefined;
  }
}
