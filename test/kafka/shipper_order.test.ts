// The order in which a shipper sends, acknowledges and begins again, beside producers that do what the test tells them.
import fs from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { WindrowError } from '../../src/base/errors.ts';
import { packShipment } from '../../src/kafka/shipment.ts';
import type { Shipper, ShipperOptions } from '../../src/kafka/shipper.ts';
import { Spool } from '../../src/kafka/spool.ts';
import { Workplace } from '../app/program.ts';
import { contentOf } from './shipper_arrived.ts';
import { batchOf, numberOf, range } from './shipper_batches.ts';
import { AGENT, makeShipper } from './shipper_opened.ts';
import type { Opened } from './shipper_opened.ts';
import { ProducerDouble, Producers } from './shipper_producer.ts';

const workplace = new Workplace();
let made = 0;
const newFolder = (): string => workplace.at(`spool-${++made}`);
const opened: Shipper[] = [];

afterEach(async () => {
  vi.restoreAllMocks();
  for (const shipper of opened.splice(0)) await shipper.close().catch(() => undefined);
});

async function open(
  producers: Producers,
  options: Partial<ShipperOptions> = {},
  folder = newFolder(),
): Promise<Opened & { folder: string }> {
  const one = makeShipper(folder, () => producers.make(), options);
  opened.push(one.shipper);
  await one.shipper.start();
  return { ...one, folder };
}

async function takeAll(shipper: Shipper, numbers: readonly number[]): Promise<void> {
  for (const number of numbers) await shipper.take(batchOf(number));
}

/** Waits for what a shipper does in its own time. */
const eventually = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 10_000, interval: 5 });

async function eventuallyGiven(
  producers: Producers,
  which: number,
  numbers: readonly number[],
): Promise<ProducerDouble> {
  await eventually(() => expect(producers.made[which]?.numbers).toEqual(numbers));
  return producers.made[which];
}

describe('batches', () => {
  test('are sent as they were taken, in that order, by the key of their ENI, and numbered from 0', async () => {
    const producers = new Producers();
    const { shipper } = await open(producers);
    await takeAll(shipper, range(0, 20));
    const producer = await eventuallyGiven(producers, 0, range(0, 20));
    expect(producer.batches.map(({ identity }) => identity)).toEqual(
      range(0, 20).map((sequence) => ({ agent: AGENT, boot: 1, sequence })),
    );
    for (const batch of producer.batches) expect(contentOf(batch)).toEqual(contentOf(batchOf(numberOf(batch))));
    expect(producer.given.map(({ key }) => key)).toEqual(range(0, 20).map((number) => `eni-${number % 7}`));
  });

  test('that are taken at once have numbers of their own, in the order of the calls', async () => {
    const producers = new Producers();
    const { shipper } = await open(producers);
    await Promise.all(range(0, 100).map((number) => shipper.take(batchOf(number))));
    const producer = await eventuallyGiven(producers, 0, range(0, 100));
    expect(producer.batches.map(({ identity }) => identity.sequence)).toEqual(range(0, 100));
  });

  test('leave the spool when they and all before them are safe, in whatever order that is told', async () => {
    const producers = new Producers();
    const { shipper, told } = await open(producers);
    await takeAll(shipper, range(0, 6));
    const { given } = await eventuallyGiven(producers, 0, range(0, 6));
    const left = (): number => shipper.stats.records;
    given[1].deliver();
    given[2].deliver();
    expect(left()).toBe(6);
    given[0].deliver();
    expect(left()).toBe(3);
    given[5].deliver();
    given[3].deliver();
    expect(left()).toBe(2);
    given[4].deliver();
    expect(left()).toBe(0);
    expect(told.arrived).toHaveLength(6);
    expect(told.lost).toEqual([]);
  });

  test('of an earlier life go first, and keep their identity', async () => {
    const first = await open(new Producers(() => new ProducerDouble('never')));
    await takeAll(first.shipper, [0, 1, 2]);
    await first.shipper.close();
    const producers = new Producers();
    const second = await open(producers, { boot: 2 }, first.folder);
    await takeAll(second.shipper, [3, 4]);
    const producer = await eventuallyGiven(producers, 0, [0, 1, 2, 3, 4]);
    expect(producer.batches.map(({ identity }) => [identity.boot, identity.sequence])).toEqual([
      ...[0, 1, 2].map((sequence) => [1, sequence]),
      ...[0, 1].map((sequence) => [2, sequence]),
    ]);
  });

  test('tell how long they were on their way, from when they were taken, across lives', async () => {
    let now = 1_700_000_000_000;
    const clock = { now: () => now, every: () => () => undefined };
    const first = await open(new Producers(() => new ProducerDouble('never')), { spool: { clock } });
    await takeAll(first.shipper, [0]);
    await first.shipper.close();
    now += 3_600_000;
    const producers = new Producers();
    const { shipper, told } = await open(producers, { boot: 2, spool: { clock } }, first.folder);
    await takeAll(shipper, [1]);
    const { given } = await eventuallyGiven(producers, 0, [0, 1]);
    now += 5;
    given[0].deliver();
    // A clock that was set back.
    now -= 1000;
    given[1].deliver();
    expect(told.arrived).toEqual([3_600_005, 0]);
  });
});

describe('a producer that fails', () => {
  test('is followed by another one, which gets everything from the first batch that is not safe', async () => {
    const producers = new Producers();
    const { shipper, told } = await open(producers);
    await takeAll(shipper, range(0, 10));
    const first = await eventuallyGiven(producers, 0, range(0, 10));
    for (const which of [0, 1, 4, 7]) first.given[which].deliver();
    // Nothing is taken any more: it is the failure alone that makes it begin again.
    first.fail('the broker has lost its memory');
    const second = await eventuallyGiven(producers, 1, range(2, 8));
    expect(first.isClosed).toBe(true);
    expect(told.failures.map(({ message }) => message)).toEqual(['the broker has lost its memory']);
    expect(told.begins).toBe(2);
    expect(second.batches.map(({ identity }) => identity.sequence)).toEqual(range(2, 8));

    // What the first one still tells is of batches that were sent again.
    for (const { deliver } of first.given) deliver();
    expect(shipper.stats.records).toBe(8);
    for (const { deliver } of second.given) deliver();
    expect(shipper.stats.records).toBe(0);
    await takeAll(shipper, [10, 11]);
    await eventuallyGiven(producers, 1, range(2, 10));
  });

  test('while nothing is under way is replaced when there is something to send, and nothing goes twice', async () => {
    const producers = new Producers();
    const { shipper } = await open(producers);
    await takeAll(shipper, [0]);
    const first = await eventuallyGiven(producers, 0, [0]);
    first.given[0].deliver();
    first.fail('idle');
    await takeAll(shipper, [1]);
    const second = await eventuallyGiven(producers, 1, [1]);
    second.given[0].deliver();
    expect(await shipper.flush(5000)).toBe(true);
    expect(first.numbers).toEqual([0]);
  });

  test('again and again sends in order each time, from what is safe by then', async () => {
    const producers = new Producers();
    const { shipper } = await open(producers);
    let safe = 0;
    for (let which = 0; which < 4; which++) {
      await takeAll(shipper, range(5 * which, 5));
      const end = 5 * which + 5;
      const producer = await eventuallyGiven(producers, which, range(safe, end - safe));
      for (const { deliver } of producer.given.slice(0, 3)) deliver();
      safe += 3;
      producer.fail('again');
      producer.given[3].deliver();
      safe++;
    }
    expect(shipper.stats.records).toBe(20 - safe);
  });

  test('at its start is told each time, and the next one is tried after a pause; batches are taken meanwhile', async () => {
    const refusal = new WindrowError('KAFKA', 'wrong password');
    const never = (): ProducerDouble => new ProducerDouble(refusal);
    const producers = new Producers(never, never, () => new ProducerDouble());
    const { shipper, told } = await open(producers);
    await takeAll(shipper, range(0, 30));
    expect(shipper.stats.records).toBe(30);
    expect(producers.made).toHaveLength(1);
    await eventuallyGiven(producers, 2, range(0, 30));
    expect(told.failures).toEqual([refusal, refusal]);
    expect(told.begins).toBe(1);
    expect(producers.made.slice(0, 2).every(({ isClosed }) => isClosed)).toBe(true);
  });

  test('to be made is tried again as well', async () => {
    let tries = 0;
    const producers = new Producers(() => {
      if (tries++ === 0) throw new Error('no such option');
      return new ProducerDouble();
    });
    const { shipper, told } = await open(producers);
    await takeAll(shipper, [0]);
    await eventuallyGiven(producers, 0, [0]);
    expect(told.failures.map(({ message }) => message)).toEqual(['no such option']);
  });
});

describe('a disk that fails', () => {
  let files: FileHandle;
  beforeAll(async () => {
    const file = await fs.open(workplace.file('', 'any'));
    files = Object.getPrototypeOf(file) as FileHandle;
    await file.close();
  });
  const ioError = (): Error => Object.assign(new Error('EIO'), { code: 'EIO' });

  test('costs the batch but no number: the next one has it, and SKIPDATA stands for the lost one', async () => {
    const producers = new Producers();
    const { shipper, told } = await open(producers);
    await takeAll(shipper, [0, 1]);
    const writing = vi.spyOn(files, 'writev').mockRejectedValueOnce(ioError());
    await takeAll(shipper, [2]);
    await takeAll(shipper, [3]);
    const producer = await eventuallyGiven(producers, 0, [0, 1, 3, 2]);
    expect(writing).toHaveBeenCalledTimes(3);
    expect(producer.batches.map(({ identity, status }) => [identity.sequence, status])).toEqual([
      [0, 'ok'],
      [1, 'ok'],
      [2, 'ok'],
      [3, 'skipdata'],
    ]);
    expect(told.lost.map(({ batch, why }) => [numberOf(batch), why])).toEqual([[2, 'disk']]);
    expect(told.spoolFailures).toHaveLength(1);
  });

  test('is asked again for what is to be told, also where no batch comes any more', async () => {
    const producers = new Producers();
    const { shipper } = await open(producers);
    const writing = vi.spyOn(files, 'writev').mockRejectedValueOnce(ioError()).mockRejectedValueOnce(ioError());
    await takeAll(shipper, [5]);
    await eventually(() => expect(producers.made[0].given).toHaveLength(1));
    expect(writing).toHaveBeenCalledTimes(4);
    expect(producers.made[0].batches.map(({ status }) => status)).toEqual(['skipdata']);
    expect(producers.made[0].numbers).toEqual([5]);
  });

  test('for long is tried once a batch, tells of each batch once, and of all their windows when it is well', async () => {
    const producers = new Producers();
    const { shipper, told } = await open(producers);
    await takeAll(shipper, [0]);
    const writing = vi.spyOn(files, 'writev').mockRejectedValue(ioError());
    await Promise.all(range(1, 50).map((number) => shipper.take(batchOf(2 * number))));
    expect(writing).toHaveBeenCalledTimes(50);
    expect(told.lost.map(({ batch }) => numberOf(batch))).toEqual(range(1, 50).map((number) => 2 * number));
    expect(shipper.stats.records).toBe(1);
    vi.restoreAllMocks();
    await takeAll(shipper, [1000]);
    await eventually(() => expect(producers.made[0].given).toHaveLength(52));
    const { batches } = producers.made[0];
    expect(batches.map(({ identity }) => identity.sequence)).toEqual(range(0, 52));
    const skipped = batches.filter(({ status }) => status === 'skipdata');
    const windows = skipped.map((batch) => numberOf(batch)).sort((a, b) => a - b);
    expect(windows).toEqual(range(1, 50).map((number) => 2 * number));
    for (const batch of skipped) expect(batch.eni).toEqual(batchOf(numberOf(batch)).eni);
    expect(told.lost).toHaveLength(50);
  });
});

describe('a record of the spool that is no batch', () => {
  const garbage = Buffer.from('garbage');
  const foreign = packShipment({ takenMs: 0, key: 'eni-0', message: garbage });

  async function folderWith(...payloads: Uint8Array[]): Promise<string> {
    const folder = newFolder();
    const ignore = (): void => undefined;
    const spool = await Spool.open(folder, { onEvicted: ignore, onDamage: ignore, onError: ignore });
    for (const payload of payloads) await spool.append(payload);
    await spool.close();
    return folder;
  }

  test('is sent as it is, for the sink to put aside, and keeps nothing up', async () => {
    const producers = new Producers();
    const { shipper } = await open(producers, {}, await folderWith(garbage, foreign));
    await takeAll(shipper, [0]);
    await eventually(() => expect(producers.made[0].given).toHaveLength(3));
    const { given } = producers.made[0];
    expect(given.slice(0, 2).map(({ key, message }) => [key, String(message)])).toEqual([
      ['', String(Uint8Array.from(garbage))],
      ['eni-0', String(Uint8Array.from(garbage))],
    ]);
    for (const { deliver } of given) deliver();
    expect(await shipper.flush(5000)).toBe(true);
  });

  test('is told of as damage when it has to leave', async () => {
    let now = Date.now();
    const ticks: (() => Promise<void>)[] = [];
    const clock = {
      now: () => now,
      every: (_: number, action: () => Promise<void>) => {
        ticks.push(action);
        return () => undefined;
      },
    };
    const folder = await folderWith(garbage, foreign);
    const producers = new Producers(() => new ProducerDouble('never'));
    const { shipper, told } = await open(producers, { spool: { clock, maxAgeMs: 1000 } }, folder);
    now += 10_000;
    await takeAll(shipper, [0]);
    for (const tick of ticks) await tick();
    expect(told.damage.map(({ message, records }) => [message, records])).toEqual([
      [`${folder}: a record had to leave that is no batch: a message without a batch`, 1],
      [expect.stringContaining('that is no batch: not a FlowLogBatch'), 1],
    ]);
    expect(told.lost).toEqual([]);
    expect(shipper.stats.records).toBe(1);
  });
});
