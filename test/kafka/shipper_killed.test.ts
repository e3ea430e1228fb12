// A shipper whose process is killed at any moment, again and again: what it had taken arrives, and is written once.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Workplace } from '../app/program.ts';
import { CLUSTER_TIMEOUT_MS, KafkaCluster } from './broker.ts';
import { messagesOf } from './broker_client.ts';
import { describeWithKafka } from './needs.ts';
import { arrivedIn, contentOf } from './shipper_arrived.ts';
import { batchOf, numberOf } from './shipper_batches.ts';
import { settingsOf } from './shipper_opened.ts';
import { ShipperProcesses, numbersIn } from './shipper_process.ts';

const LIVES = 12;
const BYTES = 20_000;
const OF_LIFE = 100_000;

const workplace = new Workplace();

describeWithKafka('a shipper that is killed', () => {
  let cluster: KafkaCluster;
  beforeAll(async () => {
    cluster = await KafkaCluster.start();
  }, CLUSTER_TIMEOUT_MS);
  afterAll(() => cluster?.close());

  /** From the first line, which comes when nothing is taken yet, to hundreds: then some is sent, and some is not. */
  const someLines = (life: number): number => (life % 5 === 0 ? 1 + life / 5 : 1 + Math.floor(Math.random() * 300));

  test('loses nothing that it had taken, and nothing is written twice, whether the broker is there or not', async () => {
    const processes = new ShipperProcesses(workplace);
    const folder = workplace.at('spool');
    const courseOf = (life: number, count: number): Parameters<ShipperProcesses['start']>[0] => ({
      ...{ folder, settings: settingsOf(cluster.brokers), boot: life, from: life * OF_LIFE, count },
      ...{ bytes: BYTES, flushMs: 100_000 },
    });
    const taken: number[] = [];
    const live = async (life: number): Promise<void> => {
      const shipper = processes.start(courseOf(life, OF_LIFE));
      await shipper.said(someLines(life));
      const lines = await shipper.kill();
      expect(lines.filter((line) => !/^(starts|rss \d+|taken \d+|damage 0 .* were cut off)$/.test(line))).toEqual([]);
      taken.push(...numbersIn(lines, 'taken'));
    };
    for (let life = 0; life < LIVES; life++) {
      // Of three lives in a row the broker is away, and is killed before them.
      if (life % 10 === 4) await cluster.kill();
      await live(life);
      if (life % 10 === 6) await cluster.startAgain();
    }
    const last = await processes.start(courseOf(LIVES, 10)).end();
    expect(last).toContain('flushed true');
    taken.push(...numbersIn(last, 'taken'));

    const { written } = arrivedIn(await messagesOf({ 'bootstrap.servers': cluster.brokers }, 'windrow.entries.v1'));
    const numbers = written.map(numberOf);
    const found = new Set(numbers);
    expect(found.size).toBe(numbers.length);
    expect(taken.length).toBeGreaterThan(1000);
    expect(taken.filter((number) => !found.has(number))).toEqual([]);
    // What a life had under way when it was killed may be there: one batch.
    expect(numbers.length - taken.length).toBeLessThanOrEqual(LIVES);
    for (const batch of written)
      expect(contentOf(batch)).toEqual(contentOf(batchOf(numberOf(batch), { bytes: BYTES })));
  });
});
