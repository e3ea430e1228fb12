// What a reader of the topic makes of the batches that arrived there.
import { expect } from 'vitest';
import type { Batch } from '../../src/flowlog/batch.ts';
import { decodeBatch } from '../../src/kafka/codec.ts';
import { ENIS, batchOf, numberOf } from './shipper_batches.ts';
import type { BatchFields } from './shipper_batches.ts';

/** Without what a shipper gives it. */
export function contentOf({ flowLog, eni, windowStart, status, entries, columns }: Batch): unknown {
  return { flowLog, eni, windowStart, status, entries, columns: columns.map((column) => Buffer.from(column)) };
}

/** As a test asks the topic for them. */
export interface Message {
  readonly partition: number;
  readonly value: Uint8Array | null;
  readonly key?: unknown;
}

export interface Arrived {
  /** What a sink writes, in the order of each partition. */
  readonly written: readonly Batch[];
  /** How many it takes for duplicates. */
  readonly duplicates: number;
}

/**
 * What a sink makes of a topic: in a partition, what is not greater than the greatest sequence of its life is a duplicate.
 * Each batch is in the partition of its ENI.
 */
export function arrivedIn(messages: readonly Message[]): Arrived {
  const greatest = new Map<string, number>();
  const partitions = new Map<string, number>();
  const written: Batch[] = [];
  for (const { partition, value, key } of messages) {
    const batch = decodeBatch(value);
    const { eniId } = batch.eni;
    expect(String(key)).toBe(eniId);
    expect(partitions.get(eniId) ?? partition).toBe(partition);
    partitions.set(eniId, partition);
    const { agent, boot, sequence } = batch.identity;
    const life = `${partition} ${agent} ${boot}`;
    if (sequence <= (greatest.get(life) ?? -1)) continue;
    greatest.set(life, sequence);
    written.push(batch);
  }
  return { written, duplicates: messages.length - written.length };
}

/** Every one of these numbers was written, as it was taken, and nothing else; those of an ENI in their order. */
export function expectWritten(written: readonly Batch[], numbers: readonly number[], fields: BatchFields = {}): void {
  const found = written.map(numberOf);
  expect([...found].sort((a, b) => a - b)).toEqual([...numbers].sort((a, b) => a - b));
  for (const batch of written) expect(contentOf(batch)).toEqual(contentOf(batchOf(numberOf(batch), fields)));
  for (let eni = 0; eni < ENIS; eni++) {
    const own = found.filter((number) => number % ENIS === eni);
    expect(own).toEqual([...own].sort((a, b) => a - b));
  }
}

/** ENI, flow log and window of each SKIPDATA entry. */
export function skippedIn(written: readonly Batch[]): string[] {
  return written.filter(({ status }) => status === 'skipdata').map(windowOf);
}

export function windowOf({ eni, flowLog, windowStart }: Batch): string {
  return `${eni.eniId} ${flowLog.name} ${windowStart}`;
}
