// How an agent is: looked at each second, for its metrics, its health and its status page.
import type { NativeBooks, NativeVerdicts } from '../../base/addon_types.ts';
import { MetricRegistry } from '../../base/metrics.ts';
import type { Metrics } from '../../base/metrics.ts';
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
import { InterfaceMeter } from './interface_meter.ts';
import type { InterfaceStatus } from './interface_meter.ts';
import type { AgentInterfaces } from './interfaces.ts';
import type { AgentLog } from './log.ts';
import type { AgentOptions } from './options.ts';
import { MOST_STILL_MS } from './progress.ts';
import type { Progress } from './progress.ts';

const LOOK_MS = 1000;
/** A packet that came has been read by then, on any machine that keeps up. */
const SEEN_MS = 250;

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
  readonly progress: Progress;
}

export class AgentMeter {
  readonly registry = new MetricRegistry();
  readonly #log: AgentLog;
  readonly #flowlog: Metrics<typeof FLOWLOG_METRICS>;
  readonly #live: Metrics<typeof LIVE_METRICS>;
  readonly #interfaces: InterfaceMeter;
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
    this.#interfaces = new InterfaceMeter(this.#live, log);
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
    const statuses = this.#interfaces.look(books, interfaces.captured, { window, seconds, options });
    const dropped = total([gone, ...books].map((book) => book.dropped));
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
        ...(watched.progress.look() > MOST_STILL_MS ? ['a worker stands still'] : []),
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
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
