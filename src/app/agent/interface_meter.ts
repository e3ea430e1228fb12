// How the interfaces of an agent are: what came at each, what it lost, and whether that is what the interface itself counted.
import type { NativeInterface } from '../../base/addon_types.ts';
import type { Metrics } from '../../base/metrics.ts';
import { Coverage } from '../../capture/coverage.ts';
import type { WindowCoverage } from '../../capture/coverage.ts';
import { readCounters } from '../../capture/interface.ts';
import type { LIVE_METRICS } from '../../capture/metrics.ts';
import { exact } from '../units.ts';
import type { CapturedInterface } from './interfaces.ts';
import type { AgentLog } from './log.ts';
import type { AgentOptions } from './options.ts';

/** Less of an interface's packets is worth a line. */
const LEAST_COVERAGE = 0.999;

export interface InterfaceStatus {
  readonly name: string;
  /** Packets, since the agent runs. */
  readonly seen: number;
  /** Undefined: nobody knows. */
  readonly dropped: number | undefined;
  readonly perSecond: number;
  /** Of the last window; undefined: none is over yet. */
  readonly coverage: number | undefined;
}

interface Known {
  readonly coverage: Coverage;
  /** Packets that it had counted when the books were asked for. */
  counted: number | undefined;
  last: WindowCoverage | undefined;
  perSecond: number;
  isLow: boolean;
}

/** When it is looked. */
export interface Look {
  /** Number of the window that it is. */
  readonly window: number;
  /** Since the look before. */
  readonly seconds: number;
  readonly options: Pick<AgentOptions, 'capture' | 'filter' | 'windowSeconds'>;
}

export class InterfaceMeter {
  readonly #live: Metrics<typeof LIVE_METRICS>;
  readonly #log: AgentLog;
  readonly #known = new Map<string, Known>();
  /** Packets at the last look, by the interface's name. */
  readonly #seen = new Map<string, number>();

  constructor(live: Metrics<typeof LIVE_METRICS>, log: AgentLog) {
    this.#live = live;
    this.#log = log;
  }

  /** How those are that are captured; the books of others are told, too. */
  look(
    books: readonly NativeInterface[],
    captured: readonly CapturedInterface[],
    { window, seconds, options }: Look,
  ): InterfaceStatus[] {
    const knowsDrops = options.capture === 'ring';
    for (const { packets, dropped, name } of books) {
      if (name === '') continue;
      if (!this.#seen.has(name)) this.#seen.set(name, 0);
      this.#live.packets.raiseTo({ interface: name }, packets);
      if (knowsDrops) this.#live.dropped.raiseTo({ interface: name }, dropped);
    }
    const statuses = captured.map((at) => {
      const { name, number } = at;
      const known = this.#knownOf(at, options.windowSeconds);
      // Not there before its first packets have been read.
      const { packets: seen, dropped } = books.at(number) ?? { packets: 0, dropped: 0 };
      known.perSecond = (seen - (this.#seen.get(name) ?? 0)) / seconds;
      this.#seen.set(name, seen);
      if (known.counted !== undefined && !options.filter) {
        const over = known.coverage.take(window, { counted: known.counted, seen });
        if (over) this.#cover(name, known, over);
      }
      // With the next look come books in which all of this has been read.
      known.counted = sumOf(readCounters(name));
      return {
        name,
        seen,
        dropped: knowsDrops ? dropped : undefined,
        perSecond: known.perSecond,
        coverage: known.last?.ratio,
      };
    });
    this.#forget(new Set(captured.map(({ name }) => name)), new Set(books.map(({ name }) => name)));
    return statuses;
  }

  #cover(name: string, known: Known, over: WindowCoverage): void {
    known.last = over;
    this.#live.coverage.set({ interface: name }, over.ratio);
    const isLow = over.ratio < LEAST_COVERAGE;
    if (isLow && !known.isLow) {
      const line = `${name}: ${exact(over.missed)} of ${exact(over.counted)} packets of a window were not seen; said once until that is over`;
      this.#log.say(line, 'warn', { interface: name, ...over });
    } else if (!isLow && known.isLow) {
      this.#log.say(`${name}: all packets are seen again`, 'info', { interface: name });
    }
    known.isLow = isLow;
  }

  #knownOf({ name, since, counters }: CapturedInterface, windowSeconds: number): Known {
    let known = this.#known.get(name);
    if (!known) {
      known = { coverage: new Coverage(), counted: undefined, last: undefined, perSecond: 0, isLow: false };
      this.#known.set(name, known);
      const counted = sumOf(counters);
      const seen = this.#seen.get(name) ?? 0;
      if (counted !== undefined) known.coverage.take(Math.floor(since / windowSeconds), { counted, seen });
    }
    return known;
  }

  /** What is said of an interface that is gone is not true any more; and one that left its number begins anew. */
  #forget(there: ReadonlySet<string>, counted: ReadonlySet<string>): void {
    for (const name of this.#seen.keys()) {
      if (counted.has(name) || there.has(name)) continue;
      this.#seen.delete(name);
      this.#live.packets.remove({ interface: name });
      this.#live.dropped.remove({ interface: name });
    }
    for (const name of this.#known.keys()) {
      if (there.has(name)) continue;
      this.#known.delete(name);
      this.#live.coverage.remove({ interface: name });
    }
  }
}

function sumOf(counters: { readonly received: number; readonly sent: number } | undefined): number | undefined {
  return counters && counters.received + counters.sent;
}
