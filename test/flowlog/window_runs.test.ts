// Windows as runs: what is in them is what was added, however it came.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WindowRuns } from '../../src/flowlog/window_runs.ts';

const MOST = 40;
const run = fc.tuple(fc.nat(MOST), fc.integer({ min: -2, max: 9 })).map(([from, size]) => ({ from, to: from + size }));

test('runs are what their windows are, one by one', () => {
  fc.assert(
    fc.property(
      fc.array(run, { maxLength: 20 }),
      fc.nat(MOST),
      fc.array(run, { maxLength: 5 }),
      (first, before, more) => {
        const runs = new WindowRuns();
        const windows = new Set<number>();
        const add = ({ from, to }: (typeof first)[number]): void => {
          runs.add(from, to);
          for (let window = from; window < to; window++) windows.add(window);
        };
        first.forEach(add);
        runs.forget(before);
        // What is before that is not asked about, also where more comes.
        more.filter(({ from }) => from >= before).forEach(add);
        for (let from = before; from < MOST + 20; from++) {
          expect(runs.has(from)).toBe(windows.has(from));
          for (let to = from; to < MOST + 20; to += 3) {
            const parts = runs.without(from, to);
            const left = parts.flatMap((part) => Array.from({ length: part.to - part.from }, (_, i) => part.from + i));
            const all = Array.from({ length: to - from }, (_, i) => from + i);
            expect(left).toEqual(all.filter((window) => !windows.has(window)));
            // As few parts as there can be.
            for (const [i, part] of parts.slice(1).entries()) expect(part.from).toBeGreaterThan(parts[i].to);
          }
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('a run of a billion windows costs what one of two does', () => {
  const runs = new WindowRuns();
  runs.add(-4e9, 4e9);
  runs.add(5e9, 6e9);
  expect(runs.without(-5e9, 7e9)).toEqual([
    { from: -5e9, to: -4e9 },
    { from: 4e9, to: 5e9 },
    { from: 6e9, to: 7e9 },
  ]);
  expect([runs.has(0), runs.has(4e9), runs.has(5e9)]).toEqual([true, false, true]);
});
