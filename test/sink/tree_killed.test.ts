// A tree whose sink is killed at any moment, and again while it recovers: every entry is there once in the end.
import { describe, expect, test } from 'vitest';
import { Sink } from '../../src/sink/sink.ts';
import { Tree } from '../../src/sink/tree.ts';
import { Workplace } from '../app/program.ts';
import type { Call } from './calls.ts';
import { Courses } from './courses.ts';
import { live, recover } from './life.ts';
import { liveOn, liveUntil } from './mortal.ts';

const courses = new Courses(new Workplace(), 5);
const parts = { Tree, Sink };

/** Before the n-th change: what is asked in between makes no other state. */
function nthChange(n: number): (call: Call) => boolean {
  let changes = 0;
  return (call) => call.isChange && ++changes === n;
}

/** Until a life is not killed any more. Says how often one was. */
async function forEachChange(kill: (n: number) => Promise<{ killedBefore: Call | undefined }>): Promise<number> {
  for (let n = 1; ; n++) {
    const { killedBefore } = await kill(n);
    if (!killedBefore) return n - 1;
    expect(n).toBeLessThan(1000);
  }
}

describe('a sink that is killed before any change to files', () => {
  test.each([
    [5, false],
    [5, true],
    [1, false],
    [3, true],
    [100, false],
  ])('goes on by %i, each partition apart: %s', async (perCheckpoint, isApart) => {
    const kills = await forEachChange(async (n) => {
      const course = courses.start(5, isApart);
      const killed = await liveUntil(nthChange(n), () => live(parts, course));
      courses.expectSound(course);
      expect(await liveOn(() => live(parts, { ...course, perCheckpoint }))).toBe('done');
      courses.expectWhole(course);
      return killed;
    });
    expect(kills).toBeGreaterThan(100);
  });

  test('and again before any change while it recovers', async () => {
    let kills = 0;
    // Until the first checkpoint is over, and the second has begun.
    for (let n = 1, isOver = false; !isOver; n++) {
      kills += await forEachChange(async (again) => {
        const course = courses.start();
        await liveUntil(nthChange(n), () => live(parts, course));
        isOver = courses.checkpointsOf(course) > 1;
        const killed = await liveUntil(nthChange(again), () => recover(parts, course));
        courses.expectSound(course);
        expect(await liveOn(() => live(parts, course))).toBe('done');
        courses.expectWhole(course);
        return killed;
      });
    }
    expect(kills).toBeGreaterThan(300);
  });

  test('and each life one change later than the one before', async () => {
    const course = courses.start(4);
    const kills = await forEachChange(async (n) => {
      const killed = await liveUntil(nthChange(n), () => live(parts, course));
      courses.expectSound(course);
      return killed;
    });
    expect(kills).toBeGreaterThan(20);
    courses.expectWhole(course);
  });
});

describe('a sink that is killed before any change to files, and whose partitions another one takes', () => {
  test.each([
    [5, false],
    [1, true],
    [3, false],
    [100, true],
  ])('that waited at the same tree, and writes by %i, each partition apart: %s', async (perCheckpoint, isApart) => {
    await forEachChange(async (n) => {
      const course = courses.start(5, isApart);
      let killed: { killedBefore: Call | undefined };
      const first = async (): Promise<void> => {
        killed = await liveUntil(nthChange(n), () => live(parts, course));
      };
      expect(await liveOn(() => live(parts, { ...course, perCheckpoint }, first))).toBe('done');
      // What the first one left has names of what the second one wrote.
      courses.expectEntries(course);
      await liveOn(() => recover(parts, course));
      courses.expectWhole(course);
      return killed!;
    });
  });

  test.each([5, 3])('that has a tree of its own, and writes by %i', async (perCheckpoint) => {
    await forEachChange(async (n) => {
      const course = courses.start(5);
      const other = courses.beside(course, perCheckpoint);
      const killed = await liveUntil(nthChange(n), () => live(parts, course));
      expect(await liveOn(() => live(parts, other))).toBe('done');
      await liveOn(() => recover(parts, course));
      courses.expectWhole(course, other);
      return killed;
    });
  });
});
