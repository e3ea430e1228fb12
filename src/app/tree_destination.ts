// Entries as a tree of files, by the sink's own code and without Kafka: one process, no broker.
import fs from 'node:fs';
import path from 'node:path';
import { addon } from '../base/addon.ts';
import { WindrowError, systemCode, systemReason } from '../base/errors.ts';
import type { Batch, BatchSink } from '../flowlog/batch.ts';
import { BatchWriter } from '../flowlog/batch_writer.ts';
import type { BatchSource } from '../flowlog/batch_writer.ts';
import type { EniDirectory } from '../flowlog/eni_directory.ts';
import type { EntryWriter } from '../flowlog/entry_writer.ts';
import type { Committer } from '../sink/checkpoint.ts';
import type { Compression } from '../sink/compressions.ts';
import { STATE_FOLDER } from '../sink/layout.ts';
import { Sink } from '../sink/sink.ts';
import { Tree } from '../sink/tree.ts';
import type { TreeTarget } from '../sink/tree_target.ts';
import type { Destination } from './destination.ts';
import { exact } from './units.ts';

/** Whoever is alone decides alone. */
const ALONE: Committer = { commit: () => Promise.resolve(true) };

export class TreeDestination implements Destination, BatchSink {
  readonly #root: string;
  readonly #source: BatchSource;
  readonly #tree: Tree;
  readonly #lock: Lock;
  readonly #target: TreeTarget;
  readonly #sink: Sink;
  /** A batch's place in the replay; the replay is a partition of its own. */
  #offset = 0;
  #entries = 0;
  #taking: Promise<void> = Promise.resolve();
  #isOver = false;
  readonly failed = new Promise<never>(() => undefined);

  private constructor(root: string, source: BatchSource, tree: Tree, lock: Lock) {
    this.#root = root;
    this.#source = source;
    this.#tree = tree;
    this.#lock = lock;
    this.#target = tree.target();
    this.#sink = new Sink(this.#target, ALONE, { rotateMs: Infinity, now: () => 0 });
    this.#sink.assign(0, []);
  }

  /** Replays that were killed are ended first, as far as they had come. Rejects with OUTPUT_FAILED. */
  static async open(
    root: string,
    source: BatchSource,
    options: { compress: Compression | undefined; rotateBytes: number },
  ): Promise<TreeDestination> {
    // The same replay with another size of files has the same name: its files take the place of the earlier ones.
    const tree = Tree.open(root, { ...options, replaces: true, owner: 'replay' });
    try {
      const lock = new Lock(path.join(root, STATE_FOLDER, `${source.agent}.lock`));
      await tree.recover(() => Promise.resolve(true));
      return new TreeDestination(root, source, tree, lock);
    } catch (error) {
      await tree.close();
      throw failureOf(root, error);
    }
  }

  writer(enis: EniDirectory): EntryWriter {
    return new BatchWriter(enis, this.#source, this);
  }

  take(batch: Batch): Promise<void> {
    return (this.#taking = this.#take(batch));
  }

  async end(): Promise<void> {
    // Whoever gives up has not waited for what is under way.
    await this.#taking.catch(() => undefined);
    try {
      if (!this.#isOver) await this.#sink.checkpoint();
    } catch (error) {
      throw failureOf(this.#root, error);
    } finally {
      this.#isOver = true;
      await this.#tree.close();
      this.#lock.release();
    }
  }

  async finish(): Promise<void> {
    this.#target.endWithNext();
    await this.end();
  }

  summary(): string {
    return `${exact(this.#entries)} entries in ${this.#root}`;
  }

  async #take(batch: Batch): Promise<void> {
    if (this.#isOver) throw new Error('a batch after the end of a replay');
    try {
      // Not behind the batch that makes it due: the last checkpoint of all has one.
      if (this.#sink.isDue) await this.#sink.checkpoint();
      const origin = { topic: batch.identity.agent, partition: 0, offset: this.#offset++ };
      await this.#sink.take({ ...origin, batch, key: null, message: null });
      this.#entries += batch.entries;
    } catch (error) {
      // A batch may be there in part.
      this.#isOver = true;
      throw failureOf(this.#root, error);
    }
  }
}

/** The same captures are replayed to a tree by one process at a time: each would take the place of what the other wrote. */
class Lock {
  readonly #file: string;
  readonly #fd: number;

  /** Throws OUTPUT_FAILED. */
  constructor(file: string) {
    this.#file = file;
    for (;;) {
      const fd = fs.openSync(file, 'a');
      if (!addon.file_lock(fd)) {
        fs.closeSync(fd);
        const root = path.dirname(path.dirname(file));
        throw new WindrowError('OUTPUT_FAILED', `${root}: another process is replaying the same captures to it`);
      }
      this.#fd = fd;
      if (fs.fstatSync(fd).nlink > 0) return;
      // Its owner removed it before it was locked here.
      fs.closeSync(fd);
    }
  }

  release(): void {
    fs.rmSync(this.#file, { force: true });
    fs.closeSync(this.#fd);
  }
}

function failureOf(root: string, cause: unknown): unknown {
  if (cause instanceof WindrowError || systemCode(cause) === '') return cause;
  return new WindrowError('OUTPUT_FAILED', `${root}: cannot be written: ${systemReason(cause)}`, { cause });
}
