// The memory of a process with a shipper: what waits is on the disk, however long Kafka is away, and is not kept once it is sent.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Workplace } from '../app/program.ts';
import { CLUSTER_TIMEOUT_MS, KafkaCluster } from './broker.ts';
import { messagesOf } from './broker_client.ts';
import { describeWithKafka } from './needs.ts';
import { arrivedIn } from './shipper_arrived.ts';
import { numberOf, range } from './shipper_batches.ts';
import { settingsOf } from './shipper_opened.ts';
import { ShipperProcesses, numbersIn } from './shipper_process.ts';

const BATCHES = 3000;
const BYTES = 100_000;
const MIB = 1 << 20;
/** What garbage of a few reads and writes may come to, on a machine that does other things. */
const GARBAGE = 64 * MIB;
/** What is under way in the producer, twice: the client copies it. */
const UNDER_WAY = 2 * 40 * MIB;

const workplace = new Workplace();

describeWithKafka('300 MB of batches', () => {
  let cluster: KafkaCluster;
  beforeAll(async () => {
    cluster = await KafkaCluster.start();
  }, CLUSTER_TIMEOUT_MS);
  afterAll(() => cluster?.close());

  test('that are taken while there is no broker, and sent when there is, are never in memory', async () => {
    await cluster.stop();
    const settings = settingsOf(cluster.brokers, { timeoutMs: 1000 });
    const course = { folder: workplace.at('spool'), settings, boot: 1, from: 0, count: BATCHES, bytes: BYTES };
    const shipper = new ShipperProcesses(workplace).start({ ...course, flushMs: 100_000 });
    const before = performance.now();
    await shipper.said('all taken');
    // It does not wait for anybody: this is a small part of what a disk does.
    expect((BATCHES * BYTES) / (performance.now() - before)).toBeGreaterThan((5 * MIB) / 1000);
    const waiting = numbersIn(shipper.lines, 'rss').slice(BATCHES / 50 / 4);
    expect(waiting.length).toBeGreaterThan(40);
    expect(Math.max(...waiting) - Math.min(...waiting)).toBeLessThan(GARBAGE);

    await cluster.startAgain();
    const lines = await shipper.end();
    expect(lines).toContain('flushed true');
    expect(lines.filter((line) => /^(lost|error|damage)/.test(line))).toEqual([]);
    const all = numbersIn(lines, 'rss');
    expect(Math.max(...all) - Math.min(...waiting)).toBeLessThan(GARBAGE + UNDER_WAY);

    const { written } = arrivedIn(await messagesOf({ 'bootstrap.servers': cluster.brokers }, 'windrow.entries.v1'));
    expect(written.map(numberOf).sort((a, b) => a - b)).toEqual(range(0, BATCHES));
  });
});
