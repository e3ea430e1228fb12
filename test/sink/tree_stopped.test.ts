// Sinks in processes of their own. One is stopped by a real signal before any call of the file system, while another one
// writes what it was about to write; then it goes on. One is killed by a real signal, and another one goes on.
import { describe, expect, test } from 'vitest';
import { Sink } from '../../src/sink/sink.ts';
import { Tree } from '../../src/sink/tree.ts';
import { Workplace } from '../app/program.ts';
import { Courses } from './courses.ts';
import { live, recover } from './life.ts';
import type { Course } from './life.ts';
import { LifeProcesses } from './life_process.ts';
import { liveOn } from './mortal.ts';

const workplace = new Workplace();
/** One checkpoint of two partitions, in three files. */
const courses = new Courses(workplace, 3);
const processes = new LifeProcesses(workplace);
const parts = { Tree, Sink };

/** Gives what the sink that was stopped came to, by the call that it was stopped before. */
async function stopBeforeEach(meanwhile: (course: Course) => Promise<readonly Course[]>): Promise<Map<string, string>> {
  const endings = new Map<string, string>();
  for (let call = 1; ; call++) {
    const course = courses.start(100);
    const stopped = await processes.stopBefore(course, call);
    const roots = stopped.before === undefined ? [course] : await meanwhile(course);
    const { code, stdout, stderr } = await stopped.goOn();
    expect({ code, stderr }, stopped.before).toEqual({ code: 0, stderr: '' });
    courses.expectWhole(...roots);
    if (stopped.before === undefined) return endings;
    endings.set(`${call} ${stopped.before}`, stdout.split('\n').at(-2)!);
  }
}

describe('a sink that is stopped before any call, and goes on when another one has written', () => {
  test('the same tree', async () => {
    const endings = await stopBeforeEach(async (course) => {
      expect(await liveOn(() => live(parts, { ...course, perCheckpoint: 2 }))).toBe('done');
      return [course];
    });
    const refused = [...endings].filter(([, ending]) => ending === 'refused').map(([call]) => call);
    expect(refused.length).toBeGreaterThan(30);
    // From when it has read what is committed to when it commits itself, and so before and after it publishes.
    expect(refused.some((call) => call.includes('manifest.json'))).toBe(true);
    expect(refused.some((call) => /linkSync .*\/hour=/.test(call))).toBe(true);
    expect(refused.some((call) => /linkSync .*\/commit-0/.test(call))).toBe(true);
  });

  test('another tree', async () => {
    await stopBeforeEach(async (course) => {
      const other = courses.beside(course, 2);
      expect(await liveOn(() => live(parts, other))).toBe('done');
      return [course, other];
    });
  });
});

test('a process that is killed before any change leaves nothing that the next one does not end', async () => {
  for (let call = 1; ; call++) {
    const course = courses.start(100);
    const { signal, stdout } = await processes.run(course, { call, signal: 'SIGKILL', isChange: true });
    if (signal === null) {
      expect(stdout).toBe('done\n');
      break;
    }
    expect(signal).toBe('SIGKILL');
    courses.expectSound(course);
    await liveOn(() => recover(parts, course));
    expect(await liveOn(() => live(parts, { ...course, perCheckpoint: 2 }))).toBe('done');
    courses.expectWhole(course);
  }
});
