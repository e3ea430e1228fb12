// A spool in a folder of its own, under a clock that only the test moves, and all that it says.
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import type { WindrowError } from '../../src/base/errors.ts';
import { Spool } from '../../src/kafka/spool.ts';
import type { SpoolClock, SpoolOptions } from '../../src/kafka/spool.ts';
import type { SpoolDamage } from '../../src/kafka/spool_losses.ts';
import type { SpoolRecord } from '../../src/kafka/spool_scanner.ts';

export class TestClock implements SpoolClock {
  #time = 1_700_000_000_000;
  readonly #actions = new Set<() => Promise<void>>();

  now(): number {
    return this.#time;
  }

  every(_ms: number, action: () => Promise<void>): () => void {
    this.#actions.add(action);
    return () => this.#actions.delete(action);
  }

  /** Lets this time pass, and then all be done that is due, once. */
  async pass(ms: number): Promise<void> {
    this.#time += ms;
    for (const action of this.#actions) await action();
  }
}

/** What a spool said while it was open. */
export interface Said {
  readonly evicted: { readonly payload: Buffer; readonly why: string }[];
  readonly damage: SpoolDamage[];
  readonly errors: WindrowError[];
}

export interface Opened {
  readonly spool: Spool;
  readonly clock: TestClock;
  readonly said: Said;
}

export async function open(
  folder: string,
  options: Partial<SpoolOptions> = {},
  clock = new TestClock(),
): Promise<Opened> {
  const said: Said = { evicted: [], damage: [], errors: [] };
  const spool = await Spool.open(folder, {
    clock,
    onEvicted: (payload, why) => said.evicted.push({ payload: Buffer.from(payload), why }),
    onDamage: (damage) => said.damage.push(damage),
    onError: (error) => said.errors.push(error),
    ...options,
  });
  return { spool, clock, said };
}

const LAST = Buffer.from('this is the last record');

/** Appends one record more, and gives all that are read up to it, without it. */
export async function readRest(spool: Spool, mostBytes = 100_000): Promise<SpoolRecord[]> {
  const last = await spool.append(LAST);
  const records: SpoolRecord[] = [];
  while (records.at(-1)?.position !== last) records.push(...(await spool.read(mostBytes)));
  expect(Buffer.from(records.pop()!.payload)).toEqual(LAST);
  return records;
}

/** A payload that no other number has. */
export function payloadOf(number: number, bytes: number): Buffer {
  const payload = Buffer.alloc(bytes, number % 251);
  if (bytes >= 4) payload.writeUInt32LE(number, 0);
  return payload;
}

/** The folder's segments, as they are named. */
export function segmentsOf(folder: string): string[] {
  return fs
    .readdirSync(folder)
    .filter((name) => name.endsWith('.spool'))
    .sort();
}

/** Bytes of all files of segments, those aside too. */
export function bytesOf(folder: string): number {
  return fs
    .readdirSync(folder)
    .filter((name) => /\.(spool|damaged)$/.test(name))
    .reduce((sum, name) => sum + fs.statSync(path.join(folder, name)).size, 0);
}
