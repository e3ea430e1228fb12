// When each ENI was watched: what its windows lack is told as they close.
//
// A window, or a part of one, that nobody watched is SKIPDATA; one that was watched and had no traffic is NODATA. Times are
// seconds since the epoch, with fractions where somebody came or went; a second that was watched in part was not watched.
// Nobody watches the time that a clock jumps over. Of time that comes again, as a clock is set back, nothing is told twice.
import { spansOf } from './silence.ts';

/** An entry without traffic. */
export interface QuietEntry {
  readonly eni: number;
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
}

/** A clock that is set back more often than that, day after day, has what it tells of one time told twice. */
const MOST_TOLD = 16;

export class Attendance {
  readonly #windowSeconds: number;
  readonly #latenessSeconds: number;
  readonly #enis = new Map<number, Watched>();
  #lastEnd = 0;

  /** A window closes when the watermark has passed its end by the lateness. */
  constructor(windowSeconds: number, latenessSeconds: number) {
    this.#windowSeconds = windowSeconds;
    this.#latenessSeconds = latenessSeconds;
  }

  /** From now on the ENI is watched. */
  join(eni: number, now: number): void {
    const watched = this.#enis.get(eni);
    const last = watched?.spans.at(-1);
    if (last && last.until === Infinity) return;
    // Where a clock went back it was watched until then, whatever time that was.
    const from = Math.max(now, last?.until ?? now);
    if (watched) watched.spans.push({ from, until: Infinity });
    else this.#enis.set(eni, this.#watchedFrom(from, []));
  }

  /** It is not watched any more. */
  leave(eni: number, now: number): void {
    const last = this.#enis.get(eni)?.spans.at(-1);
    if (last && last.until === Infinity) last.until = Math.max(now, last.from);
  }

  leaveAll(now: number): void {
    for (const eni of this.#enis.keys()) this.leave(eni, now);
  }

  /** The clock jumped ahead: what the windows lack that it passed over as a whole. */
  jump(from: number, to: number): QuietEntry[] {
    const watched = this.#watchedNow();
    this.leaveAll(from);
    for (const eni of watched) this.join(eni, to);
    const seconds = this.#windowSeconds;
    const first = Math.ceil(from / seconds);
    return watched.flatMap((eni) =>
      spansOf(first, Math.max(first, this.#idOf(to))).map((span) => {
        return { eni, status: 'skipdata' as const, start: span.from * seconds, end: span.to * seconds };
      }),
    );
  }

  /** The clock was set back from about one time to another: what the windows lack up to the first. */
  setBack(from: number, to: number): QuietEntry[] {
    const watched = this.#watchedNow();
    this.leaveAll(from);
    const before = new Map(this.#enis);
    const entries = this.settle(this.#idOf(from) + 1);
    this.#enis.clear();
    for (const eni of watched) {
      const { told, first, next } = before.get(eni)!;
      this.#enis.set(eni, this.#watchedFrom(to, [...told, [first, next] as const].slice(-MOST_TOLD)));
    }
    return entries;
  }

  /** A window closes in which these have traffic. */
  busy(window: number, enis: readonly number[]): void {
    for (const eni of enis) {
      const watched = this.#enis.get(eni);
      if (watched && window >= watched.next) watched.busy.add(window);
    }
  }

  /** End of the latest window of which all is told, in seconds since the epoch; 0: of none. */
  get lastEnd(): number {
    return this.#lastEnd;
  }

  /** Whether something is still to be told of it. */
  isOpen(eni: number): boolean {
    return this.#enis.has(eni);
  }

  /** Since when an ENI is watched; undefined: it is not. */
  watchedSince(eni: number): number | undefined {
    const last = this.#enis.get(eni)?.spans.at(-1);
    return last?.until === Infinity ? last.from : undefined;
  }

  /** Of each ENI that is watched: up to when all is told that its windows lack. */
  settledUntil(): [eni: number, second: number][] {
    return this.#watchedNow().map((eni) => [eni, this.#enis.get(eni)!.next * this.#windowSeconds]);
  }

  /** All windows are closed that this watermark closes. */
  settleAt(mark: number): QuietEntry[] {
    return this.settle(this.#idOf(mark - this.#latenessSeconds));
  }

  /** All windows before this one are closed: what they lack, by ENI and in the order of time. */
  settle(before: number): QuietEntry[] {
    return [...this.#enis].sort(([a], [b]) => a - b).flatMap(([eni, watched]) => this.#settleOne(eni, watched, before));
  }

  /** Nobody watches any more: what all windows lack that were touched. */
  end(): QuietEntry[] {
    const last = Math.max(0, ...[...this.#enis.values()].map(({ spans }) => spans.at(-1)!.until));
    return this.settle(this.#idOf(Number.isFinite(last) ? Math.max(Math.ceil(last) - 1, 0) : 0) + 1);
  }

  #settleOne(eni: number, watched: Watched, before: number): QuietEntry[] {
    const entries: QuietEntry[] = [];
    if (watched.next < before) this.#lastEnd = Math.max(this.#lastEnd, before * this.#windowSeconds);
    for (; watched.next < before; watched.next++) {
      // Years may lie between two spans.
      watched.next = Math.min(this.#touchedFrom(watched), before);
      if (watched.next === before) break;
      if (watched.told.some(([from, to]) => watched.next >= from && watched.next < to)) continue;
      entries.push(...this.#windowOf(eni, watched, watched.next));
      watched.busy.delete(watched.next);
    }
    const begin = before * this.#windowSeconds;
    const isOver = (span: Span): boolean => span.until <= begin;
    while (watched.spans.length > 0 && isOver(watched.spans[0])) watched.spans.shift();
    if (watched.spans.length === 0) this.#enis.delete(eni);
    return entries;
  }

  /** The first window from the next on that somebody watched a part of. */
  #touchedFrom({ spans, next }: Watched): number {
    const begin = next * this.#windowSeconds;
    const span = spans.find(({ from, until }) => until > begin && until > from);
    return span ? Math.max(next, this.#idOf(span.from)) : Infinity;
  }

  #watchedNow(): number[] {
    return [...this.#enis].filter(([, { spans }]) => spans.at(-1)!.until === Infinity).map(([eni]) => eni);
  }

  #watchedFrom(from: number, told: Watched['told']): Watched {
    const first = this.#idOf(from);
    return { spans: [{ from, until: Infinity }], told, first, next: first, busy: new Set() };
  }

  #windowOf(eni: number, { spans, busy }: Watched, window: number): QuietEntry[] {
    const [begin, end] = [window * this.#windowSeconds, (window + 1) * this.#windowSeconds];
    const touched = spans.filter(({ from, until }) => from < end && until > begin && until > from);
    // Between two spans, in which it was not there, it has no windows.
    if (touched.length === 0) return [];
    const entries: QuietEntry[] = [];
    const put = (status: QuietEntry['status'], start: number, stop: number): void => {
      if (start < stop) entries.push({ eni, status, start, end: stop });
    };
    let at = begin;
    for (const { from, until } of touched) {
      const [start, stop] = [Math.max(Math.ceil(from), begin), Math.min(Math.floor(until), end)];
      put('skipdata', at, start);
      if (!busy.has(window)) put('nodata', start, stop);
      at = Math.max(start, stop);
    }
    put('skipdata', at, end);
    return entries;
  }

  #idOf(sec: number): number {
    return Math.floor(sec / this.#windowSeconds);
  }
}
