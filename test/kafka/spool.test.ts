// The spool as its owner uses it: what is appended comes out, in order, once it is acknowledged never again.
import fs from 'node:fs';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { WindrowError } from '../../src/base/errors.ts';
import type { Spool } from '../../src/kafka/spool.ts';
import { Workplace } from '../app/program.ts';
import { bytesOf, open, payloadOf, readRest, segmentsOf } from './spool_opened.ts';

const SEGMENT_BYTES = 10_000;
const SMALL = { segmentBytes: SEGMENT_BYTES };
/** Of which eight go into a segment. */
const BYTES = 1200;

const workplace = new Workplace();
let made = 0;
const newFolder = (): string => workplace.at(`spool-${++made}`);

async function appendAll(spool: Spool, from: number, to: number, bytes = BYTES): Promise<number[]> {
  const numbers = Array.from({ length: to - from }, (_, i) => from + i);
  return Promise.all(numbers.map((number) => spool.append(payloadOf(number, bytes))));
}

/** Whether it is settled when everything that is under way without I/O is done. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.then(() => (settled = true));
  for (let i = 0; i < 10; i++) await turn();
  return settled;
}

function expectRecords(records: readonly { position: number; payload: Uint8Array }[], from: number, to: number): void {
  expect(records.map(({ position }) => position)).toEqual(Array.from({ length: to - from }, (_, i) => from + i));
  for (const { position, payload } of records) {
    expect(payloadOf(position, payload.length).equals(payload), `record ${position}`).toBe(true);
  }
}

describe('what is appended', () => {
  test('is read in order, byte for byte, across segments, whether it was awaited or not', async () => {
    const { spool, said } = await open(newFolder(), SMALL);
    const sizes = [0, 1, 3, 4, 100, 5000, SEGMENT_BYTES - 32 - 12, 0, 7, SEGMENT_BYTES - 32 - 13, 9000, 999, 1];
    const positions = await Promise.all(sizes.map((size, number) => spool.append(payloadOf(number, size))));
    for (const [i, size] of sizes.entries()) {
      positions.push(await spool.append(payloadOf(sizes.length + i, size)));
    }
    expect(positions).toEqual(positions.map((_, i) => i));
    const records = await readRest(spool);
    expect(records.map(({ payload }) => payload.length)).toEqual([...sizes, ...sizes]);
    expectRecords(records, 0, 2 * sizes.length);
    await spool.close();
    expect(said).toEqual({ evicted: [], damage: [], errors: [] });
  });

  test('is in files that are named by their first records, none of them larger than a segment', async () => {
    const folder = newFolder();
    const { spool } = await open(folder, SMALL);
    await appendAll(spool, 0, 20);
    expect(segmentsOf(folder)).toEqual([0, 8, 16].map((first) => `${String(first).padStart(20, '0')}.spool`));
    expect(spool.stats.bytes).toBe(bytesOf(folder));
    expect(bytesOf(folder)).toBe(3 * 32 + 20 * (12 + BYTES));
    for (const name of segmentsOf(folder)) {
      expect(fs.statSync(path.join(folder, name)).size).toBeLessThanOrEqual(SEGMENT_BYTES);
    }
    await spool.close();
  });

  test('is written before it is said to be', async () => {
    const folder = newFolder();
    const { spool } = await open(folder);
    for (let number = 0; number < 50; number++) {
      await spool.append(payloadOf(number, BYTES));
      // Read by somebody else: not from the memory of the spool.
      expect(bytesOf(folder)).toBe(32 + (number + 1) * (12 + BYTES));
    }
    await spool.close();
  });

  test('is there when the spool is opened again, and what comes then is behind it', async () => {
    const folder = newFolder();
    for (let life = 0; life < 5; life++) {
      const { spool, said } = await open(folder, SMALL);
      expect(await appendAll(spool, 5 * life, 5 * life + 5)).toEqual([0, 1, 2, 3, 4].map((i) => 5 * life + i));
      await spool.close();
      expect(said).toEqual({ evicted: [], damage: [], errors: [] });
    }
    // Segments are filled up by later lives.
    expect(segmentsOf(folder)).toHaveLength(4);
    const { spool } = await open(folder, SMALL);
    expectRecords(await readRest(spool), 0, 25);
    await spool.close();
  });

  test('is refused if it is larger than a segment, and nothing else is', async () => {
    const { spool } = await open(newFolder(), SMALL);
    const [, refused] = await Promise.allSettled([
      spool.append(payloadOf(0, BYTES)),
      spool.append(payloadOf(1, SEGMENT_BYTES - 32 - 12 + 1)),
      spool.append(payloadOf(1, BYTES)),
    ]);
    expect((refused as PromiseRejectedResult).reason).toBeInstanceOf(WindrowError);
    expect(String((refused as PromiseRejectedResult).reason)).toContain('a record of 9,957 bytes is too large');
    expectRecords(await readRest(spool), 0, 2);
    await spool.close();
  });

  test('while the spool closes is refused; what was appended before is written', async () => {
    const folder = newFolder();
    const { spool } = await open(folder, SMALL);
    const appended = appendAll(spool, 0, 100);
    const closed = spool.close();
    await expect(spool.append(payloadOf(100, BYTES))).rejects.toThrow('closed spool');
    expect((await appended).at(-1)).toBe(99);
    await closed;
    await spool.close();
    const again = await open(folder, SMALL);
    expectRecords(await readRest(again.spool), 0, 100);
    await again.spool.close();
  });
});

describe('a reader', () => {
  test('waits for records, and gets them when they come', async () => {
    const { spool } = await open(newFolder(), SMALL);
    for (let number = 0; number < 20; number++) {
      const reading = spool.read(100_000);
      expect(await isSettled(reading)).toBe(false);
      await spool.append(payloadOf(number, BYTES));
      expectRecords(await reading, number, number + 1);
    }
    await spool.close();
  });

  test('never gets more bytes than it asks for, but always a record', async () => {
    const { spool } = await open(newFolder(), SMALL);
    await appendAll(spool, 0, 30);
    for (const most of [1, BYTES - 1, BYTES, BYTES + 12, 2 * BYTES, 3 * BYTES + 36, 5000, 1e9]) {
      spool.rewind();
      for (let next = 0; next < 30;) {
        const records = await spool.read(most);
        expectRecords(records, next, next + records.length);
        expect(records.length).toBeGreaterThan(0);
        if (records.length > 1) expect(records.length * BYTES).toBeLessThanOrEqual(most);
        next += records.length;
      }
    }
    await spool.close();
  });

  test('that rewinds gets again what is not acknowledged, and nothing else', async () => {
    const { spool } = await open(newFolder(), SMALL);
    await appendAll(spool, 0, 40);
    const next = async (): Promise<number> => (await spool.read(BYTES + 12))[0].position;
    for (const [acknowledged, first] of [
      [-1, 0],
      [0, 1],
      [6, 7],
      [7, 8],
      [20, 21],
      // Less than before: it has been acknowledged already.
      [3, 21],
      [38, 39],
    ]) {
      spool.ack(acknowledged);
      spool.rewind();
      expect(await next()).toBe(first);
      if (first < 35) expect([await next(), await next()]).toEqual([first + 1, first + 2]);
    }
    await spool.close();
  });

  test('may rewind while it reads or waits', async () => {
    const { spool } = await open(newFolder(), SMALL);
    await appendAll(spool, 0, 30);
    for (let round = 0; round < 5; round++) {
      expectRecords(await spool.read(5 * BYTES), 0, 4);
      const reading = spool.read(5 * BYTES);
      spool.rewind();
      expectRecords(await reading, 0, 4);
      spool.rewind();
    }
    for (let next = 0; next < 30;) next += (await spool.read(1e6)).length;
    const waiting = spool.read(1e6);
    expect(await isSettled(waiting)).toBe(false);
    spool.rewind();
    expectRecords(await waiting, 0, 8);
    await spool.close();
  });

  test('gets nothing once the spool is closed, whether it waits then or asks later', async () => {
    const { spool } = await open(newFolder(), SMALL);
    const waiting = spool.read(1000);
    await spool.close();
    expect(await waiting).toEqual([]);
    expect(await spool.read(1000)).toEqual([]);
  });

  test('reads once at a time', async () => {
    const { spool } = await open(newFolder(), SMALL);
    const waiting = spool.read(1000);
    await expect(spool.read(1000)).rejects.toThrow('while it is read');
    await spool.append(payloadOf(0, 10));
    expectRecords(await waiting, 0, 1);
    await spool.close();
  });
});

describe('what is acknowledged', () => {
  test('is deleted, segment by segment, within a second', async () => {
    const folder = newFolder();
    const { spool, clock } = await open(folder, SMALL);
    await appendAll(spool, 0, 40);
    const begun = clock.now();
    for (const [acknowledged, firsts] of [
      [6, [0, 8, 16, 24, 32]],
      [7, [8, 16, 24, 32]],
      [30, [24, 32]],
      // The last one takes more records.
      [39, [32]],
    ] as const) {
      spool.ack(acknowledged);
      await clock.pass(1000);
      expect(segmentsOf(folder).map((name) => parseInt(name))).toEqual(firsts);
      expect(spool.stats).toEqual({
        records: 39 - acknowledged,
        bytes: bytesOf(folder),
        oldestTime: acknowledged === 39 ? undefined : begun,
        lostRecords: 0,
        damagedBytes: 0,
      });
    }
    await spool.close();
    expect(segmentsOf(folder)).toEqual([]);
  });

  test('is not given again by the next life, and the numbers go on', async () => {
    const folder = newFolder();
    const first = await open(folder, SMALL);
    await appendAll(first.spool, 0, 20);
    first.spool.ack(10);
    await first.spool.close();
    const second = await open(folder, SMALL);
    expectRecords(await readRest(second.spool), 11, 20);
    second.spool.ack(20);
    await second.spool.close();
    const third = await open(folder, SMALL);
    expect(await third.spool.append(payloadOf(21, BYTES))).toBe(21);
    expectRecords(await third.spool.read(1e6), 21, 22);
    expect(third.said).toEqual({ evicted: [], damage: [], errors: [] });
    await third.spool.close();
  });

  test('must have been appended', async () => {
    const { spool } = await open(newFolder(), SMALL);
    await appendAll(spool, 0, 5);
    expect(() => spool.ack(5)).toThrow(RangeError);
    expect(() => spool.ack(NaN)).toThrow(RangeError);
    spool.ack(4);
    expect(spool.stats.records).toBe(0);
    await spool.close();
  });
});

describe('the folder', () => {
  test("is made with its parents, and is nobody else's while the spool is open", async () => {
    const folder = path.join(newFolder(), 'a', 'b');
    const { spool } = await open(folder);
    const refused = await open(folder).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(WindrowError);
    expect(refused).toMatchObject({ code: 'USAGE' });
    expect(String(refused)).toContain(`${folder}: this spool is in use by another process`);
    await spool.append(payloadOf(0, 10));
    await spool.close();
    const again = await open(folder);
    expectRecords(await again.spool.read(100), 0, 1);
    await again.spool.close();
  });

  test('that cannot be one is refused with the reason', async () => {
    const file = workplace.file('a file', 'in-the-way');
    await expect(open(file)).rejects.toThrow(`${file}: cannot be used as a spool: `);
    await expect(open(path.join(file, 'x'))).rejects.toThrow('a part of its path is not a directory');
  });
});
