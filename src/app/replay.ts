// `windrow replay`: captures in, flow log entries out.
import fs from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EXIT_INCOMPLETE, WindrowError, systemReason } from '../base/errors.ts';
import { STDIN, STDOUT } from '../base/standard.ts';
import { openPlainFile } from '../capture/source.ts';
import { Collector } from '../flow/collector.ts';
import { Exchange } from '../flow/exchange.ts';
import type { Accounting } from '../flowlog/accounting.ts';
import { EniDirectory } from '../flowlog/eni_directory.ts';
import { FlowLogSubscribers } from '../flowlog/flow_log_subscribers.ts';
import { Recorder } from '../flowlog/recorder.ts';
import { EveryEni } from '../flowlog/subscribers.ts';
import type { Subscribers } from '../flowlog/subscribers.ts';
import { Summarizer } from '../flowlog/summary.ts';
import type { Summary } from '../flowlog/summary.ts';
import { ReaderGone } from '../sink/output.ts';
import { Crew, sizeOf } from './crew.ts';
import type { Destination } from './destination.ts';
import { openDestination } from './destinations.ts';
import type { ProgressLine } from './progress.ts';
import type { ReplayOptions } from './replay_options.ts';
import { summaryLine } from './summary_line.ts';
import { isColored } from './terminal.ts';

/** How a replay ended. */
export interface ReplayResult {
  readonly accounting: Accounting;
  readonly summary: Summary | undefined;
}

const TOP_FLOWS = 20;
const PROGRESS_MS = 200;
/** Lines that nobody takes are waited for no longer than this when a replay fails. */
const MOST_END_MS = 1000;

/** Replays captures; the result is the exit code. Throws WindrowError. */
export async function replay(options: ReplayOptions, crew = new Crew(options)): Promise<number> {
  let result: ReplayResult;
  let destination: Destination;
  const interruption = new Interruption();
  try {
    checkOutputs(options);
    destination = await Promise.race([openDestination(options, crew.workers), interruption.happened]);
    result = await run(options, crew, destination, interruption);
    await Promise.race([finish(options, result, destination), destination.failed, interruption.happened]);
  } catch (error) {
    if (error instanceof ReaderGone) return 0;
    throw error;
  } finally {
    interruption.forget();
    await crew.close();
  }
  const { accounting } = result;
  if (options.accounting !== undefined) writeAccounting(options.accounting, accounting);
  if (!options.quiet && options.format === 'lines') process.stderr.write(`windrow: ${summaryLine(accounting)}\n`);
  const delivered = destination.summary();
  if (!options.quiet && delivered !== undefined) process.stderr.write(`windrow: ${delivered}\n`);
  for (const cut of accounting.incomplete) {
    process.stderr.write(`windrow: ${cut.input}: ${cut.message}; the entries of what was read are written\n`);
  }
  sayUnsupported(result, options.quiet);
  return accounting.incomplete.length > 0 ? EXIT_INCOMPLETE : 0;
}

/** Delivers what is still under way, and what comes after the last entry. */
async function finish(options: ReplayOptions, result: ReplayResult, destination: Destination): Promise<void> {
  let report: string | undefined;
  if (options.format === 'table') {
    const { renderReport } = await import('./report.ts');
    const hasColors = outputOf(options) === STDOUT && isColored();
    report = renderReport(result, process.stdout.columns || 100, hasColors);
  }
  await destination.finish(report);
}

/** The one file that entries go to, or "-"; undefined where they go elsewhere. */
function outputOf({ delivery }: ReplayOptions): string | undefined {
  return delivery.to === 'lines' ? delivery.output : undefined;
}

/** No file that is read, or written already, is written over; and what cannot be written is said first. Throws. */
function checkOutputs(options: ReplayOptions): void {
  const { paths, accounting } = options;
  const output = outputOf(options);
  const outputs = [output, accounting].filter((file) => file !== undefined);
  for (const file of outputs) {
    const input = paths.find(
      (input) => isSame(statOf(input, 0), statOf(file, 1)) || (input === file && input !== STDIN),
    );
    if (input !== undefined)
      throw new WindrowError(
        'USAGE',
        `${file === STDOUT ? 'standard output' : file} is an input and cannot be written to as well`,
      );
  }
  if (accounting === undefined) return;
  if (
    output !== undefined &&
    (path.resolve(accounting) === path.resolve(output) || isSame(statOf(accounting, 1), statOf(output, 1)))
  ) {
    throw new WindrowError('USAGE', `${output}: entries and accounting cannot go to the same file`);
  }
  try {
    fs.accessSync(fs.existsSync(accounting) ? accounting : path.dirname(accounting), fs.constants.W_OK);
    if (statOf(accounting, 1)?.isDirectory()) throw new Error('it is a directory');
  } catch (cause) {
    throw new WindrowError('OUTPUT_FAILED', `${accounting}: cannot be written: ${systemReason(cause)}`, { cause });
  }
}

function isSame(a: fs.Stats | undefined, b: fs.Stats | undefined): boolean {
  return a?.isFile() === true && b?.isFile() === true && a.dev === b.dev && a.ino === b.ino;
}

/** Of a file, or of a standard stream for "-". Undefined where there is none, or none that can be asked: opening says why. */
function statOf(file: string, standard: 0 | 1): fs.Stats | undefined {
  try {
    return file === STDIN ? fs.fstatSync(standard) : fs.statSync(file);
  } catch {
    return undefined;
  }
}

/** Workers read and fold; this thread encodes what they give and writes it. */
async function run(
  options: ReplayOptions,
  crew: Crew,
  destination: Destination,
  interruption: Interruption,
): Promise<ReplayResult> {
  const { paths, locality } = options;
  // Named MACs are numbered as they come, which one reader does.
  const isParted = paths.length === 1 && locality.native.eniOfMac.length === 0;
  const file = isParted ? openPlainFile(paths[0]) : undefined;
  try {
    const exchange = new Exchange({ ...options, workers: crew.workers, fd: file?.fd ?? -1, locality: locality.native });
    const enis = new EniDirectory(exchange, locality);
    // Before the first window closes.
    const subscribers = subscribersOf(options, exchange, enis);
    crew.start(exchange, { ...options, isFile: file !== undefined });
    const collector = new Collector(exchange);
    const summarizer = options.format === 'table' ? new Summarizer(options.windowSeconds) : undefined;
    const recorder = new Recorder({
      ...{ exchange, collector, enis, subscribers, windowSeconds: options.windowSeconds },
      writer: destination.writer(subscribers),
      watch: summarizer && ((columns, rows) => summarizer.see(columns, rows)),
    });
    const watched = watchProgress(options, exchange, sizeOf(paths));
    try {
      const recorded = async (): Promise<Accounting> => {
        await recorder.recordAll();
        return recorder.finish(await crew.done());
      };
      // Whatever goes wrong first is what is told.
      const accounting = await Promise.race([recorded(), crew.failed, destination.failed, interruption.happened]);
      return { accounting, summary: summarizer?.get(TOP_FLOWS) };
    } catch (error) {
      exchange.stop();
      // What was recorded is delivered, if whoever is to take it takes it at once.
      await Promise.race([destination.end(), delay(MOST_END_MS, undefined, { ref: false })]).catch(() => undefined);
      throw error;
    } finally {
      watched.stop();
      collector.close();
    }
  } finally {
    await crew.close();
    if (file) fs.closeSync(file.fd);
  }
}

/** Flow logs, or one that takes everything. */
function subscribersOf(options: ReplayOptions, exchange: Exchange, enis: EniDirectory): Subscribers {
  const { flowLogs, flowLog, windowSeconds } = options;
  if (!flowLogs) return new EveryEni(enis, flowLog, windowSeconds);
  const subscribers = new FlowLogSubscribers(enis, windowSeconds);
  subscribers.follow(flowLogs, 0);
  exchange.subscribe(subscribers.routes);
  return subscribers;
}

/** A line on the terminal, where there is one and it is wanted. */
function watchProgress(options: ReplayOptions, exchange: Exchange, size: number): { stop(): void } {
  if (options.quiet || !process.stderr.isTTY) return { stop: () => undefined };
  const loaded = import('./progress.ts').then(({ ProgressLine }) => new ProgressLine());
  let line: ProgressLine | undefined;
  void loaded.then((made) => (line = made));
  const timer = setInterval(() => {
    const { consumed, packets } = exchange.clock;
    line?.update({ consumed, packets, size });
  }, PROGRESS_MS);
  return {
    stop: () => {
      clearInterval(timer);
      line?.stop();
    },
  };
}

/** SIGINT or SIGTERM: the command ends at once, with the exit code that shells expect. */
class Interruption {
  #listeners = new Map<NodeJS.Signals, () => void>();
  #tell: (error: WindrowError) => void = () => undefined;
  /** Rejects when it happens. */
  readonly happened = new Promise<never>((_, reject) => (this.#tell = reject));

  constructor() {
    this.happened.catch(() => undefined);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const listener = (): void => {
        process.exitCode = 128 + constants.signals[signal];
        this.#tell(new WindrowError('OUTPUT_FAILED', `interrupted by ${signal} before the end of the capture`));
        // A write that nobody reads keeps the process: then the signal does what it does by itself.
        setTimeout(() => {
          this.forget();
          process.kill(process.pid, signal);
        }, 2 * MOST_END_MS).unref();
      };
      this.#listeners.set(signal, listener);
      process.once(signal, listener);
    }
  }

  forget(): void {
    for (const [signal, listener] of this.#listeners) process.removeListener(signal, listener);
  }
}

function writeAccounting(path: string, accounting: ReplayResult['accounting']): void {
  try {
    fs.writeFileSync(path, JSON.stringify(accounting) + '\n');
  } catch (cause) {
    throw new WindrowError('OUTPUT_FAILED', `${path}: cannot be written: ${systemReason(cause)}`, { cause });
  }
}

/** Interfaces of a pcapng that were not read: their packets are in the books, and here is why. */
function sayUnsupported({ accounting }: ReplayResult, isQuiet: boolean): void {
  if (isQuiet) return;
  for (const i of accounting.interfaces) {
    const packets = i.packets.excluded.unsupported_link_type;
    if (packets === 0) continue;
    process.stderr.write(
      `windrow: interface ${i.number}: ${packets} packets of link type ${i.linkType} are not read; they are counted as unsupported_link_type\n`,
    );
  }
}
