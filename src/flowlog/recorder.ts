// From closing windows to entries: silences first, then the window's entries; nothing per entry in JavaScript.
import type { NativeState } from '../base/addon_types.ts';
import type { ClosingWindow, Collector } from '../flow/collector.ts';
import type { Exchange } from '../flow/exchange.ts';
import type { Incomplete } from '../flow/worker.ts';
import { checkBalance, keepBooks } from './accounting.ts';
import type { Accounting, EntryCounts, Logged } from './accounting.ts';
import type { Attendance, QuietEntry } from './attendance.ts';
import type { JumpWatch } from './clock_jump.ts';
import { Columns, STATUS } from './columns.ts';
import type { EniDirectory } from './eni_directory.ts';
import type { EntryWriter, Sums } from './entry_writer.ts';
import { Silence, spansOf } from './silence.ts';

/** Rows that are watched at once. */
const ROWS = 4096;

/** A record of what is captured live also knows when each ENI was watched. */
export interface RecorderOptions {
  readonly watch?: RowWatcher | undefined;
  /** Undefined: a capture tells by itself when it was made. */
  readonly attendance?: Attendance | undefined;
  /** With attendance. */
  readonly jumps?: JumpWatch | undefined;
  /** With attendance: all is recorded of the windows that have closed. */
  readonly settled?: (() => void) | undefined;
}

/** What was recorded so far. */
export interface Recorded {
  readonly logged: Readonly<Logged>;
  readonly entries: Readonly<EntryCounts>;
  readonly closedEarly: number;
  /** End of the latest window that closed, in seconds since the epoch; 0: none has. */
  readonly lastWindowEnd: number;
}

/** Looks at rows as they pass. */
export type RowWatcher = (columns: Columns, rows: number) => void;

export class Recorder {
  readonly #exchange: Exchange;
  readonly #collector: Collector;
  readonly #enis: EniDirectory;
  readonly #windowSeconds: number;
  readonly #writer: EntryWriter;
  readonly #watch: RowWatcher | undefined;
  readonly #attendance: Attendance | undefined;
  readonly #jumps: JumpWatch | undefined;
  readonly #settled: () => void;
  #settledMark = -Infinity;
  #lastWindowEnd = 0;
  #watched: Columns | undefined;
  readonly #quiet = new Columns(8);
  readonly #silence = new Silence();
  readonly #logged: Logged = { packets: 0, bytes: 0 };
  readonly #entries: EntryCounts = { ok: 0, nodata: 0, skipdata: 0, supplementary: 0 };
  #closedEarly = 0;

  constructor(
    exchange: Exchange,
    collector: Collector,
    enis: EniDirectory,
    windowSeconds: number,
    writer: EntryWriter,
    { watch, attendance, jumps, settled = () => undefined }: RecorderOptions = {},
  ) {
    this.#exchange = exchange;
    this.#collector = collector;
    this.#enis = enis;
    this.#windowSeconds = windowSeconds;
    this.#writer = writer;
    this.#watch = watch;
    this.#attendance = attendance;
    this.#jumps = jumps;
    this.#settled = settled;
  }

  get recorded(): Recorded {
    return {
      logged: this.#logged,
      entries: this.#entries,
      closedEarly: this.#closedEarly,
      lastWindowEnd: this.#lastWindowEnd,
    };
  }

  /** Nobody watched an ENI between two times, in seconds since the epoch: a SKIPDATA entry for each window. */
  async recordUnwatched(eni: number, from: number, until: number): Promise<void> {
    const to = Math.ceil(until / this.#windowSeconds);
    if (this.#idOf(from) < to) await this.#writeQuiet('skipdata', { eni, from: this.#idOf(from), to });
  }

  /** Writes all that comes. */
  async recordAll(): Promise<void> {
    for await (const window of this.#collector.windows()) {
      await this.#recordDrops();
      if (window) await this.#record(window);
      else await this.#rest();
    }
    await this.#recordDrops();
  }

  /** Nothing more comes for now: what the windows lack that have closed is told. */
  async #rest(): Promise<void> {
    const { settled } = this.#collector;
    if (this.#attendance && settled !== undefined && settled !== this.#settledMark) {
      // Before windows are told of by a clock that has jumped.
      const jump = this.#jumps?.look();
      if (jump) await this.#writeAll(this.#attendance.jump(jump.from, jump.to));
      if (settled < this.#settledMark) await this.#writeAll(this.#attendance.setBack(this.#settledMark, settled));
      this.#settledMark = settled;
      await this.#writeAll(this.#attendance.settleAt(settled));
      this.#lastWindowEnd = Math.max(this.#lastWindowEnd, this.#attendance.lastEnd);
      this.#settled();
    }
    this.#writer.pause?.();
  }

  /** Writes the entries of a window that closes, and what its closing ends. */
  async #record(window: ClosingWindow): Promise<void> {
    const { first, mark } = this.#exchange.clock;
    if (this.#attendance) this.#attendance.busy(window.id, window.enis);
    else if (first !== undefined) this.#silence.begin(this.#idOf(first));
    if (!this.#attendance && !window.isLate && !window.isEarly) {
      for (const run of this.#silence.close(window.id, window.enis)) {
        // A window of untimed packets may lie behind the capture's end, but no silence does.
        const to = Math.min(run.to, this.#idOf(mark) + 1);
        if (run.from < to) await this.#writeQuiet('nodata', { ...run, to });
      }
    }
    this.#lastWindowEnd = Math.max(this.#lastWindowEnd, (window.id + 1) * this.#windowSeconds);
    for (let isDone = false; !isDone;) {
      const taken = await this.#take(window);
      isDone = taken.isDone;
      if (window.isLate) this.#entries.supplementary += taken.rows;
      else this.#entries.ok += taken.rows;
      if (window.isEarly) this.#closedEarly += taken.rows;
    }
  }

  async #take(window: ClosingWindow): Promise<{ rows: number; isDone: boolean }> {
    if (this.#watch) return this.#takeWatched(this.#watch, window);
    const taken = await this.#writer.take(this.#collector, window);
    this.#log(taken);
    return taken;
  }

  async #takeWatched(watch: RowWatcher, window: ClosingWindow): Promise<{ rows: number; isDone: boolean }> {
    const columns = (this.#watched ??= new Columns(ROWS));
    const filled = await this.#collector.fill(columns.buffer, columns.capacity);
    watch(columns, filled.rows);
    this.#log(await this.#writer.write(columns, filled.rows, window.id * this.#windowSeconds));
    return filled;
  }

  #log(sums: Sums): void {
    this.#logged.packets += sums.packets;
    this.#logged.bytes += sums.bytes;
  }

  /** Writes what the captures reported as dropped up to here. */
  async #recordDrops(): Promise<void> {
    for (const drops of this.#collector.takeDrops()) {
      // Nobody knows of which named ENI the lost packets were: it may have been any.
      const seconds = this.#windowSeconds;
      const named = this.#enis.namedBetween(drops.from * seconds, (drops.to + 1) * seconds);
      for (const eni of named.length > 0 ? named : [drops.eni]) {
        await this.#writeQuiet('skipdata', { eni, from: drops.from, to: drops.to + 1 });
      }
    }
  }

  /** The capture is over: last silences, and the books, balanced. Throws UNBALANCED. */
  async finish(incomplete: readonly Incomplete[]): Promise<Accounting> {
    const { state, clock } = this.#exchange;
    if (this.#attendance) {
      await this.#writeAll(this.#attendance.end());
    } else if (clock.first !== undefined) {
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
      (eni) => this.#enis.eni(eni).eniId,
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
    const named = this.#enis.named();
    return [...new Set(named.length > 0 ? named : state.interfaces.map((i) => i.eni))];
  }

  /** An entry without traffic for each window, or one for all; the capture's end cuts its last window. */
  async #writeQuiet(status: 'nodata' | 'skipdata', run: { eni: number; from: number; to: number }): Promise<void> {
    const { first, mark } = this.#exchange.clock;
    for (const span of spansOf(run.from, run.to)) {
      const start = span.from * this.#windowSeconds;
      const end = span.to * this.#windowSeconds;
      const isCut = status === 'nodata' && first !== undefined;
      await this.#writeOne({ eni: run.eni, status, start, end: isCut ? Math.min(end, mark) : end });
    }
  }

  async #writeAll(entries: readonly QuietEntry[]): Promise<void> {
    for (const entry of entries) await this.#writeOne(entry);
  }

  async #writeOne({ eni, status, start, end }: QuietEntry): Promise<void> {
    const q = this.#quiet;
    q.eni[0] = eni;
    q.status[0] = STATUS[status];
    q.start[0] = BigInt(start);
    q.end[0] = BigInt(end);
    await this.#writer.write(q, 1, this.#idOf(start) * this.#windowSeconds);
    this.#entries[status]++;
  }
}
