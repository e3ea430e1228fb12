// A topic of two partitions as a sink gets it: batches of two hours, some of them sent twice, and messages that are no batches.
import fs from 'node:fs';
import type { Batch } from '../../src/flowlog/batch.ts';
import { PACKED_COLUMNS } from '../../src/flowlog/packed_columns.ts';
import type { Arrival } from '../../src/sink/sink.ts';
import { packed } from '../native/packed_model.ts';
import { ROW } from '../native/packed_rows.ts';

export const TOPIC = 'windrow.entries.v1';
/** 2023-11-14 22:00:00 UTC. */
export const HOUR = 1_699_999_200;
export const ENTRIES_OF_BATCH = 3;

interface BatchFields {
  readonly agent?: string;
  readonly boot?: number;
  readonly sequence?: number;
  readonly windowStart?: number;
  readonly project?: string;
  readonly logstore?: string;
  readonly eniId?: string;
  /** What its entries are told apart by: their packets. */
  readonly numbers?: readonly number[];
}

export function batch(fields: BatchFields = {}): Batch {
  const { agent = 'agent', boot = 1, sequence = 0, windowStart = HOUR, eniId = 'eni-a', numbers = [1] } = fields;
  const { project = 'windrow', logstore = 'flow-logs' } = fields;
  const time = BigInt(windowStart);
  const rows = numbers.map((number) => ({ ...ROW, packets: BigInt(number), start: time + 1n, end: time + 60n }));
  const columns = packed(rows, windowStart);
  return {
    identity: { agent, boot, sequence },
    flowLog: { name: 'fl', project, logstore },
    eni: { eniId, accountId: '-', vmId: '-', vpcId: '-', vswitchId: '-' },
    windowStart,
    windowSeconds: 60,
    status: 'ok',
    entries: rows.length,
    columns: PACKED_COLUMNS.map(({ name }) => Uint8Array.from(columns[name])),
  };
}

/** A batch as it arrives. */
export function arrival(offset: number, fields: BatchFields = {}, partition = 0): Arrival {
  return { topic: TOPIC, partition, offset, batch: batch(fields), key: null, message: null };
}

export function refused(offset: number, partition = 0): Arrival {
  const message = Buffer.from(`no batch ${partition}/${offset}`);
  return { topic: TOPIC, partition, offset, refusal: 'malformed', reason: 'it is none', key: null, message };
}

export interface Topic {
  readonly arrivals: readonly Arrival[];
  /** Numbers of all entries, each of them once, ascending. */
  readonly numbers: readonly number[];
  /** "partition/offset" of what is no batch. */
  readonly refused: readonly string[];
}

/**
 * Batches of one agent, which come again now and then as after a failure: from an earlier one on. Hours alternate, so that
 * every checkpoint has several files, and first offsets of files differ with its beginning.
 */
export function topicOf(batches: number): Topic {
  const arrivals: Arrival[] = [];
  const numbers: number[] = [];
  const refusals: string[] = [];
  for (const partition of [0, 1]) {
    const send = (sequence: number): void => {
      const offset = arrivals.filter((arrival) => arrival.partition === partition).length;
      const windowStart = HOUR + 3600 * (sequence % 3 === 2 ? 1 : 0);
      const own = Array.from({ length: ENTRIES_OF_BATCH }, (_, i) => numberOf(partition, sequence, i));
      arrivals.push(arrival(offset, { sequence, windowStart, eniId: `eni-${partition}`, numbers: own }, partition));
    };
    for (let sequence = 0; sequence < batches - partition; sequence++) {
      send(sequence);
      if (sequence === 2) {
        arrivals.push(refused(3, partition));
        refusals.push(`${partition}/3`);
      }
      if (sequence === 3) for (const again of [1, 2, 3]) send(again);
      numbers.push(...Array.from({ length: ENTRIES_OF_BATCH }, (_, i) => numberOf(partition, sequence, i)));
    }
  }
  return { arrivals, numbers, refused: refusals };
}

function numberOf(partition: number, sequence: number, entry: number): number {
  return partition * 10_000 + sequence * 10 + entry + 1;
}

/** For another process. */
export function writeTopic(file: string, { arrivals }: Topic): string {
  const encode = (_: string, value: unknown): unknown =>
    value instanceof Uint8Array ? { base64: Buffer.from(value).toString('base64') } : value;
  // Buffers have a manner of their own.
  const plain = arrivals.map((one) => ('batch' in one ? one : { ...one, message: new Uint8Array(one.message!) }));
  fs.writeFileSync(file, JSON.stringify(plain, encode));
  return file;
}
