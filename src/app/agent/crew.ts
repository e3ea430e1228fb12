// The threads of live interfaces: what they are told, and how they end.
import { WindrowError } from '../../base/errors.ts';
import type { NetworkInterface } from '../../capture/interface.ts';
import type { PacketFilter } from '../../capture/packet_filter.ts';
import { ringOf } from '../../capture/ring.ts';
import type { Side } from '../../capture/ring.ts';
import type { Exchange } from '../../flow/exchange.ts';
import type { LiveNflog, LiveStream } from '../../flow/live_worker.ts';
import { ShardPool } from '../../flow/pool.ts';
import type { RunningTask } from '../../flow/pool.ts';
import type { FromLiveWorker, ToLiveWorker } from './protocol.ts';

/** A thread's port closes before its error is told. */
const LAST_WORD_MS = 500;

type Told<T> = T extends { readonly call: number } ? Omit<T, 'call'> : never;

interface Answer {
  resolve(value: boolean): void;
  reject(error: Error): void;
}

export interface LiveRingOptions {
  /** Of each worker's ring. */
  readonly bytes: number;
  readonly side: Side;
  readonly filter: PacketFilter | undefined;
}

/** Fanout groups are numbered in 16 bits for a whole network namespace, so another process may have one of the same number. */
const GROUPS = 0x10000;

export class LiveCrew {
  readonly workers: number;
  readonly #pool: ShardPool;
  #members: Member[] = [];
  #stop: (() => void) | undefined;
  #nextGroup = process.pid % GROUPS;
  #fail: (error: Error) => void = () => undefined;
  /** Rejects when a worker dies: half of the traffic would be missing in silence. */
  readonly failed = new Promise<never>((_, reject) => (this.#fail = reject));

  constructor(workers: number) {
    this.workers = workers;
    this.#pool = new ShardPool(new URL('./worker.js', import.meta.url), workers);
    this.failed.catch(() => undefined);
  }

  /** Resolves when all of them are there. The first hears what the firewall tells. */
  async start(exchange: Exchange, maxFlows: number, nflog?: LiveNflog): Promise<void> {
    process.once('exit', (this.#stop = () => exchange.stop()));
    this.#members = Array.from({ length: this.workers }, (_, worker) => {
      const heard = worker === 0 && nflog ? { nflog } : {};
      const task = this.#pool.start({ exchange: exchange.share(), worker, maxFlows, ...heard });
      return new Member(
        task,
        () => exchange.interrupt(),
        (error) => this.#fail(error),
      );
    });
    await Promise.race([Promise.all(this.#members.map(({ ready }) => ready)), this.failed]);
  }

  /**
   * All workers get a ring of the interface, and begin to receive once all have one. Gives whether super-frames are counted
   * as the packets that the wire carries. Rejects with INPUT_REFUSED; then none has one.
   */
  async add(at: NetworkInterface, number: number, options: LiveRingOptions): Promise<boolean> {
    const group = this.workers > 1 ? this.#nextGroup++ % GROUPS : undefined;
    try {
      const knows: boolean[] = [];
      // One after the other: the first makes the group.
      for (const member of this.#members) {
        knows.push(await member.call({ type: 'add', ring: ringOf(at, number, { ...options, group }), name: at.name }));
      }
      const isActive = await Promise.all(
        this.#members.map((member) => member.call({ type: 'activate', interface: number })),
      );
      if (isActive.includes(false)) throw new WindrowError('INPUT_REFUSED', `${at.name}: the kernel refuses a filter`);
      return knows.every(Boolean);
    } catch (error) {
      await this.remove(number);
      throw error;
    }
  }

  /** One of the workers reads it. Rejects with INPUT_REFUSED. */
  async addStream(stream: LiveStream, name: string): Promise<void> {
    await this.#members[stream.interface % this.workers].call({ type: 'addStream', stream, name });
  }

  /** What the rings hold is read, then they are closed. A worker that has died has none. */
  async remove(number: number): Promise<void> {
    await Promise.allSettled(this.#members.map((member) => member.call({ type: 'remove', interface: number })));
  }

  /** All have ended, as the exchange was told to. */
  async done(): Promise<void> {
    await Promise.race([Promise.all(this.#members.map(({ done }) => done)), this.failed]);
  }

  /** Ends the threads. Those that wait in an exchange have to be stopped there first. */
  async close(): Promise<void> {
    if (this.#stop) process.removeListener('exit', this.#stop);
    await this.#pool.close();
  }
}

/** One worker, as the main thread knows it. */
class Member {
  readonly ready: Promise<void>;
  readonly done: Promise<void>;
  readonly #task: RunningTask;
  readonly #interrupt: () => void;
  readonly #answers = new Map<number, Answer>();
  #calls = 0;
  #isDead = false;

  /** `interrupt` makes it hear at once what it is told. */
  constructor(task: RunningTask, interrupt: () => void, fail: (error: Error) => void) {
    this.#task = task;
    this.#interrupt = interrupt;
    let isReady: () => void = () => undefined;
    let isDone: () => void = () => undefined;
    this.ready = new Promise((resolve) => (isReady = resolve));
    this.done = new Promise((resolve) => (isDone = resolve));
    let isOver = false;
    const die = (why: string): void => {
      isOver = true;
      const what = 'a worker has died, and a part of the traffic is not seen any more';
      fail(new WindrowError('WORKER', `${what}: the agent ends; please report it: ${why}`));
      this.#die();
    };
    task.port.on('message', (message: FromLiveWorker) => {
      switch (message.type) {
        case 'ready':
          return isReady();
        case 'done':
          isOver = true;
          return isDone();
        case 'failed':
          return die(message.message);
        case 'did':
          return this.#answer(message.call)?.resolve(message.value);
        case 'refused':
          return this.#answer(message.call)?.reject(new WindrowError(message.code, message.message));
      }
    });
    // A thread that ends without a word has been ended; what it died of may come a moment later.
    task.port.on('close', () => {
      setTimeout(() => {
        if (!isOver) die('it ended without a word');
      }, LAST_WORD_MS).unref();
    });
    task.ended.catch((error: unknown) => die((error instanceof Error && error.stack) || String(error)));
  }

  /** Rejects with INPUT_REFUSED where the worker refuses, or is dead. */
  call(told: Told<ToLiveWorker>): Promise<boolean> {
    const call = this.#calls++;
    return new Promise((resolve, reject) => {
      this.#answers.set(call, { resolve, reject });
      if (this.#isDead) this.#die();
      else {
        this.#task.port.postMessage({ ...told, call });
        this.#interrupt();
      }
    });
  }

  /** Nobody answers any more. */
  #die(): void {
    this.#isDead = true;
    for (const answer of this.#answers.values())
      answer.reject(new WindrowError('INPUT_REFUSED', 'the worker has ended'));
    this.#answers.clear();
  }

  #answer(call: number): Answer | undefined {
    const answer = this.#answers.get(call);
    this.#answers.delete(call);
    return answer;
  }
}
