// A live worker's entry: one long task that reads rings and owns a shard of the flows.
import { WindrowError } from '../../base/errors.ts';
import { LiveWorker } from '../../flow/live_worker.ts';
import type { FromLiveWorker, LiveStart, ToLiveWorker } from './protocol.ts';

/** Runs a worker until its source is at its end; what is wrong goes over `start.port`. */
export default async function live(start: LiveStart): Promise<void> {
  const { port } = start;
  const say = (message: FromLiveWorker): void => port.postMessage(message);
  try {
    const worker = new LiveWorker(start);
    port.on('message', (message: ToLiveWorker) => say(answer(worker, message)));
    say({ type: 'ready' });
    if (await worker.run()) say({ type: 'done' });
  } catch (error) {
    say({ type: 'failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  } finally {
    port.close();
  }
}

function answer(worker: LiveWorker, message: ToLiveWorker): FromLiveWorker {
  const { call } = message;
  try {
    return { type: 'did', call, value: done(worker, message) };
  } catch (error) {
    if (error instanceof WindrowError) return { type: 'refused', call, code: error.code, message: error.message };
    throw error;
  }
}

function done(worker: LiveWorker, message: ToLiveWorker): boolean {
  switch (message.type) {
    case 'add':
      return worker.add(message.ring, message.name);
    case 'addStream':
      worker.addStream(message.stream, message.name);
      return true;
    case 'activate':
      return worker.activate(message.interface);
    case 'remove':
      worker.remove(message.interface);
      return true;
  }
}
