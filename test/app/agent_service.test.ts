// What an agent tells systemd, with a clock that the test turns.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Progress } from '../../src/app/agent/progress.ts';
import { Service } from '../../src/app/agent/service.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const ALIVE = 'WATCHDOG=1';
const now = (): number => Math.floor(Date.now() / 1000);

/** What is told of an agent that began with this environment. */
function told(environment: NodeJS.ProcessEnv): { service: Service; texts: string[] } {
  const texts: string[] = [];
  return { service: new Service(environment, (text) => texts.push(text)), texts };
}

test('says twice in the time of the watchdog that it is alive, while its workers come on', () => {
  const { service, texts } = told({ WATCHDOG_USEC: '20000000', WATCHDOG_PID: `${process.pid}` });
  let isMoving = true;
  let mark = now();
  service.ready(new Progress(() => (isMoving ? (mark = now() - 1) : mark)));
  expect(texts.splice(0)).toEqual(['READY=1', ALIVE]);
  vi.advanceTimersByTime(30_000);
  expect(texts.splice(0)).toEqual([ALIVE, ALIVE, ALIVE]);
  isMoving = false;
  // It moved when it was looked at last.
  vi.advanceTimersByTime(10_000);
  texts.length = 0;
  vi.advanceTimersByTime(60_000);
  expect(texts).toEqual([]);
  isMoving = true;
  vi.advanceTimersByTime(10_000);
  expect(texts).toEqual([ALIVE]);
  service.end();
  vi.advanceTimersByTime(60_000);
  expect(texts).toEqual([ALIVE]);
});

test('is alive also when the clock was set back, and while it stops', () => {
  const { service, texts } = told({ WATCHDOG_USEC: '2000000' });
  let mark = now() + 3600;
  service.ready(new Progress(() => mark));
  vi.advanceTimersByTime(20_000);
  expect(texts.filter((text) => text === ALIVE)).toHaveLength(21);
  mark = now() - 1;
  vi.advanceTimersByTime(20_000);
  texts.length = 0;
  service.stopping();
  vi.advanceTimersByTime(2000);
  expect(texts).toEqual(['STOPPING=1\nSTATUS=stopping: open windows are closed and delivered', ALIVE, ALIVE]);
  service.end();
});

test.each([
  ['no watchdog', {}],
  ['the watchdog of another process', { WATCHDOG_USEC: '1000000', WATCHDOG_PID: '1' }],
  ['a watchdog without sense', { WATCHDOG_USEC: 'soon' }],
])('says nothing to %s', (_, environment) => {
  const { service, texts } = told(environment);
  service.ready(new Progress(() => 0));
  vi.advanceTimersByTime(60_000);
  expect(texts).toEqual(['READY=1']);
});
