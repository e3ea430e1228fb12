// An agent whose entries go over Kafka: killed, without a broker, and with more than it can read.
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { Workplace, windrow } from '../app/program.ts';
import { Running } from '../app/running.ts';
import { CLUSTER_TIMEOUT_MS, KafkaCluster } from '../kafka/broker.ts';
import { describeWithKafka } from '../kafka/needs.ts';
import { Veth, testWithNetwork } from './network.ts';
import { burst, entriesOfTree, frames, isSkipped, incompleteOf, packetsOf, windowsOf } from './program.ts';
import type { Burst } from './program.ts';

const workplace = new Workplace();
const WINDOW = 2;
const WAIT = { timeout: 30_000, interval: 50 };
const TIMEOUT_MS = 120_000;

describeWithKafka('an agent with Kafka', () => {
  let cluster: KafkaCluster;
  beforeAll(async () => {
    cluster = await KafkaCluster.start();
  }, CLUSTER_TIMEOUT_MS);
  afterAll(() => cluster?.close());

  const kafka = (name: string): string[] => [
    ...['--kafka', cluster.brokers, '--kafka-prefix', `${name}.`, '--kafka-partitions', '3'],
  ];
  const start = (name: string, veth: Veth): Running =>
    Running.start([
      ...['agent', '--interface', veth.here, '--state', workplace.at(`${name}-state`), '--log', 'text'],
      ...['--window', `${WINDOW}`, '--lateness', '0', '--metrics', '127.0.0.1:0', ...kafka(name)],
    ]);
  const drain = async (name: string): Promise<string> => {
    const root = workplace.at(name);
    const ended = await windrow(['sink', '--drain', '--metrics', 'off', '--out', root, ...kafka(name)]);
    expect(ended.code, ended.stderr).toBe(0);
    return root;
  };

  describe('that is killed again and again', () => {
    testWithNetwork(
      'marks every window of which it cannot know that all of it is logged',
      async () => {
        const veth = Veth.make();
        const eni = `eni-${veth.here}`;
        const bursts: Burst[] = [];
        for (let life = 0; life < 5; life++) {
          const agent = start('killed', veth);
          await agent.until(/captures at/);
          for (let n = 0; n <= 2 * life; n++) {
            bursts.push(await burst(veth, 2000 + bursts.length, 100));
            await delay(400);
          }
          if (life < 4) await agent.end('SIGKILL');
          else expect((await agent.end('SIGTERM')).code).toBe(0);
          bursts.push(await burst(veth, 2000 + bursts.length, 100));
        }
        const entries = entriesOfTree(await drain('killed'));
        // The last burst came when there was no life any more.
        windowsOf(entries, eni, WINDOW);
        const incomplete = incompleteOf(entries, bursts.slice(0, -1), WINDOW).length;
        expect(incomplete).toBeGreaterThanOrEqual(4);
        expect(incomplete).toBeLessThan(bursts.length);
      },
      TIMEOUT_MS,
    );
  });

  describe('whose broker is away', () => {
    testWithNetwork(
      'keeps everything in its spool, over its own end, and delivers it in order afterwards',
      async () => {
        const veth = Veth.make();
        const first = start('away', veth);
        await first.until(/captures at/);
        await veth.send(frames(10), 10);
        await expect.poll(() => first.metric('windrow_kafka_delivered_batches_total'), WAIT).toBeGreaterThan(0);
        await cluster.kill();
        await veth.send(frames(10), 20);
        await expect.poll(() => first.health(), WAIT).toMatchObject({ status: 503 });
        const stopped = await first.end('SIGTERM');
        expect(stopped.code, stopped.stderr).toBe(0);
        expect(stopped.stderr).toMatch(/batch(es)? waits? in \S+ for the next start/);
        const second = start('away', veth);
        await second.until(/captures at/);
        await veth.send(frames(10), 30);
        await cluster.startAgain();
        await expect.poll(() => second.health(), WAIT).toMatchObject({ status: 200 });
        const ended = await second.end('SIGTERM');
        expect(ended.code, ended.stderr).toBe(0);
        expect(ended.stderr).not.toMatch(/did not end in order|for the next start/);
        const entries = entriesOfTree(await drain('away'));
        expect(packetsOf(entries)).toBe(600);
        windowsOf(entries, `eni-${veth.here}`, WINDOW);
      },
      TIMEOUT_MS,
    );
  });

  describe('that is held while packets come', () => {
    testWithNetwork(
      'says how many it had no room for, to the packet, and in which windows',
      async () => {
        const veth = Veth.make();
        const agent = Running.start([
          ...['agent', '--interface', veth.here, '--state', workplace.at('held-state'), '--log', 'text'],
          ...['--ring-memory', '1', '--window', `${WINDOW}`, '--lateness', '0', '--metrics', '127.0.0.1:0'],
          ...kafka('held'),
        ]);
        await agent.until(/captures at/);
        const total = 60_000;
        process.kill(agent.child.pid!, 'SIGSTOP');
        await veth.send(frames(60), total / 60);
        process.kill(agent.child.pid!, 'SIGCONT');
        const metric = async (name: string): Promise<number> =>
          (await agent.metric(`${name}{interface="${veth.here}"}`)) ?? 0;
        const seen = (): Promise<number> => metric('windrow_interface_packets_total');
        const dropped = (): Promise<number> => metric('windrow_interface_dropped_packets_total');
        await expect.poll(async () => (await seen()) + (await dropped()), WAIT).toBe(total);
        expect(await dropped()).toBeGreaterThan(0);
        expect(await agent.metric('windrow_dropped_packets_total{reason="interface"}')).toBe(await dropped());
        await agent.until(/packets of a window were not seen/);
        const seenAll = await seen();
        await agent.end('SIGTERM');
        const entries = entriesOfTree(await drain('held'));
        expect(packetsOf(entries)).toBe(seenAll);
        expect(entries.filter(isSkipped).length).toBeGreaterThan(0);
      },
      TIMEOUT_MS,
    );
  });
});
