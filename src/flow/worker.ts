// One worker of a replay: reads captures, alone or its part of a file, and folds the flows of its shard.
import { getSystemErrorName } from 'node:util';
import { addon } from '../base/addon.ts';
import type { NativeDamage, NativeExchange, NativeWorker } from '../base/addon_types.ts';
import { WindrowError, systemReason } from '../base/errors.ts';
import { DAMAGES, REFUSALS, describeDamage, refusal } from '../capture/damage.ts';
import type { Damage } from '../capture/damage.ts';
import { withMemory } from './exchange.ts';
import type { Inputs } from './inputs.ts';

/** Why the native core came back; in the order of `Run` in native-bindings/worker.h. */
const RUN = { end: 0, needData: 1, stopped: 2, failed: 3, idle: 4 } as const;

export interface WorkerTask {
  /** Of the exchange, as shared. */
  readonly exchange: number;
  /** Counted from 0. */
  readonly worker: number;
  readonly maxFlows: number;
  readonly paths: readonly string[];
  /** The one path is a regular file, which all workers read; else worker 0 reads for all. */
  readonly isFile: boolean;
}

/** A capture that was not read to its end. */
export interface Incomplete {
  readonly input: string;
  readonly damage: Damage;
  readonly message: string;
}

/** How a capture ended: what its compression says, and what the reader found. */
export interface Ending {
  readonly name: string;
  readonly sourceDamage: Damage;
  readonly found: NativeDamage;
}

export class Worker {
  #exchange: NativeExchange;
  #native: NativeWorker;
  #task: WorkerTask;
  #inputs: Inputs | undefined;
  #status = new Float64Array(4);
  readonly incomplete: Incomplete[] = [];

  constructor(task: WorkerTask) {
    this.#task = task;
    this.#exchange = addon.exchange_join(task.exchange);
    this.#native = withMemory(task.maxFlows, () => addon.worker_new(this.#exchange, task.worker));
  }

  /** Works until all is done (true), or it was stopped. Its thread is blocked while there is nothing to do. */
  async run(): Promise<boolean> {
    await this.open();
    for (;;) {
      const ended = await this.step(true);
      if (ended !== 'more') return ended === 'end';
    }
  }

  /** Opens what this worker reads for all. */
  async open(): Promise<void> {
    const { paths, isFile, worker } = this.#task;
    if (isFile || worker !== 0) return;
    // Its modules are not needed, and so not loaded, where a file is read in chunks.
    const { Inputs } = await import('./inputs.ts');
    this.#inputs = await Inputs.open(this.#native, paths);
  }

  /** Goes on until bytes were read, or it is over; without `waits` also until there is nothing to do. */
  async step(waits: boolean): Promise<'more' | 'end' | 'stopped'> {
    const why = addon.worker_run(this.#native, waits, this.#status);
    const [input, position, wanted, errno] = this.#status as unknown as [number, number, number, number];
    for (const ending of this.#inputs?.takeEnded() ?? []) this.#note(ending);
    switch (why) {
      case RUN.needData:
        await this.#inputs!.feed(input, position, wanted);
        return 'more';
      case RUN.failed:
        throw new WindrowError('INPUT_REFUSED', `${this.#task.paths[0]}: cannot be read: ${reasonOf(errno)}`);
      case RUN.end:
        if (this.#task.worker === 0) this.#end();
        return 'end';
      default:
        return why === RUN.stopped ? 'stopped' : 'more';
    }
  }

  close(): void {
    this.#inputs?.close();
  }

  /** Everything has been read. */
  #end(): void {
    const { isFile, paths } = this.#task;
    if (isFile) this.#note({ name: paths[0], sourceDamage: 'none', found: addon.exchange_damage(this.#exchange) });
    // A pcapng of which nothing can be read is refused, as a pcap of such a link type is.
    const linkType = addon.exchange_unread(this.#exchange);
    if (linkType >= 0) throw refusal(paths.join(', '), 'link_type', linkType);
  }

  /** Refuses a capture, or notes that it was not read to its end. */
  #note({ name, sourceDamage, found }: Ending): void {
    const native = DAMAGES[found.damage];
    // What the compression says explains what the reader found.
    const damage = sourceDamage !== 'none' ? sourceDamage : native;
    if (REFUSALS.includes(native)) throw refusal(name, damage, found.detail);
    if (damage === 'none') return;
    this.incomplete.push({ input: name, damage, message: describeDamage(damage, found.detail, found.offset) });
  }
}

function reasonOf(errno: number): string {
  const code = getSystemErrorName(-errno);
  return systemReason(Object.assign(new Error(`${code} (error ${errno})`), { code }));
}
