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
import { EntryRouter } from './entry_router.ts';
import type { EntryWriter, Sums, Taken } from './entry_writer.ts';
import { Silence, spansOf } from './silence.ts';
import type { SilentRun } from './silence.ts';
import type { Subscribers } from './subscribers.ts';

/** Rows that are watched at once. */
const ROWS = 4096;

export interface RecorderOptions {
  readonly exchange: Exchange;
  readonly collector: Collector;
  readonly enis: EniDirectory;
  readonly subscribers: Subscribers;
  readonly writer: EntryWriter;
  /** Of the exchange: no window is shorter. */
  readonly windowSeconds: number;
  readonly watch?: RowWatcher | undefined;
  /** Of what is captured live: when each subscriber was served. Undefined: a capture tells by itself when it was made. */
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
  readonly #own: RecorderOptions;
  readonly #router: EntryRouter | undefined;
  #settledMark = -Infinity;
  #lastWindowEnd = 0;
  /** Rows that are looked at, or that go to several. */
  #seen: Columns | undefined;
  readonly #quiet = new Columns(8);
  readonly #silence: Silence;
  /** By window: who got entries that were closed early. */
  readonly #busyEarly = new Map<string, Set<number>>();
  /** By subscriber: the first window of which no loss was told. */
  readonly #skippedTo = new Map<number, number>();
  readonly #logged: Logged = { packets: 0, bytes: 0 };
  readonly #entries: EntryCounts = { ok: 0, nodata: 0, skipdata: 0, supplementary: 0 };
  #closedEarly = 0;

  constructor(options: RecorderOptions) {
    this.#own = options;
    this.#router = options.subscribers.routes && new EntryRouter(options.subscribers);
    this.#silence = new Silence((subscriber) => options.subscribers.seconds(subscriber));
  }

  get recorded(): Recorded {
    return {
      logged: this.#logged,
      entries: this.#entries,
      closedEarly: this.#closedEarly,
      lastWindowEnd: this.#lastWindowEnd,
    };
  }

  /** Nobody served a subscriber between two times, in seconds since the epoch: a SKIPDATA entry for each window. */
  async recordUnwatched(subscriber: number, from: number, until: number): Promise<void> {
    const seconds = this.#own.subscribers.seconds(subscriber);
    const run = { subscriber, from: Math.floor(from / seconds), to: Math.ceil(until / seconds) };
    if (run.from < run.to) await this.#writeQuiet('skipdata', run);
  }

  /** Writes all that comes. */
  async recordAll(): Promise<void> {
    for await (const window of this.#own.collector.windows()) {
      await this.#recordDrops();
      if (window) await this.#record(window);
      else await this.#rest();
    }
    await this.#recordDrops();
  }

  /** Nothing more comes for now: what the windows lack that have closed is told. */
  async #rest(): Promise<void> {
    const { attendance, jumps, collector, writer, settled: done } = this.#own;
    const { settled } = collector;
    if (attendance && settled !== undefined && settled !== this.#settledMark) {
      // Before windows are told of by a clock that has jumped.
      const jump = jumps?.look();
      if (jump) await this.#writeAll(attendance.jump(jump.from, jump.to));
      if (settled < this.#settledMark) await this.#writeAll(attendance.setBack(this.#settledMark, settled));
      this.#settledMark = settled;
      await this.#writeAll(attendance.settleAt(settled));
      this.#lastWindowEnd = Math.max(this.#lastWindowEnd, attendance.lastEnd);
      done?.();
    }
    writer.pause?.();
  }

  /** Writes the entries of a window that closes, and what its closing ends. */
  async #record(window: ClosingWindow): Promise<void> {
    const { first } = this.#own.exchange.clock;
    if (first !== undefined) this.#silence.begin(first);
    this.#lastWindowEnd = Math.max(this.#lastWindowEnd, (window.id + 1) * window.seconds);
    if (!this.#router) await this.#endSilences(window, window.enis);
    for (let isDone = false; !isDone;) {
      const taken = await this.#take(window);
      isDone = taken.isDone;
      if (window.isLate) this.#entries.supplementary += taken.rows;
      else this.#entries.ok += taken.rows;
      if (window.isEarly) this.#closedEarly += taken.rows;
    }
    // Which flow logs take an entry shows when it is there.
    if (this.#router) await this.#endSilences(window, this.#router.takeBusy());
  }

  /** These have entries in a window. */
  async #endSilences(window: ClosingWindow, subscribers: readonly number[]): Promise<void> {
    const { attendance, exchange } = this.#own;
    if (attendance) return attendance.busy(window.id, subscribers);
    if (window.isLate) return;
    const key = `${window.seconds}/${window.id}`;
    const early = this.#busyEarly.get(key);
    const all = early ? [...new Set([...early, ...subscribers])].sort((a, b) => a - b) : subscribers;
    if (window.isEarly) {
      if (all.length > 0) this.#busyEarly.set(key, new Set(all));
      return;
    }
    this.#busyEarly.delete(key);
    const { mark } = exchange.clock;
    for (const run of this.#silence.close(window.id, all)) {
      // A window of untimed packets may lie behind the capture's end, but no silence does.
      const to = Math.min(run.to, Math.ceil(mark / window.seconds));
      if (run.from < to) await this.#writeQuiet('nodata', { ...run, to });
    }
  }

  async #take(window: ClosingWindow): Promise<{ rows: number; isDone: boolean }> {
    const { watch, writer, collector } = this.#own;
    if (watch || this.#router) return this.#takeSeen(window);
    const taken: Taken = await writer.take(collector, window);
    this.#log(taken);
    return taken;
  }

  async #takeSeen(window: ClosingWindow): Promise<{ rows: number; isDone: boolean }> {
    const { watch, writer, collector } = this.#own;
    const columns = (this.#seen ??= new Columns(ROWS));
    const { rows, isDone } = await collector.fill(columns.buffer, columns.capacity);
    watch?.(columns, rows);
    const part = { start: window.id * window.seconds, isEarly: window.isEarly };
    if (!this.#router) {
      this.#log(await writer.write(columns, rows, { ...part, isLast: isDone }));
      return { rows, isDone };
    }
    const write = (copies: Columns, count: number): Promise<Sums> =>
      writer.write(copies, count, { ...part, isLast: false });
    const routed = await this.#router.route(columns, rows, window, write);
    if (isDone) await writer.write(columns, 0, { ...part, isLast: true });
    this.#log(routed);
    return { rows: routed.entries, isDone };
  }

  #log(sums: Sums): void {
    this.#logged.packets += sums.packets;
    this.#logged.bytes += sums.bytes;
  }

  /** Writes what the captures reported as dropped up to here. */
  async #recordDrops(): Promise<void> {
    const { collector, enis, subscribers, windowSeconds } = this.#own;
    for (const drops of collector.takeDrops()) {
      // Nobody knows of which named ENI the lost packets were: it may have been any.
      const [from, until] = [drops.from * windowSeconds, (drops.to + 1) * windowSeconds];
      const named = enis.namedBetween(from, until);
      for (const eni of named.length > 0 ? named : [drops.eni]) {
        for (const one of subscribers.collecting(eni)) {
          await this.#skip(one.number, Math.max(from, one.from), Math.min(until, one.until));
        }
      }
    }
  }

  /** Windows that a loss touches, each told once where they are longer than those that it was found in. */
  async #skip(subscriber: number, from: number, until: number): Promise<void> {
    if (from >= until) return;
    const seconds = this.#own.subscribers.seconds(subscriber);
    const to = Math.ceil(until / seconds);
    const told = seconds > this.#own.windowSeconds ? (this.#skippedTo.get(subscriber) ?? -Infinity) : -Infinity;
    const first = Math.max(Math.floor(from / seconds), told);
    if (first >= to) return;
    this.#skippedTo.set(subscriber, to);
    const { attendance } = this.#own;
    if (attendance) attendance.lose(subscriber, first, to);
    else this.#silence.lose(subscriber, first, to);
    await this.#writeQuiet('skipdata', { subscriber, from: first, to });
  }

  /** The capture is over: last silences, and the books, balanced. Throws UNBALANCED. */
  async finish(incomplete: readonly Incomplete[]): Promise<Accounting> {
    const { attendance, exchange, enis } = this.#own;
    const { state, clock } = exchange;
    if (attendance) {
      await this.#writeAll(attendance.end());
    } else if (clock.first !== undefined) {
      this.#silence.begin(clock.first);
      for (const run of this.#silence.end(clock.mark, this.#allSubscribers(state))) {
        await this.#writeQuiet('nodata', run);
      }
    }
    const accounting = keepBooks(
      state,
      this.#logged,
      this.#entries,
      this.#closedEarly,
      this.#router?.uncollected,
      incomplete,
      (eni) => enis.eni(eni).eniId,
      (linkType) => exchange.linkTypeName(linkType),
    );
    checkBalance(accounting);
    return accounting;
  }

  /** Of the ENIs that could have traffic: the named ones, or those of the declared interfaces. */
  #allSubscribers(state: NativeState): number[] {
    const { enis, subscribers } = this.#own;
    const named = enis.named();
    const all = new Set(named.length > 0 ? named : state.interfaces.map((i) => i.eni));
    return [...all].flatMap((eni) => subscribers.collecting(eni).map(({ number }) => number));
  }

  /** An entry without traffic for each window, or one for all; the capture's end cuts its last window. */
  async #writeQuiet(status: 'nodata' | 'skipdata', { subscriber, from, to }: SilentRun): Promise<void> {
    const { exchange, subscribers } = this.#own;
    const { first, mark } = exchange.clock;
    const seconds = subscribers.seconds(subscriber);
    for (const span of spansOf(from, to)) {
      const [start, end] = [span.from * seconds, span.to * seconds];
      const isCut = status === 'nodata' && first !== undefined;
      await this.#writeOne({ subscriber, status, start, end: isCut ? Math.min(end, mark) : end });
    }
  }

  async #writeAll(entries: readonly QuietEntry[]): Promise<void> {
    for (const entry of entries) await this.#writeOne(entry);
  }

  async #writeOne({ subscriber, status, start, end }: QuietEntry): Promise<void> {
    const { subscribers, writer } = this.#own;
    const seconds = subscribers.seconds(subscriber);
    const q = this.#quiet;
    q.eni[0] = subscriber;
    q.status[0] = STATUS[status];
    q.start[0] = BigInt(start);
    q.end[0] = BigInt(end);
    await writer.write(q, 1, { start: Math.floor(start / seconds) * seconds, isEarly: false, isLast: true });
    this.#entries[status]++;
  }
}
