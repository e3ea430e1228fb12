// Windows: which are open, what was put into them, and the entries and silences that come of closing them.
import { type End, type Flow, IDLE_SECONDS } from './flow.ts';
import { TCP } from './packet.ts';
import type { Rule } from './direction.ts';
import type { Enis } from './enis.ts';
import { NetworkModel } from './network.ts';
import type { CountOptions } from './options.ts';

export interface Entry {
  readonly status: 'OK';
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
  readonly action: 'ACCEPT' | 'REJECT';
  /** Undefined: there is no network to tell it by. */
  readonly trafficPath: number | undefined;
  /** Of a window that was closed before. */
  readonly supplementary: boolean;
}

/** No entry, but a statement about a stretch of time: nothing was seen, or not all. */
export interface Gap {
  readonly status: 'NODATA' | 'SKIPDATA';
  readonly eni: string;
  readonly start: number;
  readonly end: number;
}

/** What one line says. */
export type Written = Entry | Gap;

/** A window that is opened again after it closed costs an engine as much as these. */
const FLOWS_OF_LATE_WINDOW = 4;
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
type Placed = Omit<Entry, 'action' | 'trafficPath'>;

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
  /** All that is to be written, in its order. */
  readonly written: Written[] = [];
  readonly #length: number;
  readonly #lateness: number;
  readonly #enis: Enis;
  readonly #network: NetworkModel | undefined;
  readonly #open = new Map<number, Window>();
  /** Windows that got packets after they were closed. */
  readonly #late = new Map<number, Window>();
  readonly #quietFrom = new Map<string, number>();
  /** By ENI: what was told that the capture did not see. */
  readonly #lost = new Map<string, Gap[]>();
  /** Counts of flows that have counts in another open window as well. */
  #aside = 0;
  #watermark: number | undefined;
  #firstWindow: number | undefined;

  constructor(options: CountOptions, enis: Enis) {
    this.#length = options.windowSeconds;
    this.#lateness = options.latenessSeconds;
    this.#enis = enis;
    this.#network = options.networkFile && new NetworkModel(options.networkFile);
  }

  idOf(sec: number): number {
    return Math.floor(sec / this.#length);
  }

  startOf(id: number): number {
    return id * this.#length;
  }

  /** The latest time that has passed. */
  get watermark(): number | undefined {
    return this.#watermark;
  }

  /** What an engine has to remember besides its flows, in flows. */
  get burden(): number {
    return this.#aside + this.#late.size * FLOWS_OF_LATE_WINDOW;
  }

  /** A packet's time passes, whether the packet is logged or not; what it closes is closed before it is placed. */
  raise(sec: number): void {
    this.#firstWindow ??= this.idOf(sec);
    const before = this.#frontier();
    this.#watermark = Math.max(this.#watermark ?? sec, sec);
    const frontier = this.#frontier();
    if (frontier > before) this.#closeBelow(frontier);
  }

  /** What the capture did not see; it is known as soon as the capture says so. */
  skip(gaps: readonly Gap[]): void {
    this.written.push(...gaps);
    for (const gap of gaps) {
      const lost = this.#lost.get(gap.eni) ?? [];
      this.#lost.set(gap.eni, lost);
      lost.push(gap);
    }
  }

  place(arrival: Arrival): void {
    const id = this.idOf(arrival.sec);
    const windows = id < this.#frontier() ? this.#late : this.#open;
    const window = windows.get(id) ?? new Map<Flow, Accumulator>();
    windows.set(id, window);
    const { flow } = arrival;
    let into = window.get(flow);
    if (into === undefined) {
      into = { flow, halves: {}, lastSec: -Infinity, closed: false };
      window.set(flow, into);
      flow.windows += 1;
      if (flow.windows > 1) this.#aside += 1;
    }
    addTo(into, arrival);
  }

  finish(): void {
    this.#closeBelow(Infinity);
    if (this.#watermark === undefined || this.#firstWindow === undefined) return;
    for (const eni of this.#enis.all())
      this.#silence(eni, this.#quietFrom.get(eni) ?? this.#firstWindow, this.#unwatched());
  }

  /** The first window of which the capture saw nothing; one that begins with its last second is that already. */
  #unwatched(): number {
    return Math.ceil(this.#watermark! / this.#length);
  }

  #frontier(): number {
    return this.#watermark === undefined ? -Infinity : this.idOf(this.#watermark - this.#lateness);
  }

  /** A late window is below any frontier: whenever the frontier moves, all of them go, however many there are. */
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
    for (const flow of window.keys()) {
      if (flow.windows > 1) this.#aside -= 1;
      flow.windows -= 1;
    }
    const made = [...window.values()].flatMap((accumulator) => this.#entriesOf(id, accumulator, supplementary));
    made.sort((one, other) => one.order - other.order || (one.entry.direction === 'out' ? -1 : 1));
    if (!supplementary) this.#hear(id, new Set(made.map(({ entry }) => entry.eni)));
    for (const { entry } of made) this.written.push(entry);
  }

  #entriesOf(id: number, into: Accumulator, supplementary: boolean): { order: number; entry: Entry }[] {
    const { identity } = into.flow;
    const windowEnd = this.#endOf(id);
    const silent = identity.protocol !== TCP && into.lastSec < windowEnd - IDLE_SECONDS;
    return (['a', 'b'] as const).flatMap((from) => {
      const half = into.halves[from];
      if (half === undefined) return [];
      const to = from === 'a' ? 'b' : 'a';
      const said = {
        status: 'OK',
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
      } as const;
      return identity.places.map(({ eni, rule, local }) => {
        const here = local ?? (into.flow.opener === 'a' ? 'b' : 'a');
        const placed = { ...said, eni, rule, direction: from === here ? ('out' as const) : ('in' as const) };
        const entry: Entry = { ...placed, ...this.#judge(placed, into.flow.opener !== from) };
        return { order: half.order, entry };
      });
    });
  }

  /** What was seen passing is accepted, where no network says otherwise. */
  #judge(entry: Placed, isOpenedByReceiver: boolean): Pick<Entry, 'action' | 'trafficPath'> {
    const judged = this.#network?.judge({
      ...{ eni: this.#enis.network!.numberOf(entry.eni), direction: entry.direction, isOpenedByReceiver },
      ...{ srcaddr: entry.src, dstaddr: entry.dst, protocol: entry.protocol },
      ...{ srcport: portOf(entry.sport), dstport: portOf(entry.dport) },
    });
    return { action: judged?.action ?? 'ACCEPT', trafficPath: judged?.trafficPath };
  }

  /** A capture's end ends its last window. */
  #endOf(id: number): number {
    const holdsWatermark = this.#watermark !== undefined && this.idOf(this.#watermark) === id;
    return holdsWatermark ? this.#watermark! : this.startOf(id + 1);
  }

  #hear(id: number, enis: ReadonlySet<string>): void {
    if (this.#watermark === undefined || this.#firstWindow === undefined) return;
    // Packets without a time can be in a window after the capture's last.
    const before = Math.min(id, this.#unwatched());
    for (const eni of this.#enis.inOrder(enis)) {
      const quietFrom = this.#quietFrom.get(eni) ?? this.#firstWindow;
      this.#silence(eni, quietFrom, before);
      this.#quietFrom.set(eni, Math.max(quietFrom, id + 1));
    }
  }

  #silence(eni: string, from: number, before: number): void {
    if (before <= from) return;
    for (const [first, last] of this.#withoutLost(eni, from, before - 1).flatMap((run) => gapsBetween(...run))) {
      this.written.push({ status: 'NODATA', eni, start: this.startOf(first), end: this.#endOf(last) });
    }
  }

  /** Where packets were lost nobody knows that there were none. */
  #withoutLost(eni: string, first: number, last: number): [number, number][] {
    let runs: [number, number][] = [[first, last]];
    for (const { start, end } of this.#lost.get(eni) ?? []) {
      const [lost, next] = [this.idOf(start), this.idOf(end)];
      runs = runs.flatMap(([from, to]): [number, number][] => {
        if (next <= from || lost > to) return [[from, to]];
        const parts: [number, number][] = [
          [from, lost - 1],
          [next, to],
        ];
        return parts.filter(([one, other]) => one <= other);
      });
    }
    return runs;
  }
}

function portOf(text: string): number {
  return text === '-' ? -1 : Number(text);
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
