// The workers of a replay: all in this thread, in an order that a seed tells, or in threads of their own as in the program.
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll } from 'vitest';
import type { FromWorker } from '../../src/app/protocol.ts';
import { WindrowError } from '../../src/base/errors.ts';
import { ShardPool } from '../../src/flow/pool.ts';
import { Worker } from '../../src/flow/worker.ts';
import type { Incomplete, WorkerTask } from '../../src/flow/worker.ts';

/** Runs workers to their ends, or until their exchange is stopped, and says what they could not read. */
export type Crew = (tasks: readonly WorkerTask[]) => Promise<readonly Incomplete[]>;

/** Lets workers do one step after the other. */
export function inThisThread(seed: number): Crew {
  return async (tasks) => {
    const random = randomOf(seed);
    const workers = tasks.map((task) => new Worker(task));
    try {
      for (const worker of workers) await worker.open();
      const busy = [...workers];
      while (busy.length > 0) {
        const at = random(busy.length);
        if ((await busy[at].step(false)) !== 'more') busy.splice(at, 1);
        // Now and then it is the turn of the thread's other task, which records what they give.
        if (random(8) === 0) await turn();
      }
      return workers.flatMap((worker) => worker.incomplete);
    } finally {
      for (const worker of workers) worker.close();
    }
  };
}

/** Numbers below a bound, the same for the same seed: a linear congruential generator, of which the high bits are good. */
function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const ENTRY = new URL('../../dist/app/worker.js', import.meta.url);

/** Up to so many workers at once. The threads serve one replay after the other, and end with the test file. */
export function inThreads(most: number): Crew {
  const pool = new ShardPool(ENTRY, most);
  afterAll(() => pool.close());
  return async (tasks) => (await Promise.all(tasks.map((task) => incompleteOf(pool, task)))).flat();
}

/** Rejects as soon as the worker fails. */
async function incompleteOf(pool: ShardPool, task: WorkerTask): Promise<readonly Incomplete[]> {
  const { port, ended } = pool.start(task);
  const said = await new Promise<FromWorker | undefined>((resolve, reject) => {
    port.once('message', resolve).once('close', () => resolve(undefined));
    ended.catch(reject);
  });
  if (said?.type === 'failed') {
    throw said.code ? new WindrowError(said.code, said.message) : new Error(said.message);
  }
  await ended;
  return said?.incomplete ?? [];
}
