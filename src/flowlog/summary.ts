// What a person wants to see of a replay: the largest flows, and the traffic of each window.
import ipaddr from 'ipaddr.js';
import { DIRECTION, STATUS } from './columns.ts';
import type { Columns } from './columns.ts';

/** Distinct flows that are kept; the smallest go when there are twice as many, so that memory stays bounded. */
const KEPT_FLOWS = 4096;
/** Windows that are kept apart; beyond that, neighbours share a bar. */
const KEPT_WINDOWS = 1024;

export interface FlowSummary {
  readonly direction: 'in' | 'out';
  readonly protocol: number;
  readonly srcaddr: string;
  readonly srcport: number;
  readonly dstaddr: string;
  readonly dstport: number;
  packets: number;
  bytes: number;
}

export interface WindowSummary {
  /** Seconds since the epoch. */
  start: number;
  entries: number;
  packets: number;
  bytes: number;
}

export interface Summary {
  readonly flows: readonly FlowSummary[];
  /** False when flows had to be forgotten: those shown may then lack some of their bytes. */
  readonly isExact: boolean;
  readonly windows: readonly WindowSummary[];
  /** Seconds that a bar covers. */
  readonly windowSeconds: number;
}

export class Summarizer {
  #windowSeconds: number;
  #flows = new Map<string, FlowSummary>();
  #windows = new Map<number, WindowSummary>();
  #isExact = true;

  constructor(windowSeconds: number) {
    this.#windowSeconds = windowSeconds;
  }

  /** Takes in rows on their way out. */
  see(columns: Columns, rows: number): void {
    for (let row = 0; row < rows; row++) {
      if (columns.status[row] !== STATUS.ok) continue;
      this.#addFlow(columns, row);
      this.#addWindow(columns, row);
    }
    if (this.#flows.size > 2 * KEPT_FLOWS) this.#forgetSmall();
    while (this.#windows.size > KEPT_WINDOWS) this.#joinWindows();
  }

  /** The `most` largest flows by bytes, and the windows in their order. */
  get(most: number): Summary {
    return {
      flows: this.#largest(most),
      isExact: this.#isExact,
      windows: [...this.#windows.values()].sort((a, b) => a.start - b.start),
      windowSeconds: this.#windowSeconds,
    };
  }

  #addFlow(c: Columns, row: number): void {
    const size = c.family[row] === 6 ? 16 : 4;
    const source = c.srcaddr.subarray(row * 16, row * 16 + size);
    const destination = c.dstaddr.subarray(row * 16, row * 16 + size);
    const ports = `${c.srcport[row]} ${c.dstport[row]} ${c.protocol[row]} ${c.direction[row]}`;
    const key = `${source.join('.')} ${destination.join('.')} ${ports}`;
    let flow = this.#flows.get(key);
    if (!flow) {
      flow = {
        direction: c.direction[row] === DIRECTION.out ? 'out' : 'in',
        protocol: c.protocol[row],
        srcaddr: ipaddr.fromByteArray([...source]).toString(),
        srcport: c.srcport[row],
        dstaddr: ipaddr.fromByteArray([...destination]).toString(),
        dstport: c.dstport[row],
        packets: 0,
        bytes: 0,
      };
      this.#flows.set(key, flow);
    }
    flow.packets += Number(c.packets[row]);
    flow.bytes += Number(c.bytes[row]);
  }

  #addWindow(c: Columns, row: number): void {
    const start = Math.floor(Number(c.start[row]) / this.#windowSeconds) * this.#windowSeconds;
    let window = this.#windows.get(start);
    if (!window) this.#windows.set(start, (window = { start, entries: 0, packets: 0, bytes: 0 }));
    window.entries++;
    // A packet between two ENIs is in two entries.
    if (c.twin[row]) return;
    window.packets += Number(c.packets[row]);
    window.bytes += Number(c.bytes[row]);
  }

  #largest(most: number): FlowSummary[] {
    return [...this.#flows.values()].sort((a, b) => b.bytes - a.bytes || b.packets - a.packets).slice(0, most);
  }

  #forgetSmall(): void {
    const kept = new Set(this.#largest(KEPT_FLOWS));
    for (const [key, flow] of this.#flows) if (!kept.has(flow)) this.#flows.delete(key);
    this.#isExact = false;
  }

  #joinWindows(): void {
    this.#windowSeconds *= 2;
    const joined = new Map<number, WindowSummary>();
    for (const window of this.#windows.values()) {
      const start = Math.floor(window.start / this.#windowSeconds) * this.#windowSeconds;
      const into = joined.get(start);
      if (!into) {
        joined.set(start, { ...window, start });
        continue;
      }
      into.entries += window.entries;
      into.packets += window.packets;
      into.bytes += window.bytes;
    }
    this.#windows = joined;
  }
}
