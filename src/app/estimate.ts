// `windrow estimate`: what flow logs of a capture's traffic would cost in a month, by interval.
import fs from 'node:fs';
import { EXIT_INCOMPLETE, WindrowError } from '../base/errors.ts';
import { openPlainFile } from '../capture/source.ts';
import { Collector } from '../flow/collector.ts';
import { Exchange } from '../flow/exchange.ts';
import type { CaptureClock } from '../flow/exchange.ts';
import type { Accounting } from '../flowlog/accounting.ts';
import { EniDirectory } from '../flowlog/eni_directory.ts';
import { EntrySizes } from '../flowlog/entry_sizes.ts';
import type { Sizes } from '../flowlog/entry_sizes.ts';
import { Recorder } from '../flowlog/recorder.ts';
import { EveryEni } from '../flowlog/subscribers.ts';
import { Crew } from './crew.ts';
import { isReadOnce } from './destinations.ts';
import { readAgain } from './estimate_options.ts';
import type { EstimateOptions } from './estimate_options.ts';
import { estimateOf, renderEstimate } from './estimate_report.ts';
import type { Counting } from './counting_options.ts';
import type { Networked } from './networked_options.ts';
import { isColored } from './terminal.ts';

/** What a replay with windows of one length gave. */
export interface Measured {
  readonly windowSeconds: number;
  readonly sizes: Sizes;
  readonly accounting: Accounting;
  readonly clock: CaptureClock;
}

/** Prints; the result is the exit code. Throws WindrowError. */
export async function estimate(options: EstimateOptions): Promise<number> {
  const stream = options.paths.find(isReadOnce);
  if (stream !== undefined) throw new WindrowError('USAGE', readAgain(stream));
  const measured: Measured[] = [];
  for (const counting of options.countings) {
    const one = await measure(options, counting);
    checkTime(options, one);
    measured.push(one);
  }
  const result = estimateOf(options, measured);
  process.stdout.write(options.isJson ? JSON.stringify(result) + '\n' : renderEstimate(result, isColored()));
  const { incomplete } = measured[0].accounting;
  for (const cut of incomplete)
    process.stderr.write(`windrow: ${cut.input}: ${cut.message}; it counts as far as that\n`);
  return incomplete.length > 0 ? EXIT_INCOMPLETE : 0;
}

/** Nothing is filed. */
const NOWHERE = { name: 'estimate', project: '-', logstore: '-' };

/** Replays the captures, and writes nothing. */
async function measure({ paths, workers }: EstimateOptions, counting: Counting & Networked): Promise<Measured> {
  const { windowSeconds, locality } = counting;
  const crew = new Crew({ paths, workers });
  try {
    // As a replay does it: named MACs are numbered as they come, which one reader does.
    const isParted = paths.length === 1 && locality.native.eniOfMac.length === 0;
    const file = isParted ? openPlainFile(paths[0]) : undefined;
    try {
      const fd = file?.fd ?? -1;
      const exchange = new Exchange({ ...counting, workers: crew.workers, fd, locality: locality.native });
      crew.start(exchange, { ...counting, paths, isFile: file !== undefined });
      return await record(exchange, crew, counting, windowSeconds);
    } finally {
      await crew.close();
      if (file) fs.closeSync(file.fd);
    }
  } finally {
    await crew.close();
  }
}

async function record(
  exchange: Exchange,
  crew: Crew,
  { locality }: Counting,
  windowSeconds: number,
): Promise<Measured> {
  const collector = new Collector(exchange);
  const enis = new EniDirectory(exchange, locality);
  const subscribers = new EveryEni(enis, NOWHERE, windowSeconds);
  const writer = new EntrySizes(subscribers);
  const recorder = new Recorder({ exchange, collector, enis, subscribers, writer, windowSeconds });
  const recorded = async (): Promise<Accounting> => {
    await recorder.recordAll();
    return recorder.finish(await crew.done());
  };
  try {
    const accounting = await Promise.race([recorded(), crew.failed]);
    return { windowSeconds, sizes: writer.sizes, accounting, clock: exchange.clock };
  } catch (error) {
    exchange.stop();
    throw error;
  } finally {
    collector.close();
  }
}

/** What has no time is of no month. Throws INPUT_REFUSED. */
function checkTime({ paths }: EstimateOptions, { clock, accounting }: Measured): void {
  if (clock.first !== undefined) return;
  const found = accounting.packets.seen === 0 ? 'no packets' : 'no packet that has a time';
  throw new WindrowError(
    'INPUT_REFUSED',
    `${paths.join(', ')}: expected the traffic of some time, found ${found}: there is nothing to estimate a month by`,
  );
}
