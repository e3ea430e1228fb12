// The threads of a replay: how many, what they are told, and how they end.
import fs from 'node:fs';
import { availableParallelism } from 'node:os';
import { WindrowError } from '../base/errors.ts';
import { STDIN } from '../base/standard.ts';
import type { Exchange } from '../flow/exchange.ts';
import { ShardPool } from '../flow/pool.ts';
import type { Incomplete, WorkerTask } from '../flow/worker.ts';
import type { FromWorker } from './protocol.ts';
import type { ReplayOptions } from './replay_options.ts';

/** A worker that is there for less of a capture than this costs more than it brings. */
const LEAST_BYTES_OF_WORKER = 32 << 20;

/** As many as the machine has cores, and as there is work for; of a stream nobody knows how much there is. */
function workersFor(size: number): number {
  const cores = availableParallelism();
  return size === 0 ? cores : Math.max(1, Math.min(cores, Math.floor(size / LEAST_BYTES_OF_WORKER)));
}

/** Bytes of all captures as stored, 0 where one is a stream. */
export function sizeOf(paths: readonly string[]): number {
  try {
    const stats = paths.map((path) => (path === STDIN ? fs.fstatSync(0) : fs.statSync(path)));
    return stats.every((stat) => stat.isFile()) ? stats.reduce((sum, stat) => sum + stat.size, 0) : 0;
  } catch {
    // Opening says why.
    return 0;
  }
}

/** The threads of a replay. */
export class Crew {
  readonly workers: number;
  #pool: ShardPool;
  #ended: Promise<readonly Incomplete[]>[] = [];
  #closed: Promise<void> | undefined;
  #stop: (() => void) | undefined;
  #fail: (error: Error) => void = () => undefined;
  /** Rejects when a worker fails. */
  readonly failed = new Promise<never>((_, reject) => (this.#fail = reject));

  /** The threads begin at once, so that they are there when there is something to do. */
  constructor(options: Pick<ReplayOptions, 'paths' | 'workers'>) {
    this.workers = options.workers ?? workersFor(sizeOf(options.paths));
    this.#pool = new ShardPool(new URL('./worker.js', import.meta.url), this.workers);
    this.failed.catch(() => undefined);
  }

  start(exchange: Exchange, { maxFlows, paths, isFile }: Omit<WorkerTask, 'exchange' | 'worker'>): void {
    // Whoever ends the process, even an error that nobody expected: Node would wait for threads that wait in the exchange.
    process.once('exit', (this.#stop = () => exchange.stop()));
    for (let worker = 0; worker < this.workers; worker++) {
      const task: WorkerTask = { exchange: exchange.share(), worker, maxFlows, paths, isFile };
      const { port, ended } = this.#pool.start(task);
      this.#ended.push(
        new Promise((resolve) => {
          port.on('message', (message: FromWorker) => {
            if (message.type === 'done') resolve(message.incomplete);
            else this.#fail(errorOf(message));
          });
        }),
      );
      ended.catch((error: unknown) => this.#fail(error instanceof Error ? error : new Error(String(error))));
    }
  }

  /** All have ended: what they could not read to its end. */
  async done(): Promise<Incomplete[]> {
    return (await Promise.race([Promise.all(this.#ended), this.failed])).flat();
  }

  /** Ends the threads. Those that wait in an exchange have to be stopped there first. */
  close(): Promise<void> {
    if (this.#stop) process.removeListener('exit', this.#stop);
    return (this.#closed ??= this.#pool.close());
  }
}

function errorOf(message: Extract<FromWorker, { type: 'failed' }>): Error {
  return message.code ? new WindrowError(message.code, message.message) : new Error(message.message);
}
