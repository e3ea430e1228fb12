// Batches that are told apart by their numbers.
import { createHash } from 'node:crypto';
import type { Batch } from '../../src/flowlog/batch.ts';
import { PACKED_COLUMNS } from '../../src/flowlog/packed_columns.ts';

export const WINDOW_SECONDS = 60;
export const ENIS = 7;

export interface BatchFields {
  readonly eniId?: string;
  readonly flowLog?: string;
  /** Of its columns together. */
  readonly bytes?: number;
}

/** The batch of a number: its window, and columns that no other number has. */
export function batchOf(number: number, fields: BatchFields = {}): Batch {
  const { eniId = `eni-${number % ENIS}`, flowLog = 'fl', bytes = 100 } = fields;
  return {
    identity: { agent: 'nobody', boot: 0, sequence: 0 },
    flowLog: { name: flowLog, project: 'windrow', logstore: 'flow-logs' },
    eni: { eniId, accountId: '-', vmId: '-', vpcId: '-', vswitchId: '-' },
    windowStart: number * WINDOW_SECONDS,
    windowSeconds: WINDOW_SECONDS,
    status: 'ok',
    entries: 1,
    columns: PACKED_COLUMNS.map(({ name }) => (name === 'srcaddr' ? noise(number, bytes) : new Uint8Array(0))),
  };
}

/** Does not get smaller when it is compressed. */
function noise(number: number, bytes: number): Uint8Array {
  return createHash('shake256', { outputLength: bytes }).update(String(number)).digest();
}

export function numberOf(batch: Pick<Batch, 'windowStart'>): number {
  return batch.windowStart / WINDOW_SECONDS;
}

/** The numbers from `from` on, `count` of them. */
export function range(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => from + i);
}
