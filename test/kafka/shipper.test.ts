// Batches of an agent to a real broker: in order and each at least once, whatever becomes of the broker meanwhile.
import { once } from 'node:events';
import net from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { KafkaSettings } from '../../src/kafka/options.ts';
import type { Shipper, ShipperOptions } from '../../src/kafka/shipper.ts';
import { Workplace } from '../app/program.ts';
import { CLUSTER_TIMEOUT_MS, KafkaCluster } from './broker.ts';
import { messagesOf } from './broker_client.ts';
import { describeWithKafka } from './needs.ts';
import { arrivedIn, expectWritten, skippedIn, windowOf } from './shipper_arrived.ts';
import type { Arrived } from './shipper_arrived.ts';
import { batchOf, numberOf, range } from './shipper_batches.ts';
import { open as openShipper, settingsOf } from './shipper_opened.ts';
import type { Opened } from './shipper_opened.ts';

const LONG_MS = 60_000;

const workplace = new Workplace();
let made = 0;
const newFolder = (): string => workplace.at(`spool-${++made}`);
const opened: Shipper[] = [];

afterEach(async () => {
  for (const shipper of opened.splice(0)) await shipper.close();
});

async function takeAll(shipper: Shipper, numbers: readonly number[], bytes = 100): Promise<void> {
  for (const number of numbers) await shipper.take(batchOf(number, { bytes }));
}

describeWithKafka('with one broker', () => {
  let cluster: KafkaCluster;
  /** Each test has a topic of its own. */
  let prefix = '';
  beforeAll(async () => {
    cluster = await KafkaCluster.start();
  }, CLUSTER_TIMEOUT_MS);
  afterAll(() => cluster?.close());
  beforeEach(() => {
    prefix = `test-${++made}.`;
  });

  async function open(
    folder = newFolder(),
    options: Partial<ShipperOptions> = {},
    different: Partial<KafkaSettings> = {},
  ): Promise<Opened> {
    const one = await openShipper(folder, settingsOf(cluster.brokers, { prefix, ...different }), options);
    opened.push(one.shipper);
    return one;
  }

  async function arrived(): Promise<Arrived> {
    return arrivedIn(await messagesOf({ 'bootstrap.servers': cluster.brokers }, `${prefix}entries.v1`));
  }

  /** The broker is not there, or was not yet. */
  async function withoutBroker(meanwhile: () => Promise<void>): Promise<void> {
    await cluster.stop();
    try {
      await meanwhile();
    } finally {
      await cluster.startAgain();
    }
  }

  test('every batch arrives once and in order, where nothing happens, and the spool is empty then', async () => {
    const { shipper, told } = await open();
    await takeAll(shipper, range(0, 500), 3000);
    expect(await shipper.flush(LONG_MS)).toBe(true);
    const { written, duplicates } = await arrived();
    expectWritten(written, range(0, 500), { bytes: 3000 });
    expect(duplicates).toBe(0);
    expect(shipper.stats.records).toBe(0);
    expect(told.arrived).toHaveLength(500);
    expect(Math.min(...told.arrived)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...told.arrived)).toBeLessThan(LONG_MS);
    expect([told.lost, told.failures, told.spoolFailures, told.damage]).toEqual([[], [], [], []]);
    expect(told.begins).toBe(1);
  });

  test('what was taken while the broker was not there yet arrives when it is', async () => {
    let one: Opened | undefined;
    await withoutBroker(async () => {
      one = await open(newFolder(), {}, { timeoutMs: 400 });
      await takeAll(one.shipper, range(0, 300));
      expect(one.shipper.stats.records).toBe(300);
      expect(await one.shipper.flush(200)).toBe(false);
      await vi.waitFor(() => expect(one!.told.failures.length).toBeGreaterThan(1), { timeout: LONG_MS });
      for (const { message } of one.told.failures) {
        expect(message).toMatch(
          /^Kafka at 127\.0\.0\.1:\d+: cannot be reached: Connect to .* failed: Connection refused: /,
        );
      }
      expect(one.told.begins).toBe(0);
    });
    await takeAll(one!.shipper, range(300, 10));
    expect(await one!.shipper.flush(LONG_MS)).toBe(true);
    const { written } = await arrived();
    expectWritten(written, range(0, 310));
    expect(one!.told.lost).toEqual([]);
  });

  test('what is not safe when it is closed is for the next life, and the one after that', async () => {
    const folder = newFolder();
    await withoutBroker(async () => {
      for (const boot of [1, 2]) {
        const { shipper } = await open(folder, { boot });
        await takeAll(shipper, range(100 * boot, 100));
        const before = performance.now();
        await shipper.close();
        expect(performance.now() - before).toBeLessThan(10_000);
      }
    });
    const { shipper, told } = await open(folder, { boot: 3 });
    expect(shipper.stats.records).toBe(200);
    await takeAll(shipper, range(300, 100));
    expect(await shipper.flush(LONG_MS)).toBe(true);
    const { written, duplicates } = await arrived();
    expectWritten(written, range(100, 300));
    expect(duplicates).toBe(0);
    expect(new Set(written.map((batch) => `${Math.floor(numberOf(batch) / 100)} ${batch.identity.boot}`))).toEqual(
      new Set(['1 1', '2 2', '3 3']),
    );
    expect([told.lost, told.damage]).toEqual([[], []]);
  });

  test('a broker that is killed, again and again, costs nothing', async () => {
    const { shipper, told } = await open();
    const bytes = 20_000;
    for (let kills = 0; kills < 3; kills++) {
      const before = told.arrived.length;
      await takeAll(shipper, range(400 * kills, 300), bytes);
      // In the middle of what arrives.
      await vi.waitFor(() => expect(told.arrived.length).toBeGreaterThan(before + 20), {
        timeout: LONG_MS,
        interval: 1,
      });
      await cluster.kill();
      await takeAll(shipper, range(400 * kills + 300, 100), bytes);
      expect(shipper.stats.records).toBeGreaterThanOrEqual(100);
      await cluster.startAgain();
    }
    expect(await shipper.flush(LONG_MS)).toBe(true);
    const { written } = await arrived();
    expectWritten(written, range(0, 1200), { bytes });
    expect([told.lost, told.spoolFailures]).toEqual([[], []]);
    expect(told.reachable).toContain(false);
    // Known within a second, which may be after all has arrived.
    await vi.waitFor(() => expect(told.reachable.at(-1)).toBe(true), { timeout: LONG_MS });
  });

  test('a spool that gets full loses the oldest batches: each is told, and SKIPDATA arrives for their windows', async () => {
    const folder = newFolder();
    const spool = { maxBytes: 600_000, segmentBytes: 100_000 };
    const bytes = 5000;
    let one: Opened | undefined;
    await withoutBroker(async () => {
      const before = await open(folder, { boot: 1, spool });
      await takeAll(before.shipper, range(0, 40), bytes);
      await before.shipper.close();
      expect(before.told.lost).toEqual([]);
      one = await open(folder, { boot: 2, spool });
      for (const number of range(40, 260)) {
        await one.shipper.take(batchOf(number, { bytes, flowLog: number % 2 === 0 ? 'even' : 'odd' }));
      }
      expect(one.shipper.stats.bytes).toBeLessThanOrEqual(spool.maxBytes);
    });
    const { shipper, told } = one!;
    expect(await shipper.flush(LONG_MS)).toBe(true);
    const { written } = await arrived();

    const lost = told.lost.filter(({ batch }) => batch.status === 'ok').map(({ batch }) => numberOf(batch));
    const count = lost.length;
    expect(count).toBeGreaterThan(150);
    expect(count).toBeLessThan(250);
    expect(lost).toEqual(range(0, count));
    expect(new Set(told.lost.map(({ why }) => why))).toEqual(new Set(['bytes']));
    const ok = written.filter(({ status }) => status === 'ok').map(numberOf);
    expect(ok.sort((a, b) => a - b)).toEqual(range(count, 300 - count));

    const windows = told.lost.filter(({ batch }) => batch.status === 'ok').map(({ batch }) => windowOf(batch));
    expect(new Set(skippedIn(written))).toEqual(new Set(windows));
    expect(new Set(windows).size).toBe(count);
    const sequences = written.filter(({ status }) => status === 'skipdata').map(({ identity }) => identity);
    expect(new Set(sequences.map(({ boot }) => boot))).toEqual(new Set([2]));
  });

  test('a wrong port is told and tried again, as one where nobody speaks Kafka', async () => {
    const deaf = net.createServer((socket) =>
      socket.on('error', () => undefined).on('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
    );
    await once(deaf.listen(0, '127.0.0.1'), 'listening');
    const { port } = deaf.address() as net.AddressInfo;
    const settings = settingsOf(`127.0.0.1:${port}`, { timeoutMs: 300 });
    const { shipper, told } = await openShipper(newFolder(), settings);
    opened.push(shipper);
    await takeAll(shipper, range(0, 10));
    await vi.waitFor(() => expect(told.failures.length).toBeGreaterThan(1), { timeout: LONG_MS });
    expect(told.failures[0].message).toMatch(/^Kafka at 127\.0\.0\.1:\d+: cannot be reached: /);
    expect(shipper.stats.records).toBe(10);
    expect(told.begins).toBe(0);
    deaf.close();
  });
});

describeWithKafka('with a broker that wants a password', () => {
  let cluster: KafkaCluster;
  beforeAll(async () => {
    cluster = await KafkaCluster.start({ security: { users: { agent: 'right' } } });
  }, CLUSTER_TIMEOUT_MS);
  afterAll(() => cluster?.close());

  test('a wrong one is told, and tried again; batches go into the spool, and arrive with the right one', async () => {
    const folder = newFolder();
    const sasl = { mechanism: 'scram-sha-512', user: 'agent', password: 'wrong' } as const;
    const wrong = await openShipper(folder, settingsOf(cluster.brokers, { sasl }));
    opened.push(wrong.shipper);
    await takeAll(wrong.shipper, range(0, 50));
    await vi.waitFor(() => expect(wrong.told.failures.length).toBeGreaterThan(2), { timeout: LONG_MS });
    for (const { message } of wrong.told.failures) {
      expect(message).toContain('uthentication');
      expect(message).toContain('look at --kafka-user, its password and --kafka-sasl');
      expect(message).not.toContain('wrong');
    }
    expect(wrong.told.begins).toBe(0);
    await takeAll(wrong.shipper, range(50, 50));
    expect(wrong.shipper.stats.records).toBe(100);
    await wrong.shipper.close();

    const settings = settingsOf(cluster.brokers, { sasl: { ...sasl, password: 'right' } });
    const right = await openShipper(folder, settings, { boot: 2 });
    opened.push(right.shipper);
    expect(await right.shipper.flush(LONG_MS)).toBe(true);
    const client = {
      'bootstrap.servers': cluster.brokers,
      'security.protocol': 'sasl_plaintext',
      'sasl.mechanisms': 'SCRAM-SHA-512',
      'sasl.username': 'agent',
      'sasl.password': 'right',
    } as const;
    const { written } = arrivedIn(await messagesOf(client, 'windrow.entries.v1'));
    expectWritten(written, range(0, 100));
    expect([...wrong.told.lost, ...right.told.lost]).toEqual([]);
  });
});
