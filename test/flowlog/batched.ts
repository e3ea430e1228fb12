// A replay in this process whose entries become batches, by any number of workers in any interleaving.
import fs from 'node:fs';
import { openPlainFile } from '../../src/capture/source.ts';
import { readLocality } from '../../src/cloud/locality.ts';
import { Collector } from '../../src/flow/collector.ts';
import { Exchange } from '../../src/flow/exchange.ts';
import type { Accounting } from '../../src/flowlog/accounting.ts';
import type { Batch, BatchSink, FlowLogName } from '../../src/flowlog/batch.ts';
import { BatchWriter } from '../../src/flowlog/batch_writer.ts';
import type { BatchSource } from '../../src/flowlog/batch_writer.ts';
import { EniDirectory } from '../../src/flowlog/eni_directory.ts';
import { EntryLines } from '../../src/flowlog/entry_lines.ts';
import type { FlowLog } from '../../src/flowlog/flow_log.ts';
import { FlowLogSubscribers } from '../../src/flowlog/flow_log_subscribers.ts';
import { Recorder } from '../../src/flowlog/recorder.ts';
import { EveryEni } from '../../src/flowlog/subscribers.ts';
import { Unpacker } from '../../src/flowlog/unpacker.ts';
import type { CountOptions } from '../../src/verify/options.ts';
import { inThisThread } from '../flow/crew.ts';

export const SOURCE: BatchSource = { agent: 'agent', boot: 4, bootOnceEarly: 7 };
export const FLOW_LOG: FlowLogName = { name: 'fl', project: 'p', logstore: 'l' };

export interface Batched {
  readonly batches: readonly Batch[];
  readonly accounting: Accounting;
}

export interface BatchManner {
  readonly workers?: number;
  readonly seed?: number;
  readonly isWatched?: boolean;
  /** Undefined: one takes everything. */
  readonly flowLogs?: readonly FlowLog[];
}

/** Replays a capture. `isWatched`: as for a table, whose rows are seen before they are written. */
export async function batchFile(
  path: string,
  options: CountOptions,
  { workers = 1, seed = 1, isWatched = false, flowLogs }: BatchManner = {},
  sink?: BatchSink,
): Promise<Batched> {
  const locality = readLocality(options.local, options.eni);
  const file = openPlainFile(path)!;
  const exchange = new Exchange({ ...options, workers, chunkBytes: 4096, fd: file.fd, locality: locality.native });
  const collector = new Collector(exchange);
  const enis = new EniDirectory(exchange, locality);
  const batches: Batch[] = [];
  const { windowSeconds } = options;
  const collecting = flowLogs && new FlowLogSubscribers(enis, windowSeconds);
  collecting?.follow(flowLogs!, 0);
  if (collecting) exchange.subscribe(collecting.routes);
  const subscribers = collecting ?? new EveryEni(enis, FLOW_LOG, windowSeconds);
  const writer = new BatchWriter(subscribers, SOURCE, sink ?? { take: (batch) => void batches.push(batch) });
  const watch = isWatched ? () => undefined : undefined;
  const recorder = new Recorder({ exchange, collector, enis, subscribers, writer, windowSeconds, watch });
  const tasks = Array.from({ length: workers }, (_, worker) => {
    return { exchange: exchange.share(), worker, maxFlows: options.maxFlows, paths: [path], isFile: true };
  });
  try {
    const stopped = recorder.recordAll().catch((error: unknown) => {
      exchange.stop();
      throw error;
    });
    const [incomplete] = await Promise.all([inThisThread(seed)(tasks), stopped]);
    return { batches, accounting: await recorder.finish(incomplete) };
  } finally {
    exchange.stop();
    collector.close();
    fs.closeSync(file.fd);
  }
}

/** The lines of all entries of batches, in their order. */
export async function linesOfBatches(batches: readonly Batch[]): Promise<string[]> {
  const room = new Uint8Array(64 * 1024);
  const parts: string[] = [];
  const lines = {
    room: () => room,
    wrote: (bytes: number) => void parts.push(Buffer.from(room.buffer, 0, bytes).toString()),
  };
  const [unpacker, encoder] = [new Unpacker(), new EntryLines()];
  for (const batch of batches) {
    const reason = unpacker.unpack(batch);
    if (reason !== undefined) throw new Error(reason);
    await encoder.write(batch, unpacker.columns, lines);
  }
  return parts.join('').split('\n').slice(0, -1);
}
