// The targets: which ratios they are of, and when they count as met.
import { describe, expect, test } from 'vitest';
import { judgeMemory, judgeTargets } from '../../bench/targets.ts';
import { renderReport } from '../../bench/table.ts';
import { report, row, workload } from './measured.ts';

const imix = [
  row('windrow-1', 8),
  row('windrow-2', 13),
  row('windrow-1-null', 7),
  row('windrow-2-null', 12),
  row('nfpcapd', 1),
  row('bare-loop', 10),
];
const uniform = [
  row('windrow-1', 2),
  row('windrow-2', 12),
  row('windrow-1-null', 8),
  row('windrow-2-null', 21),
  row('nfpcapd', 1),
  row('bare-loop', 10),
];
const all = [
  workload('imix', imix),
  workload('uniform', uniform),
  workload('flows-10k', [row('windrow-1-null', 9)]),
  workload('flows-4M', [row('windrow-1-null', 3)]),
];

test('are these, each over the tool that its text names', () => {
  expect(judgeTargets(all).map(({ text, atLeast, ratio }) => [text, atLeast, ratio])).toEqual([
    ['IMIX, one worker, JSON written, against nfpcapd', 8, 8],
    ['IMIX, two workers, JSON written, against nfpcapd', 14, 13],
    ['1 M flows, two workers, JSON written, against nfpcapd', 12, 12],
    ['1 M flows, two workers, JSON thrown away, against nfpcapd', 20, 21],
    ['IMIX, one worker, JSON thrown away, against the bare loop', 0.7, 0.7],
    ['1 M flows, one worker, JSON thrown away, against the bare loop', 0.7, 0.8],
    ['IMIX, two workers against one, JSON thrown away', 1.7, 12 / 7],
    ['1 M flows, two workers against one, JSON thrown away', 1.7, 21 / 8],
    ['4 M flows against 10 k, one worker, JSON thrown away', 1 / 3, 1 / 3],
  ]);
});

test('are not measured where one side of the ratio is missing or failed', () => {
  const ratios = judgeTargets([workload('imix', [row('windrow-1', 8), row('nfpcapd', 0)])]).map(({ ratio }) => ratio);
  expect(ratios).toEqual(Array(9).fill(null));
});

test('are neither met nor missed where the runs lie on both sides', () => {
  const noisy = row('windrow-1', 8.1, { slowest: 6e6, fastest: 9e6 });
  const text = renderReport(report([workload('imix', [noisy, row('windrow-2', 13), row('nfpcapd', 1)])]));
  const lineOf = (target: string): string => text.split('\n').find((line) => line.startsWith(`| ${target}`)) ?? '';
  expect(lineOf('IMIX, one worker, JSON written')).toContain(
    '| 8.00 | 8.10 | 6.00 to 9.00 | too noisy to tell (median: yes) |',
  );
  expect(lineOf('IMIX, two workers, JSON written')).toContain('| 14.0 | 13.0 | 13.0 to 13.0 | **no** |');
  expect(lineOf('1 M flows, two workers, JSON written')).toContain('| not measured |');
});

describe('memory', () => {
  const peakOf = (...peaks: [tool: string, peakMb: number][]): ReturnType<typeof judgeMemory> =>
    judgeMemory([
      workload(
        'uniform',
        peaks.map(([tool, peakMb]) => row(tool, 1, { peakMb })),
      ),
    ]);

  test('is that of the largest run of each number of workers, with 1 M flows', () => {
    expect(peakOf(['windrow-1', 180], ['windrow-1-null', 190], ['windrow-2', 250], ['nfpcapd', 600])).toEqual({
      peaks: [
        { title: 'Windrow, one worker', peakMb: 190 },
        { title: 'Windrow, two workers', peakMb: 250 },
      ],
      below: 300,
      isMet: true,
    });
  });

  test('has to be less than the bound with any number of workers', () => {
    expect(peakOf(['windrow-1', 100], ['windrow-2', 299])?.isMet).toBe(true);
    expect(peakOf(['windrow-1', 100], ['windrow-2', 300])?.isMet).toBe(false);
  });

  test('is not judged where Windrow was not measured, or on another workload', () => {
    expect(peakOf(['nfpcapd', 600])).toBeNull();
    expect(judgeMemory([workload('imix', [row('windrow-1', 1)])])).toBeNull();
  });
});
