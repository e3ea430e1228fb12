// A tree on a device that fails now and then: what cannot be written is tried again, and what is committed stays.
import { describe, expect, test } from 'vitest';
import { Sink } from '../../src/sink/sink.ts';
import { Tree } from '../../src/sink/tree.ts';
import { Workplace } from '../app/program.ts';
import type { Call } from './calls.ts';
import { Courses } from './courses.ts';
import { live, recover } from './life.ts';
import { liveOn } from './mortal.ts';

const courses = new Courses(new Workplace(), 4);
const parts = { Tree, Sink };

/** What tells of errors in its result, and what closes whatever it says. */
const UNFAILING = ['existsSync', 'closeSync'];
/** What needs no room on the device. */
const ROOMLESS = [...UNFAILING, 'unlinkSync', 'rmdirSync', 'ftruncateSync', 'fsyncSync', 'statSync', 'fstatSync'];

/** Fails from the n-th call on, until `inRow` have failed. Gives how many did. */
async function failFrom(
  n: number,
  inRow: number,
  isApart: boolean,
  code: string,
  fails: (call: Call) => boolean,
): Promise<number> {
  const course = courses.start(5, isApart);
  let isOpen = false;
  let calls = 0;
  let failures = 0;
  const before = (call: Call): void => {
    if (!isOpen || call.paths[0] === course.topic || ++calls < n || failures >= inRow || !fails(call)) return;
    failures++;
    throw Object.assign(new Error(`${code}: ${call.name} ${call.paths[0]}`), { code, syscall: call.name });
  };
  const open = (): Promise<void> => {
    isOpen = true;
    return Promise.resolve();
  };
  expect(await liveOn(() => live(parts, course, open), { before }), `call ${n}`).toBe('done');
  courses.expectEntries(course);
  // What could not be removed then.
  await liveOn(() => recover(parts, course));
  courses.expectWhole(course);
  return failures;
}

describe('every entry is there once where', () => {
  test.each([
    [1, false],
    [5, true],
    [17, false],
  ])('%i calls in a row fail, whichever they are, and each partition is apart: %s', async (inRow, isApart) => {
    for (let n = 1; (await failFrom(n, inRow, isApart, 'EIO', ({ name }) => !UNFAILING.includes(name))) > 0; n++) {
      expect(n).toBeLessThan(1000);
    }
  });

  test.each([1, 10])('a device is full from any call on, until %i have failed', async (inRow) => {
    const fails = ({ name, isChange }: Call): boolean => isChange && !ROOMLESS.includes(name);
    for (let n = 1; (await failFrom(n, inRow, inRow > 1, 'ENOSPC', fails)) > 0; n++) expect(n).toBeLessThan(1000);
  });
});
