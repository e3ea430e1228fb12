// A sink that joins its group under load, and leaves it: no entry is lost, and none is written twice.
import { beforeAll, expect, test } from 'vitest';
import { CLUSTER_TIMEOUT_MS } from '../kafka/broker.ts';
import { describeWithKafka } from '../kafka/needs.ts';
import { drain, judge } from './ending.ts';
import { Ledger } from './ledger.ts';
import { Stage } from './stage.ts';
import { Workshop } from './workshop.ts';

const ENTRIES = 200_000;
const PARTS = 8;
const MOST_WAIT_MS = 60_000;
const TIMEOUT_MS = 300_000;

describeWithKafka('a fourth sink', () => {
  const workshop = new Workshop();

  beforeAll(() => workshop.prepare(ENTRIES, PARTS), CLUSTER_TIMEOUT_MS);

  test(
    'joins and leaves under load, and no entry is there twice',
    () =>
      workshop.in('fourth', async (folder) => {
        const { parts, expected, findings } = workshop;
        const sinkArgs = ['--rotate-bytes', '65536', '--rotate-seconds', '1'];
        const stage = await Stage.set({
          ...{ folder, parts, findings, sinkArgs },
          ...{ partitions: 12, isShared: false, sinks: 3, workers: () => 1 },
        });
        try {
          const { feeder, ledger, extra, sinks } = stage;
          const waiting = (): AbortSignal => AbortSignal.timeout(MOST_WAIT_MS);
          for (const sink of sinks) sink.start();
          feeder.release(PARTS / 4);
          const fed = feeder.run();
          expect(await ledger.grows(waiting())).toBe(true);

          extra.start();
          expect(await extra.program.says(/has partitions/, waiting())).toBe(true);
          feeder.release(PARTS / 2);
          const ofExtra = new Ledger([extra.root]);
          expect(await ofExtra.grows(waiting())).toBe(true);
          feeder.release(PARTS);
          expect(await ofExtra.grows(waiting())).toBe(true);
          const written = ledger.entries();
          await extra.rest();
          expect(written, 'it left while there was something to write').toBeLessThan(sum(expected.entries));
          await fed;
          await drain(stage);
          expect(ofExtra.entries()).toBeGreaterThan(0);
          expect(ofExtra.entries()).toBeLessThan(sum(expected.entries));
        } finally {
          await stage.end();
        }
        await judge(stage, expected);
        expect(findings.all).toEqual([]);
      }),
    TIMEOUT_MS,
  );
});

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
