// A capture through an exchange, up to the windows that come out: each with its rows, taken in small parts.
import fs from 'node:fs';
import { openPlainFile } from '../../src/capture/source.ts';
import { readLocality } from '../../src/cloud/locality.ts';
import { Collector } from '../../src/flow/collector.ts';
import type { ClosingWindow } from '../../src/flow/collector.ts';
import { Exchange } from '../../src/flow/exchange.ts';
import type { CaptureClock, ExchangeOptions } from '../../src/flow/exchange.ts';
import type { Incomplete } from '../../src/flow/worker.ts';
import { Columns } from '../../src/flowlog/columns.ts';
import * as p from '../packets.ts';
import { inThisThread } from './crew.ts';

/** A packet at each of these times, each of a flow of its own. */
export function capture(...times: number[]): Uint8Array {
  return p.pcap(
    times.map((sec, i) => ({ sec, data: p.ethernet({}, p.ipv4({ src: `10.0.${i >> 8}.${i & 255}` }, p.udp({}))) })),
  );
}

export function exchangeOf(options: Partial<ExchangeOptions> = {}): Exchange {
  const { native } = readLocality([], []);
  const usual = { workers: 1, fd: -1, maxFlows: 1000, windowSeconds: 60, latenessSeconds: 2, decapsulate: false };
  return new Exchange({ ...usual, locality: native, ...options });
}

export interface Drained {
  /** Window with the number of its rows, and the source port and packets of each. */
  readonly windows: readonly (ClosingWindow & { readonly rows: number })[];
  readonly sources: readonly string[];
  readonly packets: number;
  readonly incomplete: readonly Incomplete[];
  readonly clock: CaptureClock;
}

/** Reads captures by so many workers, a file in chunks where that can be. Throws WindrowError. */
export async function drain(
  paths: readonly string[],
  options: Partial<ExchangeOptions> = {},
  seed = 1,
): Promise<Drained> {
  const file = paths.length === 1 ? openPlainFile(paths[0]) : undefined;
  const exchange = exchangeOf({ chunkBytes: 4096, ...options, fd: file?.fd ?? -1 });
  const collector = new Collector(exchange);
  const tasks = Array.from({ length: options.workers ?? 1 }, (_, worker) => {
    return { exchange: exchange.share(), worker, maxFlows: 1000, paths, isFile: file !== undefined };
  });
  try {
    const [incomplete, taken] = await Promise.all([inThisThread(seed)(tasks), takeAll(collector)]);
    return { ...taken, incomplete, clock: exchange.clock };
  } finally {
    exchange.stop();
    collector.close();
    if (file) fs.closeSync(file.fd);
  }
}

async function takeAll(collector: Collector): Promise<Pick<Drained, 'windows' | 'sources' | 'packets'>> {
  const columns = new Columns(8);
  const windows: (ClosingWindow & { rows: number })[] = [];
  const sources: string[] = [];
  let packets = 0;
  for await (const window of collector.windows()) {
    if (!window) continue;
    let all = 0;
    for (let isDone = false; !isDone;) {
      const filled = await collector.fill(columns.buffer, columns.capacity);
      isDone = filled.isDone;
      all += filled.rows;
      for (let row = 0; row < filled.rows; row++) {
        sources.push(columns.srcaddr.subarray(row * 16, row * 16 + 4).join('.'));
        packets += Number(columns.packets[row]);
      }
    }
    windows.push({ ...window, rows: all });
  }
  return { windows, sources, packets };
}
