// What the main thread and the workers of live interfaces say to each other.
import type { MessagePort } from 'node:worker_threads';
import type { NativeRing } from '../../base/addon_types.ts';
import type { ErrorCode } from '../../base/errors.ts';
import type { LiveStream, LiveTask } from '../../flow/live_worker.ts';

/** One for each worker. */
export interface LiveStart extends LiveTask {
  readonly port: MessagePort;
}

/** To a worker; each is answered by `did` with its number. */
export type ToLiveWorker = { readonly call: number } & (
  | { readonly type: 'add'; readonly ring: NativeRing; readonly name: string }
  | { readonly type: 'addStream'; readonly stream: LiveStream; readonly name: string }
  | { readonly type: 'activate'; readonly interface: number }
  | { readonly type: 'remove'; readonly interface: number }
);

/** From a worker. */
export type FromLiveWorker =
  | { readonly type: 'ready' }
  /** `value`: of add, whether super-frames are known; of activate, whether the ring receives. */
  | { readonly type: 'did'; readonly call: number; readonly value: boolean }
  | { readonly type: 'refused'; readonly call: number; readonly code: ErrorCode; readonly message: string }
  /** Its source is at its end. */
  | { readonly type: 'done' }
  | { readonly type: 'failed'; readonly message: string };
