// How an agent is: looked at each second, for its metrics, its health and its status page.
import type { NativeBooks, NativeVerdicts } from '../../base/addon_types.ts';
import { MetricRegistry } from '../../base/metrics.ts';
import type { Metrics } from '../../base/metrics.ts';
import { Coverage } from '../../capture/coverage.ts';
import type { WindowCoverage } from '../../capture/coverage.ts';
import { readCounters } from '../../capture/interface.ts';
import { LIVE_METRICS, NFLOG_VERDICTS } from '../../capture/metrics.ts';
import type { Exchange } from '../../flow/exchange.ts';
import { EXCLUSIONS } from '../../flowlog/accounting.ts';
import { FLOWLOG_METRICS } from '../../flowlog/metrics.ts';
import type { Recorder } from '../../flowlog/recorder.ts';
import { APP_METRICS } from '../metrics.ts';
import type { Health } from '../status_server.ts';
import { exact } from '../units.ts';
import { VERSION } from '../version.ts';
import type { AgentDelivery } from './delivery.ts';
import type { AgentInterfaces, CapturedInterface } from './interfaces.ts';
import type { AgentLog } from './log.ts';
import type { AgentOptions } from './options.ts';

const LOOK_MS = 1000;
/** A packet that came has been read by then, on any machine that keeps up. */
const SEEN_MS = 250;
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

export interface AgentStatus {
  readonly interfaces: readonly InterfaceStatus[];
  readonly flows: number;
  readonly entries: number;
  /** Seconds since the epoch; 0: no window has closed. */
  readonly lastWindowEnd: number;
  readonly waitingBytes: number;
  readonly troubles: readonly string[];
}

/** What is looked at, once it is there. */
export interface Watched {
  readonly options: AgentOptions;
  readonly exchange: Exchange;
  readonly recorder: Recorder;
  readonly interfaces: AgentInterfaces;
  readonly delivery: AgentDelivery;
}

interface Known {
  readonly coverage: Coverage;
  /** Packets that it had counted when the books were asked for. */
  counted: number | undefined;
  last: WindowCoverage | undefined;
  perSecond: number;
  isLow: boolean;
}

export class AgentMeter {
  readonly registry = new MetricRegistry();
  readonly #log: AgentLog;
  readonly #flowlog: Metrics<typeof FLOWLOG_METRICS>;
  readonly #live: Metrics<typeof LIVE_METRICS>;
  readonly #known = new Map<string, Known>();
  /** Packets at the last look, by the interface's name. */
  readonly #seen = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #asking: NodeJS.Timeout | undefined;
  #lookedAt = 0;
  #saidWindow = 0;
  readonly #said = new Set<string>();
  #status: AgentStatus = {
    interfaces: [],
    flows: 0,
    entries: 0,
    lastWindowEnd: 0,
    waitingBytes: 0,
    troubles: [],
  };

  constructor(log: AgentLog) {
    this.#log = log;
    this.registry.addProcessMetrics();
    this.registry.add(APP_METRICS).build.set({ version: VERSION }, 1);
    this.#flowlog = this.registry.add(FLOWLOG_METRICS);
    this.#live = this.registry.add(LIVE_METRICS);
  }

  /** From now on; `looked` is called each second. */
  watch(watched: Watched, looked: (status: AgentStatus) => void): void {
    this.#flowlog.flowsLimit.set(watched.options.maxFlows);
    if (watched.options.filter) {
      this.#log.say(
        'with --filter it is not known whether all of it is seen: the counters of interfaces are of all packets',
      );
    }
    if (watched.options.capture === 'libpcap') this.#flowlog.droppedPackets.remove({ reason: 'interface' });
    this.#lookedAt = performance.now();
    this.#timer = setInterval(() => {
      this.#look(watched);
      looked(this.#status);
      // The books of the next look are those of when they were asked for.
      this.#asking = setTimeout(() => watched.exchange.live(), SEEN_MS);
    }, LOOK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#asking);
  }

  /** A batch was made. */
  made(): void {
    this.#flowlog.batches.inc();
  }

  /** So many packets are in no entry any more: their batch was lost. */
  dropped(packets: number): void {
    this.#flowlog.droppedPackets.inc({ reason: 'spool' }, packets);
  }

  get status(): AgentStatus {
    return this.#status;
  }

  health(): Health {
    const { interfaces, troubles, lastWindowEnd } = this.#status;
    return { reasons: troubles, details: { interfaces: interfaces.map(({ name }) => name), lastWindowEnd } };
  }

  #look(watched: Watched): void {
    const { exchange, recorder, interfaces, delivery, options } = watched;
    const seconds = (performance.now() - this.#lookedAt) / 1000;
    this.#lookedAt = performance.now();
    const window = Math.floor(Date.now() / 1000 / options.windowSeconds);
    const { interfaces: books, gone, flows, verdicts } = exchange.live();
    const knowsDrops = options.capture === 'ring';
    let { dropped } = gone;
    for (const { packets, dropped: lost, name } of books) {
      if (name === '') continue;
      if (!this.#seen.has(name)) this.#seen.set(name, 0);
      this.#live.packets.raiseTo({ interface: name }, packets);
      if (knowsDrops) this.#live.dropped.raiseTo({ interface: name }, lost);
      dropped += lost;
    }
    const statuses = interfaces.captured.map((at) => {
      const { name, number } = at;
      const known = this.#knownOf(at, options.windowSeconds);
      // Not there before its first packets have been read.
      const { packets: seen, dropped: lost } = books.at(number) ?? { packets: 0, dropped: 0 };
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
        dropped: knowsDrops ? lost : undefined,
        perSecond: known.perSecond,
        coverage: known.last?.ratio,
      };
    });
    this.#forget(new Set(statuses.map(({ name }) => name)), new Set(books.map(({ name }) => name)));
    this.#tellBooks(watched, [...books, gone], dropped, flows);
    this.#tellVerdicts(verdicts);
    const { entries, lastWindowEnd } = recorder.recorded;
    this.#status = {
      interfaces: statuses,
      flows,
      entries: entries.ok + entries.supplementary,
      lastWindowEnd,
      waitingBytes: delivery.waitingBytes,
      troubles: [
        ...delivery.troubles,
        ...[...interfaces.refused.values()],
        ...interfaces.missing.map((name) => `${name} is not there`),
      ],
    };
    this.#sayWindow(watched);
  }

  #tellBooks(
    { recorder, interfaces, options }: Watched,
    books: readonly NativeBooks[],
    dropped: number,
    flows: number,
  ): void {
    const { logged, entries, closedEarly, lastWindowEnd } = recorder.recorded;
    const m = this.#flowlog;
    m.packets.raiseTo(total(books.map((book) => book.packets)));
    m.bytes.raiseTo(total(books.map((book) => book.bytes)));
    EXCLUSIONS.forEach((reason, i) =>
      m.excludedPackets.raiseTo({ reason }, total(books.map((book) => book.excludedPackets[i + 1]))),
    );
    if (options.capture === 'ring') m.droppedPackets.raiseTo({ reason: 'interface' }, dropped);
    m.loggedPackets.raiseTo(logged.packets);
    m.flows.set(flows);
    m.entries.raiseTo({ status: 'ok' }, entries.ok);
    m.entries.raiseTo({ status: 'nodata' }, entries.nodata);
    m.entries.raiseTo({ status: 'skipdata' }, entries.skipdata);
    m.supplementaryEntries.raiseTo(entries.supplementary);
    m.closedEarlyEntries.raiseTo(closedEarly);
    m.lastWindowEnd.set(lastWindowEnd);
    this.#live.interfaces.set(interfaces.captured.length);
    this.#live.refused.set(interfaces.refused.size);
    this.#live.ringBytes.set(interfaces.captured.length * options.ringBytes);
  }

  #tellVerdicts(verdicts: NativeVerdicts): void {
    for (const verdict of NFLOG_VERDICTS) this.#live.verdicts.raiseTo({ verdict }, verdicts[verdict]);
    this.#live.lostVerdicts.raiseTo(verdicts.lost);
    this.#live.overflows.raiseTo(verdicts.overflows);
    const { unknown, overflows } = verdicts;
    if (unknown > 0) {
      this.#once('unknown', 'the firewall told of a packet with a prefix that begins with neither ACCEPT: nor REJECT:');
    }
    if (overflows > 0)
      this.#once('overflows', 'the firewall told of more packets than there was room for: see SKIPDATA');
  }

  #once(what: string, line: string): void {
    if (this.#said.has(what)) return;
    this.#said.add(what);
    this.#log.say(`${line}; said once`, 'warn');
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

  /** A line for each window that has closed. */
  #sayWindow({ recorder }: Watched): void {
    const { lastWindowEnd, entries, logged } = recorder.recorded;
    if (lastWindowEnd <= this.#saidWindow) return;
    this.#saidWindow = lastWindowEnd;
    const end = new Date(lastWindowEnd * 1000).toISOString().replace('.000', '');
    const fields = { window_end: end, packets: logged.packets, ...entries };
    this.#log.say(
      `window until ${end} is logged; so far ${exact(logged.packets)} packets in ${exact(entries.ok + entries.supplementary)} entries`,
      'info',
      fields,
    );
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

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
