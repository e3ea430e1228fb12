// Three brokers, each message on all of them and acknowledged by two: any one may be killed under load.
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { CLUSTER_TIMEOUT_MS } from '../kafka/broker.ts';
import { describeWithKafka } from '../kafka/needs.ts';
import { drain, judge } from './ending.ts';
import { Pace } from './pace.ts';
import { Stage } from './stage.ts';
import { Workshop } from './workshop.ts';

const ENTRIES = 600_000;
const PARTS = 40;
const PARTITIONS = 6;
const NODES = [1, 2, 3] as const;
const MOST_STALL_MS = 30_000;
const POLL_MS = 100;
const TIMEOUT_MS = 600_000;

describeWithKafka('a broker of three', () => {
  const workshop = new Workshop();

  beforeAll(() => workshop.prepare(ENTRIES, PARTS), CLUSTER_TIMEOUT_MS);

  test(
    'is killed under load: nothing is lost, and nothing stands still for half a minute',
    () =>
      workshop.in('three', async (folder) => {
        const { parts, expected, findings } = workshop;
        const sinkArgs = ['--rotate-bytes', '65536', '--rotate-seconds', '1'];
        const stage = await Stage.set({
          ...{ folder, parts, findings, sinkArgs },
          ...{ partitions: PARTITIONS, isShared: false, sinks: 2, workers: () => 1, nodes: 3 },
        });
        try {
          const { feeder, ledger, cluster } = stage;
          for (const sink of stage.sinks) sink.start();
          feeder.release(PARTS);
          const fed = feeder.run();
          expect(await ledger.grows(AbortSignal.timeout(MOST_STALL_MS))).toBe(true);
          const pace = new Pace(cluster.brokers, PARTITIONS, ledger);
          await pace.start();
          for (const node of NODES) {
            await cluster.kill(node);
            const before = pace.amounts;
            // Both go on without it.
            while (pace.amounts.delivered === before.delivered || pace.amounts.written === before.written) {
              if (findings.all.length > 0) break;
              await delay(POLL_MS);
            }
            await cluster.startAgain(node);
            await cluster.inSync();
          }
          expect(feeder.done, 'there was something to deliver all the time').toBeLessThan(PARTS);
          const longest = await pace.stop();
          console.log(
            `nothing delivered for ${longest.delivered} ms, nothing written for ${longest.written} ms at most`,
          );
          expect(longest.delivered).toBeLessThan(MOST_STALL_MS);
          expect(longest.written).toBeLessThan(MOST_STALL_MS);
          await fed;
          await drain(stage);
        } finally {
          await stage.end();
        }
        await judge(stage, expected);
        expect(findings.all).toEqual([]);
      }),
    TIMEOUT_MS,
  );
});
