// A worker by its face: what it reads for all, what it refuses, and how it is stopped.
import fs from 'node:fs';
import { describe, expect, test } from 'vitest';
import { WindrowError } from '../../src/base/errors.ts';
import { Worker } from '../../src/flow/worker.ts';
import type { Exchange } from '../../src/flow/exchange.ts';
import { Workplace } from '../app/program.ts';
import { capture, drain, exchangeOf } from './drained.ts';

const workplace = new Workplace();

function workerOf(exchange: Exchange, paths: string[], isFile: boolean, worker = 0): Worker {
  return new Worker({ exchange: exchange.share(), worker, maxFlows: 1000, paths, isFile });
}

async function refusalOf(run: () => Promise<unknown>): Promise<WindrowError> {
  try {
    await run();
  } catch (error) {
    expect(error).toBeInstanceOf(WindrowError);
    return error as WindrowError;
  }
  throw new Error('it was not refused');
}

describe.each([1, 3])('%d workers', (workers) => {
  test('note where an input ends early, and give what was before', async () => {
    const file = workplace.file(capture(60, 61, 62).subarray(0, -1));
    const other = workplace.file(capture(63));
    for (const [paths, packets] of [
      [[file], 2],
      [[file, other], 3],
    ] as const) {
      const drained = await drain(paths, { workers });
      expect(drained.packets).toBe(packets);
      expect(drained.incomplete).toMatchObject([{ input: file, damage: 'record_cut' }]);
    }
  });

  test('refuse what is no capture, alone and among others', async () => {
    const text = workplace.file('no packets here');
    const good = workplace.file(capture(60));
    for (const paths of [[text], [good, text], [workplace.at('gone')], [good, workplace.at('gone')]]) {
      const error = await refusalOf(() => drain(paths, { workers }));
      expect(error.code).toBe('INPUT_REFUSED');
      expect(error.message).toContain(paths.at(-1));
    }
  });

  test('know the first and the last time, and what was read', async () => {
    const bytes = capture(90, 60, 300, 200);
    const { clock } = await drain([workplace.file(bytes)], { workers });
    expect(clock).toEqual({ first: 90, mark: 300, interfaces: 1, packets: 4, consumed: bytes.length });
    const none = await drain([workplace.file(capture())], { workers });
    expect(none).toMatchObject({ windows: [], clock: { first: undefined, interfaces: 1, packets: 0 } });
  });
});

test('a file that cannot be read any more is refused with the reason', async () => {
  const file = workplace.file(capture(60), 'unreadable');
  // Whatever its descriptor leads to now, it is not the file's bytes.
  const fd = fs.openSync(workplace.directory, 'r');
  const worker = workerOf(exchangeOf({ fd }), [file], true);
  const error = await refusalOf(() => worker.run());
  expect(error).toMatchObject({ code: 'INPUT_REFUSED' });
  expect(error.message).toMatch(/unreadable: cannot be read: it is a directory$/);
  fs.closeSync(fd);
});

test('whoever does not read for all waits for the one who does', async () => {
  const exchange = exchangeOf({ workers: 2 });
  const paths = [workplace.file(capture(60))];
  const [reader, other] = [0, 1].map((number) => workerOf(exchange, paths, false, number));
  await other.open();
  for (let i = 0; i < 10; i++) expect(await other.step(false)).toBe('more');
  expect(exchange.clock.packets).toBe(0);
  await reader.open();
  while ((await reader.step(false)) === 'more');
  expect(exchange.clock.packets).toBe(1);
  // There was nothing to fold for the other one, which still has to see that.
  while ((await other.step(false)) === 'more');
  expect(exchange.state.interfaces).toMatchObject([{ packets: 1 }]);
});

test('a worker that was stopped says so, at once and ever after', async () => {
  const exchange = exchangeOf({ workers: 1 });
  const worker = workerOf(exchange, [workplace.file(capture(60))], false);
  await worker.open();
  expect(await worker.step(false)).toBe('more');
  exchange.stop();
  expect(await worker.step(false)).toBe('stopped');
  expect(await worker.step(true)).toBe('stopped');
  expect(await worker.run()).toBe(false);
  expect(worker.incomplete).toEqual([]);
});
