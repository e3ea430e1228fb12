// When each subscriber was served: what its windows lack is told as they close.
//
// A window, or a part of one, that nobody watched is SKIPDATA; one that was watched and had no traffic is NODATA, unless packets
// were lost in it, which is told as they are. Times are seconds since the epoch, with fractions where somebody came or went; a
// second that was watched in part was not watched. Nobody watches the time that a clock jumps over. Of time that comes again, as
// a clock is set back, nothing is told twice.
import { spansOf } from './silence.ts';
import { WindowRuns } from './window_runs.ts';

/** An entry without traffic. */
export interface QuietEntry {
  readonly subscriber: number;
  readonly status: 'nodata' | 'skipdata';
  readonly start: number;
  readonly end: number;
}

/** From when on until when; open as long as it is watched. */
interface Span {
  readonly from: number;
  until: number;
}

interface Watched {
  readonly spans: Span[];
  /** Windows of which all was told before a clock was set back, from one (included) to one (excluded). */
  readonly told: (readonly [from: number, to: number])[];
  /** Where telling began. */
  first: number;
  /** The first window that is not settled. */
  next: number;
  /** Windows from there on in which it had traffic. */
  readonly busy: Set<number>;
  /** Windows from there on of which a loss was told. */
  readonly lost: WindowRuns;
}

/** A clock that is set back more often than that, day after day, has what it tells of one time told twice. */
const MOST_TOLD = 16;

export class Attendance {
  readonly #secondsOf: (subscriber: number) => number;
  readonly #latenessSeconds: number;
  readonly #all = new Map<number, Watched>();
  #lastEnd = 0;
  /** Nothing is to be told before. */
  #due = Infinity;

  /** `secondsOf`: how long the windows of a subscriber are. One closes when the watermark has passed its end by the lateness. */
  constructor(secondsOf: (subscriber: number) => number, latenessSeconds: number) {
    this.#secondsOf = secondsOf;
    this.#latenessSeconds = latenessSeconds;
  }

  /** It is watched from a time on, which may be to come. */
  join(subscriber: number, from: number): void {
    const watched = this.#all.get(subscriber);
    const last = watched?.spans.at(-1);
    // Where a clock went back, or it was to be watched until later, it is watched on.
    if (last && last.until >= from) last.until = Infinity;
    else if (watched) watched.spans.push({ from, until: Infinity });
    else this.#all.set(subscriber, this.#watchedFrom(subscriber, from, []));
  }

  /** It is not watched any more from a time on, which may be to come. */
  leave(subscriber: number, until: number): void {
    const last = this.#all.get(subscriber)?.spans.at(-1);
    if (last && last.until > until) last.until = Math.max(until, last.from);
  }

  leaveAll(until: number): void {
    for (const subscriber of this.#all.keys()) this.leave(subscriber, until);
  }

  /** The clock jumped ahead: what the windows lack that it passed over as a whole. */
  jump(from: number, to: number): QuietEntry[] {
    const watched = this.#watchedNow();
    this.leaveAll(from);
    for (const subscriber of watched) this.join(subscriber, to);
    return watched.flatMap((subscriber) => {
      const seconds = this.#secondsOf(subscriber);
      const first = Math.ceil(from / seconds);
      return spansOf(first, Math.max(first, Math.floor(to / seconds))).map((span) => {
        return { subscriber, status: 'skipdata' as const, start: span.from * seconds, end: span.to * seconds };
      });
    });
  }

  /** The clock was set back from about one time to another: what the windows lack up to the first. */
  setBack(from: number, to: number): QuietEntry[] {
    const watched = this.#watchedNow();
    this.leaveAll(from);
    const before = new Map(this.#all);
    const entries = this.#settleAll((seconds) => Math.floor(from / seconds) + 1);
    this.#all.clear();
    for (const subscriber of watched) {
      const { told, first, next } = before.get(subscriber)!;
      const all = [...told, [first, next] as const].slice(-MOST_TOLD);
      this.#all.set(subscriber, this.#watchedFrom(subscriber, to, all));
    }
    return entries;
  }

  /** A window closes, by its number among those of its length, in which these have traffic. */
  busy(window: number, subscribers: readonly number[]): void {
    for (const subscriber of subscribers) {
      const watched = this.#all.get(subscriber);
      if (watched && window >= watched.next) watched.busy.add(window);
    }
  }

  /** A loss is told of these windows of a subscriber: from one (included) to one (excluded). */
  lose(subscriber: number, from: number, to: number): void {
    this.#all.get(subscriber)?.lost.add(from, to);
  }

  /** End of the latest window of which all is told, in seconds since the epoch; 0: of none. */
  get lastEnd(): number {
    return this.#lastEnd;
  }

  /** Whether something is still to be told of it. */
  isOpen(subscriber: number): boolean {
    return this.#all.has(subscriber);
  }

  /** Since when it is watched; undefined: it is not. */
  watchedSince(subscriber: number): number | undefined {
    const last = this.#all.get(subscriber)?.spans.at(-1);
    return last?.until === Infinity ? last.from : undefined;
  }

  /** Of each that is watched: up to when all is told that its windows lack. */
  settledUntil(): [subscriber: number, second: number][] {
    return this.#watchedNow().map((subscriber) => {
      return [subscriber, this.#all.get(subscriber)!.next * this.#secondsOf(subscriber)];
    });
  }

  /** All windows are closed that this watermark closes: what they lack, by subscriber and in the order of time. */
  settleAt(mark: number): QuietEntry[] {
    return this.settle(mark - this.#latenessSeconds);
  }

  /** As `settleAt`, of all windows that end by a time. */
  settle(end: number): QuietEntry[] {
    // Asked several times a second, of thousands.
    if (end < this.#due) return [];
    return this.#settleAll((seconds) => Math.floor(end / seconds));
  }

  /** Nobody watches any more: what all windows lack that were touched. */
  end(): QuietEntry[] {
    const untils = [...this.#all.values()].map(({ spans }) => spans.at(-1)!.until).filter(Number.isFinite);
    const last = Math.max(Math.ceil(Math.max(0, ...untils)) - 1, 0);
    return this.#settleAll((seconds) => Math.floor(last / seconds) + 1);
  }

  #settleAll(beforeOf: (seconds: number) => number): QuietEntry[] {
    const entries = [...this.#all]
      .sort(([a], [b]) => a - b)
      .flatMap(([subscriber, watched]) => this.#settleOne(subscriber, watched, beforeOf(this.#secondsOf(subscriber))));
    this.#due = Infinity;
    for (const [subscriber, { next }] of this.#all) this.#dueBy((next + 1) * this.#secondsOf(subscriber));
    return entries;
  }

  #dueBy(second: number): void {
    this.#due = Math.min(this.#due, second);
  }

  #settleOne(subscriber: number, watched: Watched, before: number): QuietEntry[] {
    const entries: QuietEntry[] = [];
    const seconds = this.#secondsOf(subscriber);
    if (watched.next < before) this.#lastEnd = Math.max(this.#lastEnd, before * seconds);
    for (; watched.next < before; watched.next++) {
      // Years may lie between two spans.
      watched.next = Math.min(touchedFrom(watched, seconds), before);
      if (watched.next === before) break;
      if (watched.told.some(([from, to]) => watched.next >= from && watched.next < to)) continue;
      entries.push(...windowOf(subscriber, watched, watched.next * seconds, (watched.next + 1) * seconds));
      watched.busy.delete(watched.next);
    }
    watched.lost.forget(watched.next);
    const isOver = (span: Span): boolean => span.until <= before * seconds;
    while (watched.spans.length > 0 && isOver(watched.spans[0])) watched.spans.shift();
    if (watched.spans.length === 0) this.#all.delete(subscriber);
    return entries;
  }

  #watchedNow(): number[] {
    return [...this.#all].filter(([, { spans }]) => spans.at(-1)!.until === Infinity).map(([subscriber]) => subscriber);
  }

  #watchedFrom(subscriber: number, from: number, told: Watched['told']): Watched {
    const seconds = this.#secondsOf(subscriber);
    const first = Math.floor(from / seconds);
    this.#dueBy((first + 1) * seconds);
    return { spans: [{ from, until: Infinity }], told, first, next: first, busy: new Set(), lost: new WindowRuns() };
  }
}

/** The first window from the next on that somebody watched a part of. */
function touchedFrom({ spans, next }: Watched, seconds: number): number {
  const begin = next * seconds;
  const span = spans.find(({ from, until }) => until > begin && until > from);
  return span ? Math.max(next, Math.floor(span.from / seconds)) : Infinity;
}

/** What a window lacks, from its begin to its end. */
function windowOf(subscriber: number, { spans, busy, lost, next }: Watched, begin: number, end: number): QuietEntry[] {
  const touched = spans.filter(({ from, until }) => from < end && until > begin && until > from);
  // Between two spans, in which it was not there, it has no windows.
  if (touched.length === 0) return [];
  const entries: QuietEntry[] = [];
  const put = (status: QuietEntry['status'], start: number, stop: number): void => {
    if (start < stop) entries.push({ subscriber, status, start, end: stop });
  };
  const isSilent = !busy.has(next) && !lost.has(next);
  let at = begin;
  for (const { from, until } of touched) {
    const [start, stop] = [Math.max(Math.ceil(from), begin), Math.min(Math.floor(until), end)];
    put('skipdata', at, start);
    if (isSilent) put('nodata', start, stop);
    at = Math.max(start, stop);
  }
  put('skipdata', at, end);
  return entries;
}
