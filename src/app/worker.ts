// The worker's entry: one long task that reads captures and owns a shard of the flows.
import { WindrowError } from '../base/errors.ts';
import { Worker } from '../flow/worker.ts';
import type { FromWorker, ReplayTask } from './protocol.ts';

/** Runs a worker of a replay; how it ended goes over `task.port`. */
export default async function replay(task: ReplayTask): Promise<void> {
  const say = (message: FromWorker): void => task.port.postMessage(message);
  let worker: Worker | undefined;
  try {
    worker = new Worker(task);
    if (await worker.run()) say({ type: 'done', incomplete: worker.incomplete });
  } catch (error) {
    say(failure(error));
  } finally {
    worker?.close();
    task.port.close();
  }
}

function failure(error: unknown): FromWorker {
  if (error instanceof WindrowError) return { type: 'failed', code: error.code, message: error.message };
  return {
    type: 'failed',
    code: undefined,
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
  };
}
