// Random networks and entries: the native judge says what the slow one says, whatever the network.
// WINDROW_JUDGEMENTS: how many are compared; 200,000 unless it is given.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addon } from '../../src/base/addon.ts';
import { readNetwork } from '../../src/cloud/network.ts';
import { NetworkModel } from '../../src/verify/network.ts';
import type { Judgement } from '../../src/verify/network.ts';
import { bytesOf, judge, nativeOf } from './judged.ts';
import type { Judged } from './judged.ts';
import { Random, randomEntries, randomNetwork } from './random_network.ts';

const JUDGEMENTS = Number(process.env.WINDROW_JUDGEMENTS ?? 200_000);
/** Of one network. */
const ENTRIES = 500;

/** Where nothing was judged, all is as it was. */
const UNTOUCHED: Judged = { action: 'ACCEPT', source: 'none', rule: '-', trafficPath: -1 };

test('the native judge and the slow one agree', { timeout: 3_600_000 }, () => {
  const seen = { paths: new Set<number>(), rules: new Set<string>(), rejected: 0, judged: 0 };
  const notice = ({ trafficPath, rule, action }: Judgement): void => {
    seen.paths.add(trafficPath);
    seen.rules.add(rule.replace(/.*\//, ''));
    if (action === 'REJECT') seen.rejected++;
    seen.judged++;
  };
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const random = new Random(seed);
      const file = randomNetwork(random);
      const network = readNetwork('random.json', JSON.stringify(file));
      const model = new NetworkModel(network.file);
      const entries = randomEntries(file, ENTRIES, random);
      const native = nativeOf(network);
      const found = judge(network, entries, native);
      entries.forEach((entry, i) => {
        const expected = model.judge(entry);
        if (expected) notice(expected);
        // Comparing texts is much faster than expect, which is asked only where they differ.
        if (textOf(found[i]) !== textOf(expected ?? UNTOUCHED)) {
          expect({ entry, ...found[i] }).toEqual({ entry, ...(expected ?? UNTOUCHED) });
        }
      });
      for (const { srcaddr } of entries.slice(0, 50)) {
        expect(addon.network_eni_of(native, bytesOf(srcaddr)), srcaddr).toBe(model.eniOf(srcaddr));
      }
    }),
    { numRuns: Math.ceil(JUDGEMENTS / ENTRIES), endOnFailure: true },
  );
  // Nothing that was to be compared was left out.
  expect(seen.judged).toBeGreaterThan(JUDGEMENTS * 0.9);
  expect([...seen.paths].sort((a, b) => a - b)).toEqual([...Array(23).keys()].filter((path) => path !== 16));
  expect([...seen.rules]).toEqual(
    expect.arrayContaining(['-', 'default-in', 'default-out', 'same-group', 'default', 'r0']),
  );
  expect(seen.rejected).toBeGreaterThan(JUDGEMENTS / 10);
  expect(seen.rejected).toBeLessThan((JUDGEMENTS / 10) * 9);
});

function textOf({ action, source, rule, trafficPath }: Judged): string {
  return `${action} ${source} ${rule} ${trafficPath}`;
}
