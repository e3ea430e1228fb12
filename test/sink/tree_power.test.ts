// A tree on a machine whose power goes at any moment: what Kafka was told is there when it comes back.
import { describe, expect, test } from 'vitest';
import { Sink } from '../../src/sink/sink.ts';
import { Tree } from '../../src/sink/tree.ts';
import { Workplace } from '../app/program.ts';
import type { Call } from './calls.ts';
import { Courses } from './courses.ts';
import { live, recover } from './life.ts';
import type { Course } from './life.ts';
import { liveOn, liveUntil } from './mortal.ts';
import { Device } from './power.ts';

const courses = new Courses(new Workplace(), 3);
const parts = { Tree, Sink };

/** What was not synced: all of it is gone, or is there, or chance has it; the same chance each time. */
const STAYING: [string, (n: number) => () => boolean][] = [
  ['is gone', () => () => false],
  ['is there', () => () => true],
  ...[1, 2].map((seed): [string, (n: number) => () => boolean] => [
    `is there by chance ${seed}`,
    (n) => {
      let state = n * 7919 + seed * 104_729;
      return () => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
        return (state & 0x10000) !== 0;
      };
    },
  ]),
];

/** Before the n-th call that changes something, or makes it last. */
function nthStep(n: number): (call: Call) => boolean {
  let steps = 0;
  return ({ isChange, name }) => (isChange || name === 'fsyncSync') && ++steps === n;
}

/** Before the first checkpoint is committed, and nobody hears of it any more. */
function beforeCommit({ name, paths }: Call): boolean {
  return name === 'linkSync' && paths[1].endsWith('commit-0');
}

async function forEachStep(lose: (n: number) => Promise<Call | undefined>): Promise<void> {
  for (let n = 1; ; n++) {
    if (!(await lose(n))) return expect(n).toBeGreaterThan(40);
    expect(n).toBeLessThan(1000);
  }
}

async function expectWholeAfter(course: Course): Promise<void> {
  expect(await liveOn(() => live(parts, course))).toBe('done');
  courses.expectWhole(course);
}

describe.each(STAYING)('every entry is there once where the power goes, and what was not synced %s', (_, stays) => {
  test('while a sink writes', async () => {
    await forEachStep(async (n) => {
      const course = courses.start();
      const device = new Device(course.root);
      const { killedBefore } = await liveUntil(nthStep(n), () => live(parts, course), device);
      device.lose(stays(n));
      await expectWholeAfter(course);
      return killedBefore;
    });
  });

  test('while it recovers', async () => {
    await forEachStep(async (n) => {
      const course = courses.start();
      const device = new Device(course.root);
      const isSettled = ({ name, paths }: Call): boolean =>
        name === 'openSync' && paths[0].endsWith('checkpoints.ndjson');
      await liveUntil(isSettled, () => live(parts, course), device);
      const { killedBefore } = await liveUntil(nthStep(n), () => live(parts, course), device);
      device.lose(stays(n));
      await expectWholeAfter(course);
      return killedBefore;
    });
  });

  test('while it writes what another one, which is dead, has published', async () => {
    await forEachStep(async (n) => {
      const course = courses.start();
      const device = new Device(course.root);
      const first = (): Promise<unknown> => liveUntil(beforeCommit, () => live(parts, course), device);
      const second = { ...course, perCheckpoint: 3 };
      const { killedBefore } = await liveUntil(nthStep(n), () => live(parts, second, first), device);
      device.lose(stays(n));
      await liveOn(() => recover(parts, course));
      await expectWholeAfter(course);
      return killedBefore;
    });
  });
});
