// What the main thread and the workers say to each other. Packets and rows pass through the exchange, not through messages.
import type { MessagePort } from 'node:worker_threads';
import type { ErrorCode } from '../base/errors.ts';
import type { Incomplete, WorkerTask } from '../flow/worker.ts';

/** One for each worker. */
export interface ReplayTask extends WorkerTask {
  readonly port: MessagePort;
}

/** From a worker, once, at its end. A worker that was stopped says nothing. */
export type FromWorker =
  | { readonly type: 'done'; readonly incomplete: readonly Incomplete[] }
  | { readonly type: 'failed'; readonly code: ErrorCode | undefined; readonly message: string };
