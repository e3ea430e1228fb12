// One worker of live interfaces: reads its rings, and folds the flows of its shard.
import { setImmediate as turn } from 'node:timers/promises';
import { addon } from '../base/addon.ts';
import type { NativeNflogGroup, NativeRing, NativeWorker } from '../base/addon_types.ts';
import { refusedRing } from '../capture/ring.ts';
import { withMemory } from './exchange.ts';

/** In the order of `Run` in native-bindings/worker.h. */
const RUN_END = 0;
const RUN_STOPPED = 2;

export interface LiveTask {
  /** Of the exchange, as shared. */
  readonly exchange: number;
  /** Counted from 0. */
  readonly worker: number;
  readonly maxFlows: number;
  /** Of the one that the firewall tells what became of packets. */
  readonly nflog?: LiveNflog;
}

export interface LiveNflog {
  /** Of a socket, which the worker closes in the end. */
  readonly fd: number;
  readonly groups: readonly NativeNflogGroup[];
}

/** A pipe with packets of an interface in it. */
export interface LiveStream {
  readonly fd: number;
  readonly interface: number;
  readonly linkType: number;
}

export class LiveWorker {
  readonly #native: NativeWorker;
  readonly #status = new Float64Array(4);

  constructor({ exchange, worker, maxFlows, nflog }: LiveTask) {
    const joined = addon.exchange_join(exchange);
    this.#native = withMemory(maxFlows, () => addon.worker_new(joined, worker));
    if (nflog) addon.worker_hear(this.#native, nflog.fd, nflog.groups);
  }

  /** Whether super-frames are counted as the packets that the wire carries. Throws INPUT_REFUSED. */
  add(ring: NativeRing, name: string): boolean {
    const { errno, refused, knowsSegments } = addon.worker_add_ring(this.#native, ring, name);
    if (errno !== 0) throw refusedRing(name, refused, errno);
    return knowsSegments;
  }

  /** Reads a capture from the pipe, and closes it when it has ended. */
  addStream({ fd, interface: number, linkType }: LiveStream, name: string): void {
    addon.worker_add_stream(this.#native, fd, number, linkType, name);
  }

  /** From here on its ring receives. False where the kernel refuses that. */
  activate(number: number): boolean {
    return addon.worker_activate_ring(this.#native, number);
  }

  /** What its ring holds is read, then it is closed. */
  remove(number: number): void {
    addon.worker_remove_ring(this.#native, number);
  }

  /** Works until the source is at its end (true), or is stopped. Messages to its thread come through ten times a second, or at once after an interrupt. */
  async run(): Promise<boolean> {
    for (;;) {
      const why = this.step(true);
      if (why !== 'more') return why === 'end';
      await turn();
    }
  }

  /** Does what is to be done; one that `waits` also waits for a moment. */
  step(waits: boolean): 'more' | 'end' | 'stopped' {
    const why = addon.worker_run(this.#native, waits, this.#status);
    return why === RUN_END ? 'end' : why === RUN_STOPPED ? 'stopped' : 'more';
  }
}
