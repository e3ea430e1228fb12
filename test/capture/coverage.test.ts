// Coverage: what was missed is told, what is on its way is not.
import { describe, expect, test } from 'vitest';
import { Coverage } from '../../src/capture/coverage.ts';

/** Takes samples of [window, counted, seen]; gives what windows had as they ended: [counted, missed]. */
function ended(...samples: readonly (readonly [number, number, number])[]): (readonly [number, number])[] {
  const coverage = new Coverage();
  return samples
    .map(([window, counted, seen]) => coverage.take(window, { counted, seen }))
    .filter((over) => over !== undefined)
    .map(({ counted, missed }) => [counted, missed] as const);
}

describe('the coverage of an interface', () => {
  test('is all where all was seen, also what had been counted before it was captured', () => {
    expect(ended([1, 5000, 0], [1, 5100, 100], [2, 5300, 300], [3, 5300, 300])).toEqual([
      [100, 0],
      [200, 0],
    ]);
  });

  test('is all where more was seen than counted: it was asked for later', () => {
    expect(ended([1, 0, 0], [1, 1000, 1100], [1, 2000, 2050], [1, 3000, 3010], [2, 3500, 3600])).toEqual([[3000, 0]]);
  });

  test('tells what was missed in the window in which it was, and only there', () => {
    const missed = ended([1, 0, 0], [1, 100, 60], [2, 200, 160], [2, 300, 260], [3, 400, 340], [4, 500, 440]);
    expect(missed).toEqual([
      [100, 40],
      [200, 0],
      [100, 20],
    ]);
  });

  test('is never more than all: a super-frame is one packet to some interfaces', () => {
    expect(ended([1, 0, 0], [1, 10, 400], [2, 20, 800])).toEqual([[10, 0]]);
  });

  test('begins anew where the counter went back', () => {
    expect(ended([1, 1000, 0], [1, 2000, 1000], [2, 10, 1010], [3, 20, 1020], [4, 30, 1030])).toEqual([
      [0, 0],
      [10, 0],
    ]);
  });

  test('has a ratio', () => {
    const coverage = new Coverage();
    coverage.take(1, { counted: 0, seen: 0 });
    coverage.take(1, { counted: 1000, seen: 999 });
    expect(coverage.take(2, { counted: 1000, seen: 999 })).toEqual({ counted: 1000, missed: 1, ratio: 0.999 });
    expect(coverage.take(3, { counted: 1000, seen: 999 })?.ratio, 'of no packets all').toBe(1);
  });
});
