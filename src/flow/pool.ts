// The threads of the shards: each runs one long task of the worker's entry until it ends.
import { MessageChannel } from 'node:worker_threads';
import type { MessagePort, Transferable } from 'node:worker_threads';
import { Piscina } from 'piscina';

/** A task under way: its port, and the promise that settles when its thread is done with it. */
export interface RunningTask {
  readonly port: MessagePort;
  readonly ended: Promise<void>;
}

export class ShardPool {
  #pool: Piscina;

  /** `entry` is the URL of a module whose default export takes the task. */
  constructor(entry: URL, threads: number) {
    this.#pool = new Piscina({
      filename: entry.href,
      minThreads: threads,
      // One more than tasks: a pool without a spare thread waits before it closes.
      maxThreads: threads + 1,
      idleTimeout: Infinity,
      concurrentTasksPerWorker: 1,
      // The default freezes an idle worker's event loop, and with it its ports.
      atomics: 'disabled',
      // A pipe's descriptor is closed by its socket; closed once more at the thread's end, it could be somebody else's.
      trackUnmanagedFds: false,
      // Node 20 aborts where a thread ends while it loads a module of ours by require; so it is made to import it.
      execArgv: ['--no-experimental-require-module'],
    });
    // Of a thread without a task: one that has a task fails that.
    this.#pool.on('error', () => undefined);
  }

  /** Starts a task on a thread of its own; it gets `task` and a port. */
  start(task: object): RunningTask {
    const { port1, port2 } = new MessageChannel();
    const transferList: Transferable[] = [port2];
    const ended = this.#pool.run({ ...task, port: port2 }, { transferList }) as Promise<void>;
    return { port: port1, ended };
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}
