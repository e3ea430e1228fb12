// A replay in this process: captures in, lines and books out, by any number of workers in any interleaving.
import fs from 'node:fs';
import { openPlainFile } from '../../src/capture/source.ts';
import { readLocality } from '../../src/cloud/locality.ts';
import { readNetwork } from '../../src/cloud/network.ts';
import { localityOf } from '../../src/cloud/network_locality.ts';
import { Collector } from '../../src/flow/collector.ts';
import { Exchange } from '../../src/flow/exchange.ts';
import type { Accounting } from '../../src/flowlog/accounting.ts';
import { EniDirectory } from '../../src/flowlog/eni_directory.ts';
import { LineWriter } from '../../src/flowlog/line_writer.ts';
import { Recorder } from '../../src/flowlog/recorder.ts';
import { EveryEni } from '../../src/flowlog/subscribers.ts';
import type { CountOptions } from '../../src/verify/options.ts';
import { inThisThread } from '../flow/crew.ts';
import type { Crew } from '../flow/crew.ts';
import { Text } from './text.ts';

export interface Replayed {
  readonly lines: readonly string[];
  readonly accounting: Accounting;
  /** Chunks that were read before their turn, and those of them that had to be read again. */
  readonly guesses: number;
  readonly wrongGuesses: number;
}

/** How a replay is done: nothing of it may show in what comes out. */
export interface Manner {
  readonly workers?: number;
  readonly chunkBytes?: number;
  /** 'file': all workers read, where the program would let them; 'inputs': the first reads for all. */
  readonly mode?: 'file' | 'inputs';
  /** Which worker does its next step, where all are in this thread. */
  readonly seed?: number;
  readonly crew?: Crew;
}

/** Replays captures with the options that the model takes as well. Throws WindrowError. */
export async function replayFiles(
  paths: readonly string[],
  options: CountOptions,
  { workers = 1, chunkBytes, mode = 'file', seed = 1, crew = inThisThread(seed) }: Manner = {},
): Promise<Replayed> {
  const named = readLocality(options.local, options.eni);
  const { networkFile } = options;
  const network = networkFile && readNetwork('network.json', JSON.stringify(networkFile));
  const locality = network ? localityOf(network, named.native.local) : named;
  const isParted = mode === 'file' && paths.length === 1 && locality.native.eniOfMac.length === 0;
  const file = isParted ? openPlainFile(paths[0]) : undefined;
  const isFile = file !== undefined;
  const exchange = new Exchange({
    ...options,
    ...(chunkBytes === undefined ? {} : { chunkBytes }),
    workers,
    fd: file?.fd ?? -1,
    locality: locality.native,
    network,
  });
  const collector = new Collector(exchange);
  const text = new Text();
  const enis = new EniDirectory(exchange, locality);
  const { windowSeconds } = options;
  const subscribers = new EveryEni(enis, { name: 'fl', project: 'p', logstore: 'l' }, windowSeconds);
  const writer = new LineWriter(subscribers, text);
  const recorder = new Recorder({ exchange, collector, enis, subscribers, writer, windowSeconds });
  const tasks = Array.from({ length: workers }, (_, worker) => {
    return { exchange: exchange.share(), worker, maxFlows: options.maxFlows, paths, isFile };
  });
  try {
    const [incomplete] = await Promise.all([crew(tasks), recorder.recordAll()]);
    const accounting = await recorder.finish(incomplete);
    const { guesses, wrongGuesses } = exchange.state;
    return { lines: text.lines(), accounting, guesses, wrongGuesses };
  } finally {
    exchange.stop();
    collector.close();
    if (file) fs.closeSync(file.fd);
  }
}
