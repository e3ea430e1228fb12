// The worker's entry: one long task that owns a shard, reads the captures and hands over blocks of lines.
import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import type { MessagePort } from 'node:worker_threads';
import { WindrowError } from '../base/errors.ts';
import { Shard } from '../flow/shard.ts';
import { Recorder } from '../flowlog/recorder.ts';
import type { LineSink } from '../flowlog/recorder.ts';
import { Summarizer } from '../flowlog/summary.ts';
import { BLOCKS, BLOCK_BYTES } from './protocol.ts';
import type { FromWorker, ReplayResult, ReplayTask, ToWorker } from './protocol.ts';

const TOP_FLOWS = 20;
const PROGRESS_MS = 200;
/** A line is shorter than this: a block with less room left is handed over. */
const LINE_ROOM = 64 * 1024;

class Stopped extends Error {}

/** Runs a replay; what it has to say goes over `task.port`. */
export default async function replay(task: ReplayTask): Promise<void> {
  const { port } = task;
  const say = (message: FromWorker): void => port.postMessage(message);
  try {
    say({ type: 'done', result: await run(task) });
  } catch (error) {
    if (!(error instanceof Stopped)) say(failure(error));
  } finally {
    port.close();
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

async function run(task: ReplayTask): Promise<ReplayResult> {
  const { port } = task;
  const blocks = new Blocks(port);
  const summarizer = task.summary ? new Summarizer(task.windowSeconds) : undefined;
  const shard = new Shard({ ...task, locality: task.locality.native });
  try {
    await shard.open(task.paths);
    const recorder = new Recorder(
      shard,
      task.locality,
      task.windowSeconds,
      task.lines ? blocks : undefined,
      summarizer && ((columns, rows) => summarizer.see(columns, rows)),
    );
    let nextProgress = Date.now() + PROGRESS_MS;
    for await (const window of shard.windows()) {
      if (window) await recorder.record(window);
      else await recorder.recordDrops();
      if (Date.now() < nextProgress) continue;
      nextProgress = Date.now() + PROGRESS_MS;
      const packets = shard.state.interfaces.reduce((sum, i) => sum + i.packets, 0);
      port.postMessage({ type: 'progress', progress: { ...shard.progress, packets } } satisfies FromWorker);
      // Messages arrive between turns of the event loop only: a stop, blocks that come back.
      await turn();
      blocks.throwIfStopped();
    }
    const accounting = await recorder.finish();
    blocks.flush();
    return { accounting, summary: summarizer?.get(TOP_FLOWS) };
  } finally {
    shard.close();
  }
}

/** The blocks of lines: at most BLOCKS exist, so a slow output slows the worker instead of filling memory. */
class Blocks implements LineSink {
  #port: MessagePort;
  #free: Uint8Array<ArrayBuffer>[] = [];
  #made = 0;
  #current: Uint8Array<ArrayBuffer> | undefined;
  #size = 0;
  #isStopped = false;

  constructor(port: MessagePort) {
    this.#port = port;
    port.on('message', (message: ToWorker) => {
      if (message.type === 'stop') this.#isStopped = true;
      else this.#free.push(message.bytes);
    });
    port.on('close', () => (this.#isStopped = true));
  }

  room(): Uint8Array | Promise<Uint8Array> {
    if (this.#current && BLOCK_BYTES - this.#size < LINE_ROOM) this.flush();
    this.#current ??= this.#free.pop() ?? this.#make();
    return this.#current ? this.#current.subarray(this.#size) : this.#wait();
  }

  #make(): Uint8Array<ArrayBuffer> | undefined {
    if (this.#made === BLOCKS) return undefined;
    this.#made++;
    return new Uint8Array(BLOCK_BYTES);
  }

  async #wait(): Promise<Uint8Array> {
    while (this.#free.length === 0) {
      this.throwIfStopped();
      await once(this.#port, 'message');
    }
    return this.room();
  }

  wrote(bytes: number): void {
    this.#size += bytes;
  }

  /** Hands over what is filled. */
  flush(): void {
    if (this.#current && this.#size > 0) {
      const block = { type: 'block', bytes: this.#current, size: this.#size } satisfies FromWorker;
      this.#port.postMessage(block, [this.#current.buffer]);
      this.#current = undefined;
    }
    this.#size = 0;
  }

  throwIfStopped(): void {
    if (this.#isStopped) throw new Stopped();
  }
}
