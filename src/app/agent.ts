// `windrow agent`: live interfaces in, flow log entries out, until it is told to stop.
import { InterfaceNumbers } from '../capture/numbers.ts';
import { nativeGroups } from '../capture/nflog.ts';
import { Collector } from '../flow/collector.ts';
import { Exchange } from '../flow/exchange.ts';
import { Attendance } from '../flowlog/attendance.ts';
import { JumpWatch } from '../flowlog/clock_jump.ts';
import { EniDirectory } from '../flowlog/eni_directory.ts';
import { EniWatch } from '../flowlog/eni_watch.ts';
import { FlowLogSubscribers } from '../flowlog/flow_log_subscribers.ts';
import { Recorder } from '../flowlog/recorder.ts';
import { EveryEni, subscribersAt } from '../flowlog/subscribers.ts';
import type { Subscribers } from '../flowlog/subscribers.ts';
import { ReaderGone } from '../sink/output.ts';
import { checkAccess } from './agent/access.ts';
import { confine } from './agent/confinement.ts';
import { LiveCrew } from './agent/crew.ts';
import { openDelivery } from './agent/delivery.ts';
import type { AgentDelivery } from './agent/delivery.ts';
import { AgentFlowLogs } from './agent/flow_logs.ts';
import { AgentInterfaces } from './agent/interfaces.ts';
import { LiveNetwork } from './agent/live_network.ts';
import { openLog } from './agent/log.ts';
import type { AgentLog } from './agent/log.ts';
import { AgentMeter } from './agent/meter.ts';
import type { AgentOptions } from './agent/options.ts';
import type { StatusPage } from './agent/page.ts';
import { Progress } from './agent/progress.ts';
import { Reload } from './agent/reload.ts';
import type { ReloadOptions } from './agent/reload.ts';
import { Service } from './agent/service.ts';
import { AgentState } from './agent/state.ts';
import { serveStatus } from './status_server.ts';
import type { Health } from './status_server.ts';
import { Stopping } from './stopping.ts';
import { summaryLine } from './summary_line.ts';

/** Rows of a window that is over are written by then. */
const SETTLED_SECONDS = 10;
/** Of the windows that flow logs may have. */
const LONGEST_SECONDS = 600;

/**
 * Captures until it is told to stop; the result is the exit code. Rejects with what keeps it from capturing at all.
 * `reloading`: where its options are from a file, which it reads again at SIGHUP.
 */
export async function agent(options: AgentOptions, reloading?: ReloadOptions): Promise<number> {
  const nflogFd = confine(options);
  checkAccess(options);
  const service = new Service(process.env);
  const stopping = new Stopping();
  const reload = reloading && new Reload(reloading);
  const page = await openPage(options);
  const log = page?.log ?? openLog(options.log, options.isQuiet);
  const state = options.way.to === 'lines' ? undefined : AgentState.open(options.state);
  const meter = new AgentMeter(log);
  const health = (): Health => meter.health();
  const server = await serveStatus(
    { address: options.metrics, metrics: meter.registry, health, say: (line) => log.say(line, 'warn') },
    (line) => log.say(line),
  );
  const crew = new LiveCrew(options.workers);
  try {
    const delivery = await openDelivery({
      ...{ options, state, log, registry: meter.registry },
      made: () => meter.made(),
      dropped: (packets) => meter.dropped(packets),
    });
    await run({ options, nflogFd, stopping, service, reload, page, log, state, meter, crew, delivery });
    return 0;
  } catch (error) {
    if (error instanceof ReaderGone) return 0;
    throw error;
  } finally {
    stopping.forget();
    reload?.forget();
    meter.stop();
    service.end();
    page?.end();
    await crew.close();
    await server?.stop();
    state?.close();
  }
}

interface Parts {
  readonly options: AgentOptions;
  readonly nflogFd: number | undefined;
  readonly stopping: Stopping;
  readonly service: Service;
  readonly reload: Reload | undefined;
  readonly page: StatusPage | undefined;
  readonly log: AgentLog;
  readonly state: AgentState | undefined;
  readonly meter: AgentMeter;
  readonly crew: LiveCrew;
  readonly delivery: AgentDelivery;
}

/** Workers read and fold; this thread follows the interfaces, and writes what windows give as they close. */
async function run(parts: Parts): Promise<void> {
  const { options, nflogFd, stopping, service, reload, page, log, state, meter, crew, delivery } = parts;
  const { windowSeconds, latenessSeconds, locality } = options;
  const exchange = new Exchange({
    ...options,
    ...{ workers: crew.workers, fd: -1, isLive: true, locality: locality.native },
  });
  const collector = new Collector(exchange);
  const longest = options.flowLogs ? LONGEST_SECONDS : windowSeconds;
  const restSeconds = 2 * longest + latenessSeconds + SETTLED_SECONDS;
  const isTold = (number: number): boolean => !watch.isOpen(locality.enis.length + number);
  const numbers = new InterfaceNumbers(restSeconds * 1000, isTold);
  const enis = new EniDirectory(exchange, locality, numbers);
  const collecting = options.flowLogs && new FlowLogSubscribers(enis, windowSeconds);
  const subscribers = collecting ?? new EveryEni(enis, options.flowLog, windowSeconds);
  const attendance = new Attendance((subscriber) => subscribers.seconds(subscriber), latenessSeconds);
  const watch = new EniWatch(attendance, subscribers);
  const warn = (line: string): void => log.say(line, 'warn');
  const keep = (): void => {
    const settled = watch.settledUntil(Date.now() / 1000);
    const watched = settled.map(([eni, second]) => [enis.eni(eni).eniId, second] as const);
    delivery.whenSafe(() => state?.keepOrTell(new Map(watched), false, warn));
  };
  const recorder = new Recorder({
    ...{ exchange, collector, enis, subscribers, windowSeconds, attendance },
    writer: delivery.writer(subscribers),
    jumps: new JumpWatch(),
    settled: keep,
  });
  const flowLogs =
    options.flowLogs &&
    collecting &&
    new AgentFlowLogs(options.flowLogs, { subscribers: collecting, exchange, watch, log });
  const came = (): void => flowLogs?.came();
  const interfaces = new AgentInterfaces({ crew, watch, came, enis, options, log, numbers });
  try {
    const nflog = nflogFd === undefined ? undefined : { fd: nflogFd, groups: nativeGroups(options.nflog) };
    await flowLogs?.start(options.flowLogs?.declared);
    await crew.start(exchange, options.maxFlows, nflog);
    await Promise.race([interfaces.start(), crew.failed, delivery.failed]);
    // Before anything else is recorded, and with nothing between the pause and the time since when is watched again.
    await recordPause({ state, recorder, enis, numbers, subscribers, watch, log });
    const recording = recorder.recordAll();
    recording.catch(() => undefined);
    const broken = Promise.race([crew.failed, delivery.failed, recording as Promise<never>]);
    keep();
    const progress = new Progress(() => exchange.clock.mark);
    service.ready(progress);
    meter.watch({ options, exchange, recorder, interfaces, delivery, progress }, (status) => {
      service.say(status);
      page?.draw(status);
    });
    const network =
      options.network && new LiveNetwork(exchange, enis, { ...options, longestSeconds: longest }, options.network);
    reload?.begin({ interfaces, flowLogs, log, network });
    await Promise.race([stopping.asked, broken]);
    reload?.end();
    service.stopping();
    log.say('stopping: open windows are closed and delivered');
    const now = Date.now() / 1000;
    // Of the rest of its window it is told that nobody watched any more.
    const ends = watch.settledUntil(now).map(([eni]) => [enis.eni(eni).eniId, watch.endOf(eni, now)] as const);
    await interfaces.stop();
    flowLogs?.stop();
    exchange.finish();
    await Promise.race([Promise.all([recording, crew.done()]), crew.failed, delivery.failed]);
    const accounting = await recorder.finish([]);
    await Promise.race([delivery.finish(), delivery.failed]);
    state?.keepOrTell(new Map(ends), true, warn);
    log.say(summaryLine(accounting));
  } catch (error) {
    exchange.stop();
    throw error;
  } finally {
    flowLogs?.stop();
    await interfaces.stop();
    collector.close();
  }
}

/** Windows that the life before was in the middle of when it was killed, and those since it ended: SKIPDATA tells of them. */
async function recordPause({ state, recorder, enis, numbers, subscribers, watch, log }: Paused): Promise<void> {
  if (!state) return;
  const now = Math.floor(Date.now() / 1000);
  for (const [eniId, from] of state.watchedBefore) {
    // Its interface may come back, or not.
    const given = enis.numberOf(eniId) === undefined ? numbers.take(eniId.replace(/^eni-/, '')) : undefined;
    const eni = enis.numberOf(eniId)!;
    const since = watch.watchedSince(eni) ?? now;
    for (const subscriber of subscribersAt(subscribers, eni, since)) {
      // The window in which it begins to be watched has a part that is not, of which the attendance tells.
      const seconds = subscribers.seconds(subscriber);
      const until = Math.floor(since / seconds) * seconds;
      if (from < until) await recorder.recordUnwatched(subscriber, from, until);
    }
    if (given !== undefined) numbers.leave(given);
  }
  if (!state.wasCutOff) return;
  log.say('the life before did not end in order: what it had not logged is marked SKIPDATA', 'warn');
}

interface Paused {
  readonly state: AgentState | undefined;
  readonly recorder: Recorder;
  readonly enis: EniDirectory;
  readonly numbers: InterfaceNumbers;
  readonly subscribers: Subscribers;
  readonly watch: EniWatch;
  readonly log: AgentLog;
}

/** Where people look at it: not where entries go. */
async function openPage(options: AgentOptions): Promise<StatusPage | undefined> {
  const { way, isQuiet, log } = options;
  const isInTheWay = way.to === 'lines' && way.output === '-' && process.stdout.isTTY;
  if (isQuiet || log === 'json' || !process.stderr.isTTY || isInTheWay) return undefined;
  const { StatusPage } = await import('./agent/page.ts');
  return new StatusPage();
}
