// A spool on a disk without room: what does not fit is refused, what is there stays whole, and it goes on when there is room.
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect } from 'vitest';
import { WindrowError } from '../../src/base/errors.ts';
import type { Spool } from '../../src/kafka/spool.ts';
import { Workplace } from '../app/program.ts';
import { isRoot, testWhere } from '../needs.ts';
import { open, payloadOf, readRest } from './spool_opened.ts';

const DISK_BYTES = 1 << 20;
const BALLAST_BYTES = 300_000;
const SEGMENT_BYTES = 100_000;
const BYTES = 9000;

const workplace = new Workplace();
const disk = workplace.at('disk');
fs.mkdirSync(disk);
const isMounted = isRoot && spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', disk]).status === 0;
afterAll(() => {
  if (isMounted) execFileSync('umount', [disk]);
});
const full = testWhere(isMounted, 'this process may not mount a tmpfs, which would be full soon');

const folder = path.join(disk, 'spool');
const ballast = path.join(disk, 'ballast');

const numbersOf = (records: readonly { payload: Uint8Array }[]): number[] =>
  records.map(({ payload }) => {
    const number = Buffer.from(payload).readUInt32LE(0);
    expect(payloadOf(number, payload.length).equals(payload)).toBe(true);
    return number;
  });

/** Appends records from this number on, so many at once, until one is refused; gives the number of that. */
async function appendUntilFull(spool: Spool, from: number, atOnce: number): Promise<number> {
  for (let number = from; ; number += atOnce) {
    const ends = await Promise.allSettled(
      Array.from({ length: atOnce }, (_, i) => spool.append(payloadOf(number + i, BYTES + ((number + i) % 100)))),
    );
    const refused = ends.findIndex(({ status }) => status === 'rejected');
    if (refused < 0) continue;
    for (const end of ends.slice(refused)) {
      // None behind it is taken: it would come before it.
      if (end.status === 'fulfilled') throw new Error('a record was taken behind one that was refused');
      expect(end.reason).toBeInstanceOf(WindrowError);
      expect(end.reason).toMatchObject({
        code: 'OUTPUT_FAILED',
        message: `${folder}: cannot be written: no space is left on the device`,
      });
    }
    return number + refused;
  }
}

describe('a disk that is full', () => {
  full.each([1, 3, 40])(
    'refuses records, %i appended at once, and takes them when it has room again',
    async (atOnce) => {
      fs.rmSync(folder, { recursive: true, force: true });
      fs.writeFileSync(ballast, Buffer.alloc(BALLAST_BYTES));
      const first = await open(folder, { segmentBytes: SEGMENT_BYTES });
      const refused = await appendUntilFull(first.spool, 0, atOnce);
      expect(refused * BYTES).toBeGreaterThan((DISK_BYTES - BALLAST_BYTES) / 2);
      expect(first.spool.stats.records).toBe(refused);
      // Again and again.
      expect(await appendUntilFull(first.spool, refused, atOnce)).toBe(refused);
      // What is on the disk is whole, whoever looks at it.
      const copy = workplace.at(`copy-${atOnce}`);
      fs.cpSync(folder, copy, { recursive: true });
      const copied = await open(copy, { segmentBytes: SEGMENT_BYTES });
      expect(numbersOf(await readRest(copied.spool))).toEqual(Array.from({ length: refused }, (_, number) => number));
      await copied.spool.close();
      expect(copied.said.damage).toEqual([]);

      fs.rmSync(ballast);
      const more = await appendUntilFull(first.spool, refused, atOnce);
      expect(more).toBeGreaterThan(refused + 10);
      await first.spool.close();

      // A full disk keeps nobody from opening it, and from sending what is there.
      const second = await open(folder, { segmentBytes: SEGMENT_BYTES });
      expect(second.spool.stats.records).toBe(more);
      for (let next = 0; next < more;) {
        const records = await second.spool.read(50_000);
        expect(numbersOf(records)).toEqual(records.map((_, i) => next + i));
        next += records.length;
        second.spool.ack(next - 1);
      }
      await second.clock.pass(1000);
      // What is acknowledged makes room, also for the position up to which it is.
      await second.clock.pass(1000);
      expect(await second.spool.append(payloadOf(more, BYTES))).toBe(more);
      expect(second.said.evicted).toEqual([]);
      await second.spool.close();

      const third = await open(folder, { segmentBytes: SEGMENT_BYTES });
      expect(numbersOf(await third.spool.read(50_000))).toEqual([more]);
      for (const { said } of [first, second, third]) expect(said.damage).toEqual([]);
      await third.spool.close();
    },
  );

  full('says that it cannot keep what is acknowledged, as long as that is so', async () => {
    fs.rmSync(folder, { recursive: true, force: true });
    const { spool, clock, said } = await open(folder, { segmentBytes: SEGMENT_BYTES });
    await spool.append(payloadOf(0, BYTES));
    await spool.append(payloadOf(1, BYTES));
    await spool.append(payloadOf(2, BYTES));
    fillUp();
    spool.ack(0);
    await clock.pass(1000);
    await clock.pass(1000);
    expect(said.errors.map(({ message }) => message)).toEqual(
      Array(2).fill(`${folder}: cannot be written: no space is left on the device`),
    );
    fs.rmSync(ballast);
    await clock.pass(1000);
    expect(said.errors).toHaveLength(2);
    expect(fs.readFileSync(path.join(folder, 'acknowledged'), 'latin1')).toMatch(/^0 [0-9a-f]{8}\n$/);

    fillUp();
    spool.ack(1);
    await expect(spool.close()).rejects.toThrow(`${folder}: cannot be written: no space is left on the device`);
    fs.rmSync(ballast);
    // It is free all the same, and sends again what it does not know to be acknowledged.
    const again = await open(folder, { segmentBytes: SEGMENT_BYTES });
    expect(numbersOf(await readRest(again.spool))).toEqual([1, 2]);
    expect(again.said.damage).toEqual([]);
    await again.spool.close();
  });
});

/** Leaves no byte. */
function fillUp(): void {
  try {
    fs.writeFileSync(ballast, Buffer.alloc(2 * DISK_BYTES));
  } catch {
    expect(fs.statSync(ballast).size).toBeGreaterThan(DISK_BYTES / 2);
    return;
  }
  throw new Error('the disk is larger than it should be');
}
