// Windows: which are open, what was put into them, and the entries and silences that come of closing them.
import { type End, type Flow, IDLE_SECONDS } from './flow.ts';
import { TCP } from './packet.ts';
import type { Rule } from './direction.ts';
import type { CountOptions } from './options.ts';

export interface Entry {
  readonly eni: string;
  readonly direction: 'in' | 'out';
  readonly rule: Rule;
  readonly windowStart: number;
  readonly version: 4 | 6;
  readonly src: string;
  readonly dst: string;
  readonly sport: string;
  readonly dport: string;
  readonly protocol: number;
  readonly packets: number;
  readonly bytes: number;
  readonly flags: number;
  readonly start: number;
  readonly end: number;
  /** Of a window that was closed before; `latePackets` counts both directions. */
  readonly supplementary: boolean;
  readonly latePackets: number;
}

/** No entry, but a statement about a stretch of time: nothing was seen, or not all. */
export interface Gap {
  readonly eni: string;
  readonly start: number;
  readonly end: number;
}

/** A longer silence is one entry. */
export const MAX_GAP_ENTRIES = 60;

interface Half {
  order: number;
  packets: number;
  bytes: number;
  flags: number;
  firstSec: number;
}

interface Accumulator {
  readonly flow: Flow;
  readonly halves: Partial<Record<End, Half>>;
  lastSec: number;
  closed: boolean;
}

type Window = Map<Flow, Accumulator>;

export interface Arrival {
  readonly flow: Flow;
  readonly from: End;
  readonly sec: number;
  readonly bytes: number;
  readonly flags: number | undefined;
  /** The packet's number in the capture. */
  readonly order: number;
}

export class Windows {
  readonly entries: Entry[] = [];
  readonly nodata: Gap[] = [];
  readonly #length: number;
  readonly #lateness: number;
  readonly #open = new Map<number, Window>();
  readonly #late = new Map<number, Window>();
  readonly #quietFrom = new Map<string, number>();
  #watermark: number | undefined;
  #firstWindow: number | undefined;

  constructor(options: CountOptions) {
    this.#length = options.windowSeconds;
    this.#lateness = options.latenessSeconds;
  }

  idOf(sec: number): number {
    return Math.floor(sec / this.#length);
  }

  startOf(id: number): number {
    return id * this.#length;
  }

  /** A packet's time passes, whether the packet is logged or not; what it closes is closed before it is placed. */
  raise(sec: number): void {
    this.#firstWindow ??= this.idOf(sec);
    if (this.#watermark !== undefined && sec <= this.#watermark) return;
    const before = this.#frontier();
    this.#watermark = sec;
    const frontier = this.#frontier();
    if (frontier > before) this.#closeBelow(frontier);
  }

  place(arrival: Arrival): void {
    const id = this.idOf(arrival.sec);
    const windows = id < this.#frontier() ? this.#late : this.#open;
    const window = windows.get(id) ?? new Map<Flow, Accumulator>();
    windows.set(id, window);
    const { flow } = arrival;
    const into = window.get(flow) ?? { flow, halves: {}, lastSec: -Infinity, closed: false };
    window.set(flow, into);
    addTo(into, arrival);
  }

  finish(enis: readonly string[]): void {
    this.#closeBelow(Infinity);
    if (this.#watermark === undefined || this.#firstWindow === undefined) return;
    const last = this.idOf(this.#watermark);
    for (const eni of enis) this.#silence(eni, this.#quietFrom.get(eni) ?? this.#firstWindow, last + 1);
  }

  #frontier(): number {
    return this.#watermark === undefined ? -Infinity : this.idOf(this.#watermark - this.#lateness);
  }

  #closeBelow(frontier: number): void {
    const ids = [...this.#open.keys(), ...this.#late.keys()].filter((id) => id < frontier);
    for (const id of ids.sort((one, other) => one - other)) {
      this.#close(id, this.#late, true);
      this.#close(id, this.#open, false);
    }
  }

  #close(id: number, windows: Map<number, Window>, supplementary: boolean): void {
    const window = windows.get(id);
    if (window === undefined) return;
    windows.delete(id);
    const made = [...window.values()].flatMap((accumulator) => this.#entriesOf(id, accumulator, supplementary));
    made.sort((one, other) => one.order - other.order || (one.entry.direction === 'out' ? -1 : 1));
    if (!supplementary) this.#hear(id, new Set(made.map(({ entry }) => entry.eni)));
    for (const { entry } of made) this.entries.push(entry);
  }

  #entriesOf(id: number, into: Accumulator, supplementary: boolean): { order: number; entry: Entry }[] {
    const { identity } = into.flow;
    const local = identity.local ?? (into.flow.opener === 'a' ? 'b' : 'a');
    const windowEnd = this.#endOf(id);
    const silent = identity.protocol !== TCP && into.lastSec < windowEnd - IDLE_SECONDS;
    const latePackets = supplementary ? (into.halves.a?.packets ?? 0) + (into.halves.b?.packets ?? 0) : 0;
    return (['a', 'b'] as const).flatMap((from) => {
      const half = into.halves[from];
      if (half === undefined) return [];
      const to = from === 'a' ? 'b' : 'a';
      const entry: Entry = {
        eni: identity.eni,
        direction: from === local ? 'out' : 'in',
        rule: identity.rule,
        windowStart: this.startOf(id),
        version: identity.version,
        src: identity.addresses[from],
        dst: identity.addresses[to],
        sport: identity.ports[from],
        dport: identity.ports[to],
        protocol: identity.protocol,
        packets: half.packets,
        bytes: half.bytes,
        flags: half.flags,
        start: half.firstSec,
        end: into.closed || silent ? into.lastSec : windowEnd,
        supplementary,
        latePackets,
      };
      return [{ order: half.order, entry }];
    });
  }

  /** A capture's end ends its last window. */
  #endOf(id: number): number {
    const holdsWatermark = this.#watermark !== undefined && this.idOf(this.#watermark) === id;
    return holdsWatermark ? this.#watermark! : this.startOf(id + 1);
  }

  #hear(id: number, enis: ReadonlySet<string>): void {
    if (this.#firstWindow === undefined) return;
    for (const eni of enis) {
      const quietFrom = this.#quietFrom.get(eni) ?? this.#firstWindow;
      this.#silence(eni, quietFrom, id);
      this.#quietFrom.set(eni, Math.max(quietFrom, id + 1));
    }
  }

  #silence(eni: string, from: number, before: number): void {
    if (before <= from) return;
    for (const [first, last] of gapsBetween(from, before - 1)) {
      this.nodata.push({ eni, start: this.startOf(first), end: this.#endOf(last) });
    }
  }
}

/** Window ids, first and last of each gap. */
export function gapsBetween(first: number, last: number): [number, number][] {
  if (last - first + 1 > MAX_GAP_ENTRIES) return [[first, last]];
  const gaps: [number, number][] = [];
  for (let id = first; id <= last; id++) gaps.push([id, id]);
  return gaps;
}

function addTo(into: Accumulator, { flow, from, sec, bytes, flags, order }: Arrival): void {
  const half = (into.halves[from] ??= { order, packets: 0, bytes: 0, flags: 0, firstSec: sec });
  half.packets += 1;
  half.bytes += bytes;
  half.flags |= flags ?? 0;
  half.firstSec = Math.min(half.firstSec, sec);
  into.lastSec = Math.max(into.lastSec, sec);
  into.closed = flow.closed;
}
