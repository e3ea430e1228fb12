// From closing windows to lines of JSON: silences first, then the window's entries; nothing per entry in JavaScript.
import { addon } from '../base/addon.ts';
import type { NativeEncoder, NativeState } from '../base/addon.ts';
import { eniOfInterface } from '../cloud/locality.ts';
import type { Eni, Locality } from '../cloud/locality.ts';
import type { ClosingWindow, Collector } from '../flow/collector.ts';
import type { Exchange } from '../flow/exchange.ts';
import type { Incomplete } from '../flow/worker.ts';
import { checkBalance, keepBooks } from './accounting.ts';
import type { Accounting, EntryCounts, Logged } from './accounting.ts';
import { Columns, STATUS } from './columns.ts';
import { Silence, spansOf } from './silence.ts';

/** Rows that are watched at once. */
const ROWS = 4096;

/** Takes lines of JSON: room to write into, and how much was written. Room is at least 64 KiB. */
export interface LineSink {
  room(): Uint8Array | Promise<Uint8Array>;
  wrote(bytes: number): void;
  /** Nothing more comes for now. */
  pause?(): void;
}

/** Looks at rows as they pass. */
export type RowWatcher = (columns: Columns, rows: number) => void;

export class Recorder {
  #exchange: Exchange;
  #collector: Collector;
  #locality: Locality;
  #windowSeconds: number;
  #lines: LineSink | undefined;
  #watch: RowWatcher | undefined;
  #watched: Columns | undefined;
  #quiet = new Columns(64);
  #silence = new Silence();
  #encoder: NativeEncoder | undefined;
  #encoderEnis = 0;
  #result = new Float64Array(4);
  #logged: Logged = { packets: 0, bytes: 0 };
  #entries: EntryCounts = { ok: 0, nodata: 0, skipdata: 0, supplementary: 0 };
  #closedEarly = 0;

  /** Without `lines` nothing is written: entries are counted and watched only. */
  constructor(
    exchange: Exchange,
    collector: Collector,
    locality: Locality,
    windowSeconds: number,
    lines: LineSink | undefined,
    watch: RowWatcher | undefined,
  ) {
    this.#exchange = exchange;
    this.#collector = collector;
    this.#locality = locality;
    this.#windowSeconds = windowSeconds;
    this.#lines = lines;
    this.#watch = watch;
  }

  /** Writes all that comes. */
  async recordAll(): Promise<void> {
    for await (const window of this.#collector.windows()) {
      await this.#recordDrops();
      if (window) await this.#record(window);
      else this.#lines?.pause?.();
    }
    await this.#recordDrops();
  }

  /** Writes the entries of a window that closes, and what its closing ends. */
  async #record(window: ClosingWindow): Promise<void> {
    const { first, mark } = this.#exchange.clock;
    if (first !== undefined) this.#silence.begin(this.#idOf(first));
    if (!window.isLate && !window.isEarly) {
      for (const run of this.#silence.close(window.id, window.enis)) {
        // A window of untimed packets may lie behind the capture's end, but no silence does.
        const to = Math.min(run.to, this.#idOf(mark) + 1);
        if (run.from < to) await this.#writeQuiet('nodata', { ...run, to });
      }
    }
    for (let isDone = false; !isDone;) {
      const taken = this.#watch ? await this.#takeWatched(this.#watch) : await this.#take();
      isDone = taken.isDone;
      if (window.isLate) this.#entries.supplementary += taken.rows;
      else this.#entries.ok += taken.rows;
      if (window.isEarly) this.#closedEarly += taken.rows;
    }
  }

  async #take(): Promise<{ rows: number; isDone: boolean }> {
    const encoded = await this.#collector.encode(this.#encoderForAll(), await this.#room());
    this.#lines?.wrote(encoded.written);
    this.#logged.packets += encoded.packets;
    this.#logged.bytes += encoded.bytes;
    if (encoded.isOutdated) this.#encoder = undefined;
    return encoded;
  }

  async #takeWatched(watch: RowWatcher): Promise<{ rows: number; isDone: boolean }> {
    const columns = (this.#watched ??= new Columns(ROWS));
    const filled = await this.#collector.fill(columns.buffer, columns.capacity);
    watch(columns, filled.rows);
    await this.#write(columns, filled.rows);
    return filled;
  }

  /** Writes what the captures reported as dropped up to here. */
  async #recordDrops(): Promise<void> {
    for (const drops of this.#collector.takeDrops()) {
      // Nobody knows of which named ENI the lost packets were: it may have been any.
      const named = this.#namedEnis();
      for (const eni of named.length > 0 ? named : [drops.eni]) {
        await this.#writeQuiet('skipdata', { eni, from: drops.from, to: drops.to + 1 });
      }
    }
  }

  /** The capture is over: last silences, and the books, balanced. Throws UNBALANCED. */
  async finish(incomplete: readonly Incomplete[]): Promise<Accounting> {
    const { state, clock } = this.#exchange;
    if (clock.first !== undefined) {
      this.#silence.begin(this.#idOf(clock.first));
      const enis = this.#allEnis(state);
      for (const run of this.#silence.end(this.#idOf(clock.mark), enis)) await this.#writeQuiet('nodata', run);
    }
    const accounting = keepBooks(
      state,
      this.#logged,
      this.#entries,
      this.#closedEarly,
      incomplete,
      (eni) => this.#eni(eni).eniId,
      (linkType) => this.#exchange.linkTypeName(linkType),
    );
    checkBalance(accounting);
    return accounting;
  }

  #idOf(sec: number): number {
    return Math.floor(sec / this.#windowSeconds);
  }

  /** Numbers of the ENIs that could have traffic: the named ones, or those of the declared interfaces. */
  #allEnis(state: NativeState): number[] {
    const named = this.#namedEnis();
    return [...new Set(named.length > 0 ? named : state.interfaces.map((i) => i.eni))];
  }

  /** ENIs that an address or a MAC names. */
  #namedEnis(): number[] {
    const { eniOfAddress, eniOfMac } = this.#locality.native;
    return [...new Set([...eniOfAddress, ...eniOfMac].map((named) => named.eni))].sort((a, b) => a - b);
  }

  #eni(number: number): Eni {
    return this.#locality.enis[number] ?? eniOfInterface(number - this.#locality.enis.length);
  }

  /** An entry without traffic for each window, or one for all; the capture's end cuts its last window. */
  async #writeQuiet(status: 'nodata' | 'skipdata', run: { eni: number; from: number; to: number }): Promise<void> {
    const spans = spansOf(run.from, run.to);
    const q = this.#quiet;
    const { first, mark } = this.#exchange.clock;
    spans.forEach((span, row) => {
      q.eni[row] = run.eni;
      q.status[row] = STATUS[status];
      q.start[row] = BigInt(span.from * this.#windowSeconds);
      const end = span.to * this.#windowSeconds;
      q.end[row] = BigInt(status === 'nodata' && first !== undefined ? Math.min(end, mark) : end);
    });
    this.#entries[status] += spans.length;
    await this.#write(q, spans.length);
  }

  async #write(columns: Columns, rows: number): Promise<void> {
    const encoder = this.#encoderForAll();
    for (let row = 0; row < rows;) {
      addon.encoder_json(encoder, columns.buffer, columns.capacity, row, rows, await this.#room(), this.#result);
      row = this.#result[0]!;
      this.#lines?.wrote(this.#result[1]);
      this.#logged.packets += this.#result[2];
      this.#logged.bytes += this.#result[3];
    }
  }

  #room(): Uint8Array | Promise<Uint8Array> {
    return this.#lines?.room() ?? SCRATCH;
  }

  /** The encoder knows the constants of all ENIs, and of as many as may come: it is seldom made anew. */
  #encoderForAll(): NativeEncoder {
    const needed = this.#locality.enis.length + this.#exchange.clock.interfaces;
    if (!this.#encoder || needed > this.#encoderEnis) {
      const count = Math.max(needed, 2 * this.#encoderEnis);
      const escape = (text: string): string => JSON.stringify(text).slice(1, -1);
      const enis = Array.from({ length: count }, (_, number) => this.#eni(number));
      this.#encoder = addon.encoder_new(
        enis.map((eni) => ({
          accountId: escape(eni.accountId),
          eniId: escape(eni.eniId),
          vmId: escape(eni.vmId),
          vpcId: escape(eni.vpcId),
          vswitchId: escape(eni.vswitchId),
        })),
      );
      this.#encoderEnis = count;
    }
    return this.#encoder;
  }
}

/** Where lines go that nobody wants: the sums of what was encoded are wanted all the same. */
const SCRATCH = new Uint8Array(1 << 20);
