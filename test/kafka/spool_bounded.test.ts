// The bounds of a spool: what leaves it undelivered, in which order, and that its owner is told of every record.
import fs from 'node:fs';
import path from 'node:path';
import v8 from 'node:v8';
import vm from 'node:vm';
import { describe, expect, test } from 'vitest';
import type { Spool } from '../../src/kafka/spool.ts';
import type { SpoolRecord } from '../../src/kafka/spool_scanner.ts';
import { Workplace } from '../app/program.ts';
import { bytesOf, open, payloadOf, readRest, segmentsOf } from './spool_opened.ts';
import type { Said, TestClock } from './spool_opened.ts';

const HEADER = 32;
const RECORD_HEADER = 12;
/** Of which nine go into a segment, and that is full. */
const BYTES = 1000;
const IN_SEGMENT = 9;
const SEGMENT_BYTES = HEADER + IN_SEGMENT * (RECORD_HEADER + BYTES);
const MAX_BYTES = 8 * SEGMENT_BYTES;
const SMALL = { segmentBytes: SEGMENT_BYTES, maxBytes: MAX_BYTES };
const HOUR_MS = 3_600_000;

const workplace = new Workplace();
let made = 0;
const newFolder = (): string => workplace.at(`spool-${++made}`);

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
const append = (spool: Spool, number: number): Promise<number> => spool.append(payloadOf(number, BYTES));

function numberOf(payload: Uint8Array): number {
  const number = Buffer.from(payload).readUInt32LE(0);
  expect(payloadOf(number, BYTES).equals(payload)).toBe(true);
  return number;
}

/** The numbers of all records that are left when what was begun to be evicted is gone. */
async function readSettled(spool: Spool, clock: TestClock): Promise<number[]> {
  await clock.pass(0);
  return (await readRest(spool)).map(({ payload }) => numberOf(payload));
}

function evictedOf(said: Said, why: string): number[] {
  expect(said.evicted.every((evicted) => evicted.why === why)).toBe(true);
  return said.evicted.map(({ payload }) => numberOf(payload));
}

describe('a spool that is full', () => {
  test('never has more bytes than it may, and loses its oldest records, each of which its owner is given', async () => {
    const folder = newFolder();
    const { spool, said, clock } = await open(folder, SMALL);
    for (let number = 0; number < 400; number++) {
      await append(spool, number);
      expect(bytesOf(folder)).toBeLessThanOrEqual(MAX_BYTES);
      expect(spool.stats.bytes).toBeLessThanOrEqual(MAX_BYTES);
    }
    const rest = await readSettled(spool, clock);
    await spool.close();
    // What is not there any more was given away, in order, and nothing else was; and no more of it than had to be.
    const evicted = evictedOf(said, 'bytes');
    expect([...evicted, ...rest]).toEqual(range(0, 400));
    expect(evicted.length % IN_SEGMENT).toBe(0);
    expect(rest.length).toBeGreaterThan(6 * IN_SEGMENT);
    expect(said.damage).toEqual([]);
    expect(said.errors).toEqual([]);
  });

  test('does so as well where appends are not awaited', async () => {
    const folder = newFolder();
    const { spool, said } = await open(folder, SMALL);
    const positions = await Promise.all(range(0, 2000).map((number) => append(spool, number)));
    expect(positions).toEqual(range(0, 2000));
    expect(bytesOf(folder)).toBeLessThanOrEqual(MAX_BYTES);
    // All that leaves has left when it is closed.
    await spool.close();
    const again = await open(folder, { segmentBytes: SEGMENT_BYTES });
    const rest = (await readRest(again.spool)).map(({ payload }) => numberOf(payload));
    await again.spool.close();
    expect([...evictedOf(said, 'bytes'), ...rest]).toEqual(range(0, 2000));
  });

  test('gives nobody what is acknowledged', async () => {
    const folder = newFolder();
    const { spool, said, clock } = await open(folder, SMALL);
    for (const number of range(0, 40)) await append(spool, number);
    spool.ack(30);
    for (const number of range(40, 140)) await append(spool, number);
    const rest = await readSettled(spool, clock);
    await spool.close();
    expect([...evictedOf(said, 'bytes'), ...rest]).toEqual(range(31, 140));
  });

  test('lets its reader skip what is gone, and what was gone is not missed by the next life', async () => {
    const folder = newFolder();
    const first = await open(folder, SMALL);
    for (const number of range(0, 20)) await append(first.spool, number);
    const read = async (): Promise<number> => numberOf((await first.spool.read(1))[0].payload);
    expect([await read(), await read()]).toEqual([0, 1]);
    for (const number of range(20, 200)) await append(first.spool, number);
    // What was begun to be evicted is.
    await first.clock.pass(0);
    const evicted = evictedOf(first.said, 'bytes');
    expect(evicted).toEqual(range(0, evicted.length));
    expect(await read()).toBe(evicted.length);
    first.spool.rewind();
    expect(await read()).toBe(evicted.length);
    // What is acknowledged too late changes nothing.
    first.spool.ack(1);
    expect(await read()).toBe(evicted.length + 1);
    await first.spool.close();

    const second = await open(folder, SMALL);
    expect((await readRest(second.spool)).map(({ payload }) => numberOf(payload))).toEqual(range(evicted.length, 200));
    await second.spool.close();
    for (const { said } of [first, second]) expect(said).toMatchObject({ damage: [], errors: [] });
  });

  test('does not begin to send what is about to leave', async () => {
    let reading: Promise<readonly SpoolRecord[]> | undefined;
    const { spool, said, clock } = await open(newFolder(), {
      ...SMALL,
      onEvicted: (payload) => {
        said.evicted.push({ payload: Buffer.from(payload), why: 'bytes' });
        reading ??= spool.read(1);
      },
    });
    for (const number of range(0, 8 * IN_SEGMENT)) await append(spool, number);
    await clock.pass(0);
    expect(evictedOf(said, 'bytes')).toEqual(range(0, IN_SEGMENT));
    expect(numberOf((await reading!)[0].payload)).toBe(IN_SEGMENT);
    await spool.close();
  });

  test('takes records that its owner appends when it is told: of what was lost, for one', async () => {
    const { spool, said, clock } = await open(newFolder(), {
      ...SMALL,
      onEvicted: (payload) => {
        said.evicted.push({ payload: Buffer.from(payload), why: 'bytes' });
        if (numberOf(payload) % IN_SEGMENT === 0) notices.push(append(spool, 10_000 + numberOf(payload)));
      },
    });
    const notices: Promise<number>[] = [];
    for (const number of range(0, 100)) await append(spool, number);
    await Promise.all(notices);
    const rest = await readSettled(spool, clock);
    await spool.close();
    const evicted = evictedOf(said, 'bytes');
    expect(notices.length).toBe(evicted.filter((number) => number % IN_SEGMENT === 0).length);
    expect(rest).toEqual(
      expect.arrayContaining(
        evicted
          .filter((n) => n % 9 === 0)
          .slice(-1)
          .map((n) => 10_000 + n),
      ),
    );
    expect([...evicted, ...rest].filter((number) => number < 10_000)).toEqual(range(0, 100));
  });

  test('counts what is set aside as well, and lets that go first', async () => {
    const folder = newFolder();
    const before = await open(folder, SMALL);
    for (const number of range(0, 2 * IN_SEGMENT)) await append(before.spool, number);
    await before.spool.close();
    const file = path.join(folder, segmentsOf(folder)[0]);
    const bytes = fs.readFileSync(file);
    bytes[HEADER + 500] ^= 1;
    fs.writeFileSync(file, bytes);

    const { spool, said, clock } = await open(folder, SMALL);
    expect(numberOf((await spool.read(1))[0].payload)).toBe(1);
    spool.ack(IN_SEGMENT - 1);
    await clock.pass(1000);
    expect(fs.existsSync(file.replace('.spool', '.damaged'))).toBe(true);
    expect(spool.stats.bytes).toBe(bytesOf(folder));
    for (const number of range(2 * IN_SEGMENT, 8 * IN_SEGMENT)) await append(spool, number);
    expect(fs.existsSync(file.replace('.spool', '.damaged'))).toBe(false);
    expect(said.evicted).toEqual([]);
    expect(spool.stats.bytes).toBe(bytesOf(folder));
    await spool.close();
  });

  test('gives away what can be read of a damaged segment, and counts the rest', async () => {
    const folder = newFolder();
    const before = await open(folder, SMALL);
    for (const number of range(0, 40)) await append(before.spool, number);
    await before.spool.close();
    const [first, second, third] = segmentsOf(folder).map((name) => path.join(folder, name));
    const bytes = fs.readFileSync(first);
    bytes[HEADER + 2 * (RECORD_HEADER + BYTES) + 500] ^= 1;
    fs.writeFileSync(first, bytes);
    fs.rmSync(second);
    fs.truncateSync(third, HEADER + 3 * (RECORD_HEADER + BYTES) + 5);

    const { spool, said, clock } = await open(folder, SMALL);
    for (const number of range(40, 140)) await append(spool, number);
    const rest = await readSettled(spool, clock);
    const lost = [2, ...range(9, 18), ...range(21, 27)];
    expect([...evictedOf(said, 'bytes'), ...rest]).toEqual(range(0, 140).filter((number) => !lost.includes(number)));
    expect(said.damage.map(({ records }) => records)).toEqual([1, 9, 6]);
    expect(spool.stats.lostRecords).toBe(lost.length);
    await spool.close();
  });

  test('that is made smaller has fewer bytes with the next record', async () => {
    const folder = newFolder();
    const before = await open(folder, SMALL);
    for (const number of range(0, 60)) await append(before.spool, number);
    await before.spool.close();
    const { spool, said, clock } = await open(folder, { ...SMALL, maxBytes: MAX_BYTES / 2 });
    await append(spool, 60);
    expect(bytesOf(folder)).toBeLessThanOrEqual(MAX_BYTES / 2);
    const rest = await readSettled(spool, clock);
    await spool.close();
    expect([...evictedOf(said, 'bytes'), ...rest]).toEqual(range(0, 61));
  });

  test('has segments that are small enough, whatever they should be', async () => {
    const folder = newFolder();
    const { spool } = await open(folder, { maxBytes: MAX_BYTES });
    for (const number of range(0, 100)) await append(spool, number);
    for (const name of segmentsOf(folder)) {
      expect(fs.statSync(path.join(folder, name)).size).toBeLessThanOrEqual(MAX_BYTES / 4);
    }
    expect(bytesOf(folder)).toBeLessThanOrEqual(MAX_BYTES);
    await spool.close();
  });
});

describe('a spool whose records are too old', () => {
  const AGED = { ...SMALL, maxAgeMs: 72 * HOUR_MS };

  test('loses them, oldest first, and no younger ones, though nothing is appended', async () => {
    const folder = newFolder();
    const { spool, clock, said } = await open(folder, AGED);
    for (const number of range(0, 30)) {
      await append(spool, number);
      await clock.pass(HOUR_MS);
    }
    // The first is 72 hours old.
    await clock.pass(42 * HOUR_MS);
    expect(said.evicted).toEqual([]);
    for (let hour = 73; hour < 110; hour++) {
      await clock.pass(HOUR_MS);
      const evicted = evictedOf(said, 'age');
      expect(evicted).toEqual(range(0, evicted.length));
      // All that are older than 72 hours, and of the others not more than are in a segment with them.
      expect(evicted.length).toBeGreaterThanOrEqual(Math.min(30, hour - 72));
      expect(evicted.length).toBeLessThan(hour - 72 + 6);
      expect(spool.stats.records).toBe(30 - evicted.length);
    }
    expect(said.evicted).toHaveLength(30);
    expect(segmentsOf(folder)).toEqual([]);
    expect(await append(spool, 30)).toBe(30);
    expect((await readRest(spool)).map(({ payload }) => numberOf(payload))).toEqual([30]);
    await spool.close();
    expect(said).toMatchObject({ damage: [], errors: [] });
  });

  test('knows their age from its files', async () => {
    const folder = newFolder();
    const first = await open(folder, AGED);
    for (const number of range(0, 20)) await append(first.spool, number);
    await first.clock.pass(50 * HOUR_MS);
    for (const number of range(20, 30)) await append(first.spool, number);
    await first.spool.close();

    const second = await open(folder, AGED, first.clock);
    expect(second.spool.stats.oldestTime).toBe(first.clock.now() - 50 * HOUR_MS);
    await first.clock.pass(23 * HOUR_MS);
    expect(evictedOf(second.said, 'age')).toEqual(range(0, 20));
    expect(second.spool.stats.oldestTime).toBe(first.clock.now() - 23 * HOUR_MS);
    expect((await readRest(second.spool)).map(({ payload }) => numberOf(payload))).toEqual(range(20, 30));
    await second.spool.close();
  });

  test('loses what it set aside, too', async () => {
    const folder = newFolder();
    const before = await open(folder, AGED);
    for (const number of range(0, 20)) await append(before.spool, number);
    await before.spool.close();
    const file = path.join(folder, segmentsOf(folder)[0]);
    fs.truncateSync(file, HEADER + 5);
    const { spool, clock } = await open(folder, AGED);
    expect((await readRest(spool)).map(({ payload }) => numberOf(payload))).toEqual(range(9, 20));
    spool.ack(19);
    await clock.pass(71 * HOUR_MS);
    expect(bytesOf(folder)).toBeGreaterThan(0);
    expect(fs.existsSync(file.replace('.spool', '.damaged'))).toBe(true);
    await clock.pass(2 * HOUR_MS);
    expect(fs.existsSync(file.replace('.spool', '.damaged'))).toBe(false);
    await spool.close();
  });
});

test('memory does not grow with what is in the spool', async () => {
  v8.setFlagsFromString('--expose-gc');
  const collectGarbage = vm.runInNewContext('gc') as () => void;
  const { spool } = await open(newFolder(), { maxBytes: 2 ** 31 });
  const payload = Buffer.alloc(10);
  const heapAfter = async (records: number): Promise<number> => {
    while (spool.stats.records < records) await Promise.all(range(0, 2000).map(() => spool.append(payload)));
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  const before = await heapAfter(100_000);
  // A number for each of the others would be more.
  expect((await heapAfter(400_000)) - before).toBeLessThan(300_000 * 8);
  await spool.close();
});
