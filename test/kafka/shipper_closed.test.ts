// Waiting for all to be safe, and ending before it is.
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Shipper } from '../../src/kafka/shipper.ts';
import { Workplace } from '../app/program.ts';
import { batchOf, range } from './shipper_batches.ts';
import { makeShipper } from './shipper_opened.ts';
import type { Opened } from './shipper_opened.ts';
import { ProducerDouble, Producers } from './shipper_producer.ts';

const workplace = new Workplace();
let made = 0;
const newFolder = (): string => workplace.at(`spool-${++made}`);
const opened: Shipper[] = [];

afterEach(async () => {
  for (const shipper of opened.splice(0)) await shipper.close();
});

async function open(producers: Producers, folder = newFolder()): Promise<Opened & { folder: string }> {
  const one = makeShipper(folder, () => producers.make());
  opened.push(one.shipper);
  await one.shipper.start();
  return { ...one, folder };
}

async function givenTo(producers: Producers, count: number): Promise<ProducerDouble> {
  await vi.waitFor(() => expect(producers.made[0]?.given).toHaveLength(count), { timeout: 10_000, interval: 5 });
  return producers.made[0];
}

describe('a flush', () => {
  test('is true when all that was taken is safe, and not before', async () => {
    const producers = new Producers();
    const { shipper } = await open(producers);
    expect(await shipper.flush(0)).toBe(true);
    for (const number of range(0, 3)) await shipper.take(batchOf(number));
    const { given } = await givenTo(producers, 3);
    let result: boolean | undefined;
    const flushed = shipper.flush(60_000).then((isDone) => (result = isDone));
    for (const { deliver } of given) {
      await new Promise((resolve) => setImmediate(resolve));
      expect(result).toBeUndefined();
      deliver();
    }
    await flushed;
    expect(result).toBe(true);
  });

  test('is false when it takes too long, and can be tried again, several at once', async () => {
    const producers = new Producers();
    const { shipper } = await open(producers);
    await shipper.take(batchOf(0));
    const { given } = await givenTo(producers, 1);
    const before = performance.now();
    expect(await Promise.all([shipper.flush(50), shipper.flush(0)])).toEqual([false, false]);
    expect(performance.now() - before).toBeLessThan(5000);
    const both = Promise.all([shipper.flush(60_000), shipper.flush(60_000)]);
    given[0].deliver();
    expect(await both).toEqual([true, true]);
  });
});

describe('a close', () => {
  test('leaves what is not safe to the next life, and says nothing of it', async () => {
    const producers = new Producers();
    const { shipper, told, folder } = await open(producers);
    for (const number of range(0, 5)) await shipper.take(batchOf(number));
    const { given } = await givenTo(producers, 5);
    given[0].deliver();
    given[3].deliver();
    await shipper.close();
    expect([told.failures, told.lost, told.spoolFailures]).toEqual([[], [], []]);
    expect(producers.made.map(({ isClosed }) => isClosed)).toEqual([true]);

    const next = new Producers();
    const again = await open(next, folder);
    expect(again.shipper.stats.records).toBe(4);
    expect((await givenTo(next, 4)).numbers).toEqual([1, 2, 3, 4]);
  });

  test('counts what is told to be safe while the producer closes', async () => {
    const producers = new Producers(() => {
      const producer = new ProducerDouble();
      vi.spyOn(producer, 'close').mockImplementation(() => {
        producer.given[0].deliver();
        return Promise.resolve();
      });
      return producer;
    });
    const { shipper, folder } = await open(producers);
    for (const number of [0, 1]) await shipper.take(batchOf(number));
    await givenTo(producers, 2);
    // It is woken by the end of the spool, not by a failure.
    await shipper.close();
    expect((await open(new Producers(), folder)).shipper.stats.records).toBe(1);
  });

  test.each([
    ['that waits for room', () => new ProducerDouble('at once', 2), 6],
    ['that does not get to Kafka', () => new ProducerDouble('never'), 6],
    ['that has nothing to send', () => new ProducerDouble(), 0],
  ])('does not wait for a producer %s', async (_, make, batches) => {
    const producers = new Producers(make);
    const { shipper, folder, told } = await open(producers);
    for (const number of range(0, batches)) await shipper.take(batchOf(number));
    const before = performance.now();
    await shipper.close();
    expect(performance.now() - before).toBeLessThan(5000);
    expect(told.failures).toEqual([]);
    expect(producers.made[0].isClosed).toBe(true);
    expect((await open(new Producers(), folder)).shipper.stats.records).toBe(batches);
  });

  test('between two producers makes no other one', async () => {
    const producers = new Producers();
    const { shipper } = await open(producers);
    await shipper.take(batchOf(0));
    (await givenTo(producers, 1)).fail('gone');
    await vi.waitFor(() => expect(producers.made[0].isClosed).toBe(true), { timeout: 10_000, interval: 1 });
    await shipper.close();
    expect(producers.made).toHaveLength(1);
  });

  test('may be asked for twice, or before the start, and then nothing is taken any more', async () => {
    const { shipper } = await open(new Producers());
    await Promise.all([shipper.close(), shipper.close()]);
    await expect(shipper.take(batchOf(0))).rejects.toThrow('closed spool');
    await makeShipper(newFolder(), () => new Producers().make()).shipper.close();
  });

  test('in the middle of batches that are taken keeps those that were', async () => {
    const { shipper, folder } = await open(new Producers(() => new ProducerDouble('never')));
    const taken = range(0, 50).map((number) => shipper.take(batchOf(number)));
    const closed = shipper.close();
    const ends = await Promise.allSettled(taken);
    await closed;
    const count = ends.filter(({ status }) => status === 'fulfilled').length;
    const next = new Producers();
    await open(next, folder);
    expect((await givenTo(next, count)).numbers).toEqual(range(0, count));
  });
});
