// Chaos at a live interface, the short version.
import { beforeAll, expect } from 'vitest';
import { CLUSTER_TIMEOUT_MS } from '../kafka/broker.ts';
import { installKafka } from '../kafka/broker_install.ts';
import { describeWithKafka } from '../kafka/needs.ts';
import { testWithNetwork } from '../live/network.ts';
import { liveChaos } from './live_chaos.ts';
import { Workshop } from './workshop.ts';

const KILLS = 3;
const TIMEOUT_MS = 300_000;

describeWithKafka('kill the agent, the sinks and the broker', () => {
  const workshop = new Workshop();

  beforeAll(() => installKafka(), CLUSTER_TIMEOUT_MS);

  testWithNetwork(
    'and every packet is logged once, or its window says that something is missing',
    () =>
      workshop.in('live', async (folder) => {
        const result = await liveChaos({ seed: 1, kills: KILLS, folder, say: (line) => console.log(line) });
        expect(result.findings).toEqual([]);
        expect(result.bursts).toBeGreaterThan(20);
        expect(result.incomplete).toBeGreaterThan(0);
        expect(result.incomplete).toBeLessThan(result.bursts);
      }),
    TIMEOUT_MS,
  );
});
