// What the main thread and a worker say to each other. Blocks of lines change hands; nobody copies them.
import type { MessagePort } from 'node:worker_threads';
import type { Locality } from '../cloud/locality.ts';
import type { Accounting } from '../flowlog/accounting.ts';
import type { Summary } from '../flowlog/summary.ts';
import type { ErrorCode } from '../base/errors.ts';

/** Blocks of lines under way at once, at most: a window that closes makes many, which are written while the next one fills. */
export const BLOCKS = 8;
/** Bytes of a block; written as one. */
export const BLOCK_BYTES = 1 << 20;

export interface ReplayTask {
  readonly paths: readonly string[];
  readonly windowSeconds: number;
  readonly latenessSeconds: number;
  readonly decapsulate: boolean;
  readonly maxFlows: number;
  readonly locality: Locality;
  /** Lines are wanted; else only what `summary` asks for. */
  readonly lines: boolean;
  readonly summary: boolean;
  readonly port: MessagePort;
}

/** How far a replay is. */
export interface Progress {
  readonly consumed: number;
  readonly size: number;
  readonly packets: number;
}

/** How a replay ended. */
export interface ReplayResult {
  readonly accounting: Accounting;
  readonly summary: Summary | undefined;
}

/** From the worker. A block's bytes are transferred: the worker has them back with a `block` message. */
export type FromWorker =
  | { readonly type: 'block'; readonly bytes: Uint8Array<ArrayBuffer>; readonly size: number }
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'done'; readonly result: ReplayResult }
  | { readonly type: 'failed'; readonly code: ErrorCode | undefined; readonly message: string };

/** To the worker: a block that was written, or the wish that it stops. */
export type ToWorker = { readonly type: 'block'; readonly bytes: Uint8Array<ArrayBuffer> } | { readonly type: 'stop' };
