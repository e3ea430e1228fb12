// Chaos, the short version: sinks, replays and the broker are killed and held, and every entry is in the files once.
import { beforeAll, expect, test } from 'vitest';
import { CLUSTER_TIMEOUT_MS } from '../kafka/broker.ts';
import { describeWithKafka } from '../kafka/needs.ts';
import { chaos } from './chaos.ts';
import { VICTIMS } from './disturbances.ts';
import { Workshop } from './workshop.ts';

const ENTRIES = 100_000;
const PARTS = 8;
/** Of each: replays, sinks, and the broker. */
const KILLS = 2;
const TIMEOUT_MS = 600_000;

describeWithKafka('kill anything, at any moment', () => {
  const workshop = new Workshop();

  beforeAll(() => workshop.prepare(ENTRIES, PARTS), CLUSTER_TIMEOUT_MS);

  // Odd seeds have a root for each sink, even ones have one for all.
  for (const seed of [1, 2]) {
    test(
      `every entry is there once, whatever happens by seed ${seed}`,
      () =>
        workshop.in(`seed-${seed}`, async (folder) => {
          const { parts, expected } = workshop;
          const say = (line: string): void => console.log(`seed ${seed}: ${line}`);
          const result = await chaos({ seed, kills: KILLS, folder, parts, expected, say });
          expect(result.findings).toEqual([]);
          for (const victim of VICTIMS) expect(result.kills[victim]).toBeGreaterThanOrEqual(KILLS);
          expect(result.checkpoints).toBeGreaterThan(10);
        }),
      TIMEOUT_MS,
    );
  }
});
